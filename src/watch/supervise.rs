//! A program that lives with its configuration, from the first version to its end.

use std::{process::ExitCode, sync::Arc};

use confbus_client::Client;
use rustix::process::Signal;

use super::{
    delivery::Delivery,
    files, keep,
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
    let wait = args.delivery.wait_first;
    let first = keep::first_configuration(|attempts| settings::of(args, attempts), wait);
    let client = tokio::select! {
        client = first => client?,
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

/// Delivers every version; ends only when the first cannot be.
async fn deliver_all(client: &Client, delivery: &Arc<Delivery>) {
    if let Some(first) = keep::deliver_first(client, delivery).await {
        keep::deliver_others(client, delivery, &first).await;
    }
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
