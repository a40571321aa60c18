//! A refresh that reached nobody, for an application that nobody knows.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{FIRST_PAUSE, Outcome, path_of};
use crate::{
    desk::{Desk, Names, json_of},
    exit::Failure,
};

/// How long it may take until it is known who was told.
const LONGEST: Duration = Duration::from_secs(10);

/// What Spring reads as a pattern.
const WILD: [char; 5] = ['*', '?', '{', '}', '['];

/// Refuses a destination whose application is unknown and named like another one, once it is sure that nobody was told: where
/// somebody was, the name was right.
pub(super) async fn check(desk: &Desk, id: &str, destination: &str) -> Result<(), Failure> {
    let Some(applications) = applications(destination) else {
        return Ok(());
    };
    let names = Names::at(desk).await;
    match names.refuse_unseen(applications.split(',')) {
        Err(failure) if reached_nobody(desk, id).await => {
            Err(failure.note("nobody that is known was told"))
        }
        _ => Ok(()),
    }
}

/// The applications that a destination names, by comma; nothing where it is a pattern of them.
fn applications(destination: &str) -> Option<&str> {
    let first = destination.split(':').next()?;
    (!first.is_empty() && !first.contains(WILD)).then_some(first)
}

/// Whether it is over, and nobody was told; not so where the server does not say.
async fn reached_nobody(desk: &Desk, id: &str) -> bool {
    let until = Instant::now() + LONGEST;
    while Instant::now() < until {
        let Ok(answer) = desk.ask("GET", &path_of(id), "").await else {
            return false;
        };
        let Ok(refresh) = json_of(&answer) else {
            return false;
        };
        let outcome = Outcome::of(&refresh);
        if outcome.is_published || !outcome.answers.is_empty() {
            return outcome.answers.is_empty();
        }
        sleep(FIRST_PAUSE).await;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_no_name() {
        for (destination, expected) in [
            ("shop:**", Some("shop")),
            ("shop:prod:8080", Some("shop")),
            ("shop,billing:**", Some("shop,billing")),
            ("shop", Some("shop")),
            ("sh?p:**", None),
            ("sh*:**", None),
            ("**", None),
            (":prod", None),
        ] {
            assert_eq!(applications(destination), expected, "{destination}");
        }
    }
}
