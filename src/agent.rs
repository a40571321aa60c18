//! Several addresses delivered side by side by one process: what one refuses holds up no other.

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use futures_util::future;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::AgentArgs,
    exit::{Exit, Failure, Form},
    talk,
    watch::{self, Signals, say},
};

mod document;
mod http;
mod round;
mod settings;
mod shown;

use http::Local;
use round::{First, Round};
use settings::Settings;

/// Runs until it is told to stop, or nothing can be had for any address.
pub(crate) async fn run(args: AgentArgs) -> Result<ExitCode, Failure> {
    let settings = Settings::load(&args.config)?;
    let rounds = settings.entries.into_iter().map(Round::new);
    let rounds: Vec<_> = rounds.collect::<Result<_, _>>()?;
    let form = if args.json { Form::Json } else { Form::Text };
    if args.check {
        let line = format!("{}: nothing is wrong", args.config.display());
        match form {
            Form::Text => talk::line(line),
            Form::Json => talk::line(watch::line_object(None, &line)),
        }?;
        return Ok(Exit::Yes.into());
    }
    if watch::is_first_process() {
        return Ok(watch::run_as_first_process().await?);
    }
    watch::start_lines(form)?;
    let mut signals = Signals::listen()?;
    let local = open(settings.http).await?;
    let shown = rounds.iter().map(|round| Arc::clone(&round.shown));
    let shown: Arc<[_]> = shown.collect();
    let answer = async {
        match &local {
            Some(local) => local.serve(shown).await,
            None => std::future::pending().await,
        }
    };
    let ends = CancellationToken::new();
    let told = async {
        signals.request_to_end().await;
        say("told to end");
        ends.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = deliver(&rounds, &ends) => ended?,
        never = answer => match never {},
        () = told => {}
    }
    Ok(Exit::Yes.into())
}

/// Opens the port for this machine, if there is to be one.
async fn open(http: Option<SocketAddr>) -> Result<Option<Local>, Failure> {
    let Some(address) = http else {
        return Ok(None);
    };
    let local = Local::open(address).await;
    let local =
        local.map_err(|error| Failure::new(Exit::No, format!("http {address}: {error}")))?;
    say(format!("answering on {}", local.address()?));
    Ok(Some(local))
}

/// Delivers every address until it `ends`.
///
/// # Errors
/// When there is nothing to begin with for any, or settings cannot be used.
async fn deliver(rounds: &[Round], ends: &CancellationToken) -> Result<(), Failure> {
    let (tell, told) = mpsc::channel(rounds.len());
    let going = rounds.iter().map(|round| round.go(tell.clone(), ends));
    tokio::select! {
        ended = future::try_join_all(going) => ended.map(drop),
        failure = nothing_at_all(rounds.len(), told) => Err(failure),
    }
}

/// Resolves when each address was tried and none had anything; `told` is what came of the first try of each.
async fn nothing_at_all(addresses: usize, mut told: mpsc::Receiver<First>) -> Failure {
    let mut exit = Exit::Denied;
    for _ in 0..addresses {
        match told.recv().await {
            Some(First::Nothing(Exit::Denied)) => {}
            Some(First::Nothing(_)) => exit = Exit::Unreachable,
            Some(First::Something) | None => std::future::pending().await,
        }
    }
    Failure::new(exit, "there is no configuration for any address")
}
