//! A program that lives with its configuration, from the first version to its end.

use std::{process::ExitCode, sync::Arc};

use confbus_client::{Binding, Client, Live, Snapshot};
use rustix::process::Signal;
use tokio::time::timeout;

use super::{
    candidate::Candidate,
    delivery::Delivery,
    files,
    plan::Plan,
    process::{Phase, Program, ended, exit_code},
    say::say,
    settings,
    signals::{self, Signals, came_from_terminal},
};
use crate::cli::WatchArgs;

/// The first version is refused.
const REFUSED: u8 = 1;

/// Runs until the program ends, or we are told to end.
pub(super) async fn run(args: &WatchArgs, plan: Plan) -> anyhow::Result<ExitCode> {
    files::remove_leftovers(&plan.outputs);
    // From here on signals are ours to pass on.
    let mut signals = Signals::listen()?;
    let client = tokio::select! {
        client = first_configuration(args) => client?,
        signal = signals.request_to_end() => return Ok(ExitCode::from(signals::exit_code(signal))),
    };
    for pattern in plan.only.useless(&client.snapshot()) {
        say(format!("--only {pattern}: no key fits it"));
    }
    let delivery = Arc::new(Delivery::new(plan));
    let (code, is_refused) = tokio::select! {
        _ = deliver_all(&client, &delivery) => (why_refused(&delivery), true),
        status = delivery.over() => {
            say(format!("the program ended ({})", ended(status)));
            (exit_code(status), false)
        }
        code = pass_on(&mut signals, &delivery) => (code, false),
    };
    if let Some(program) = &delivery.program {
        program.leave().await;
    }
    // A refusal is to be seen where people look for its reason.
    if !is_refused {
        client.leave().await;
    }
    Ok(ExitCode::from(code))
}

/// Waits as long as was asked for, or as often as the settings say.
async fn first_configuration(args: &WatchArgs) -> anyhow::Result<Client> {
    let Some(wait) = args.delivery.wait_first else {
        return Ok(Client::connect(settings::of(args, None)?).await?);
    };
    let patient = settings::of(args, Some(u32::MAX))?;
    match timeout(wait, Client::connect(patient)).await {
        Ok(client) => Ok(client?),
        // Once more, to say why.
        Err(_) => Ok(Client::connect(settings::of(args, Some(1))?).await?),
    }
}

/// Delivers what the client has, or the last good version instead; `None` when there is nothing to go on with.
async fn deliver_first(client: &Client, delivery: &Arc<Delivery>) -> Option<Live<Candidate>> {
    let mut changes = client.changes();
    loop {
        match Box::pin(asking(client, delivery).live_probed()).await {
            Ok(live) => return Some(live),
            // It is in place, but was not taken.
            Err(_) if delivery.is_untold() => tokio::select! {
                () = delivery.time_to_try_again() => {}
                _ = changes.next() => {}
            },
            Err(rejection) => {
                if !delivery.has_said_why().await {
                    say(rejection);
                }
                client.reported().await;
                return None;
            }
        }
    }
}

/// Delivers every version; ends only when the first cannot be.
async fn deliver_all(client: &Client, delivery: &Arc<Delivery>) {
    let Some(asked) = deliver_first(client, delivery).await else {
        return;
    };
    client.ready();
    tokio::join!(forget(&asked), deliver_again(client, delivery));
}

/// The handle keeps the version that it told last for the next change; nobody needs it in memory.
async fn forget(asked: &Live<Candidate>) {
    loop {
        drop(asked.changed().await);
    }
}

/// Delivers what could not be delivered before.
async fn deliver_again(client: &Client, delivery: &Arc<Delivery>) {
    loop {
        delivery.time_to_try_again().await;
        let failures = delivery.failures();
        // The client asks us again about a version that we refused.
        _ = client.refresh().await;
        // It does not when it has gone back to the version that it took before, when no server answers, and when a newer
        // version is no good. What it runs is then what files and program should have.
        if failures > 0 && delivery.failures() == failures {
            let running = Candidate::of(&client.snapshot(), &delivery.plan.only);
            // A failure is told, and tried again.
            _ = Box::pin(delivery.deliver(&running)).await;
        }
    }
}

/// Has the client ask us about every version before it accepts it.
fn asking(client: &Client, delivery: &Arc<Delivery>) -> Binding<Candidate> {
    let only = delivery.plan.only.clone();
    let asked = Arc::clone(delivery);
    client
        .bind_with(move |snapshot: &Snapshot| Candidate::complete(snapshot, &only))
        .probe(
            move |next: Arc<Candidate>| {
                let delivery = Arc::clone(&asked);
                async move { delivery.deliver(&next).await }
            },
            // It may have to wait for the delivery before it.
            2 * delivery.plan.longest(),
        )
}

/// The exit code when the first version is refused and there is nothing to run with: the program's own when that ended.
fn why_refused(delivery: &Delivery) -> u8 {
    match delivery.program.as_ref().map(Program::phase) {
        Some(Phase::Ended(status)) => exit_code(status),
        Some(Phase::Failed(code)) => code,
        _ => REFUSED,
    }
}

/// Passes signals on; resolves when one asks us to end and no program is there to decide.
async fn pass_on(signals: &mut Signals, delivery: &Arc<Delivery>) -> u8 {
    loop {
        let signal = signals.next().await;
        match &delivery.program {
            Some(program) if program.is_running() => pass(signal, program, delivery),
            Some(_) if signals::ends(signal) => return signals::exit_code(signal),
            // As for a server: a polite end is a good end.
            None if signals::ends(signal) => return 0,
            _ => {}
        }
    }
}

fn pass(signal: Signal, program: &Program, delivery: &Arc<Delivery>) {
    if signal == Signal::TERM {
        let delivery = Arc::clone(delivery);
        tokio::spawn(async move {
            if let Some(program) = &delivery.program {
                program.leave().await;
            }
        });
    } else if !came_from_terminal(signal)
        && let Err(error) = program.signal(signal)
    {
        say(format!("a signal was not passed on: {error}"));
    }
}
