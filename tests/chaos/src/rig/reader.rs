//! Who reads all the time, and writes down what came of it.

use std::time::Duration;

use crate::content::{Answer, digest};
use crate::history::{Micros, Name, Outcome, Read, What};
use crate::recorder::Recorder;

use super::http::{Connection, Response};
use super::repository::{APPLICATIONS, address};

/// Reads from a server until it is aborted.
pub(super) async fn read(server: Name, port: u16, pause: Duration, recorder: Recorder) {
    let mut connection = Connection::new(port);
    let mut ticks = tokio::time::interval(pause);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for address in APPLICATIONS.map(address).iter().cycle() {
        ticks.tick().await;
        let asked = recorder.now();
        let outcome = match connection.get(address).await {
            Ok(response) => outcome(&response),
            Err(error) => Outcome::Failed {
                reason: format!("{error:#}"),
            },
        };
        recorder.note(What::Read(Read {
            server: server.clone(),
            address: address.clone(),
            asked,
            outcome,
        }));
    }
}

/// What an answer says.
pub(crate) fn outcome(response: &Response) -> Outcome {
    let status = response.status;
    let answer = Answer::read(&response.body).filter(|_| status == 200);
    answer.map_or(Outcome::Other { status }, |answer| Outcome::Found {
        version: answer.version.into(),
        content: digest(&answer.values),
        held: response.held,
    })
}

/// What a server has answered last for an application, to somebody who asked after a moment.
pub(super) fn newest(
    recorder: &Recorder,
    server: &Name,
    application: &str,
    since: Micros,
) -> Option<Name> {
    let wanted = address(application);
    let found = recorder.newest(|entry| {
        if entry.at < since {
            return Some(None);
        }
        let What::Read(read) = &entry.what else {
            return None;
        };
        if read.server != *server || read.address != wanted || read.asked < since {
            return None;
        }
        match &read.outcome {
            Outcome::Found { content, .. } => Some(Some(content.clone())),
            Outcome::Other { .. } | Outcome::Failed { .. } => Some(None),
        }
    });
    found.flatten()
}
