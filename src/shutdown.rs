//! When to stop.

use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

/// Resolves at the first SIGTERM or SIGINT; the second ends the process at once, as if nobody had listened.
///
/// # Errors
/// When the system gives no signal handler.
pub async fn requested() -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    info!(
        event = "server.stopping",
        signal = name,
        "stopping; a second signal ends at once"
    );
    at_second_signal(terminate, interrupt);
    Ok(())
}

#[expect(
    clippy::exit,
    reason = "whoever sends a second signal does not want to wait for anything"
)]
fn at_second_signal(
    mut terminate: tokio::signal::unix::Signal,
    mut interrupt: tokio::signal::unix::Signal,
) {
    tokio::spawn(async move {
        let code = tokio::select! {
            _ = terminate.recv() => 143,
            _ = interrupt.recv() => 130,
        };
        std::process::exit(code);
    });
}
