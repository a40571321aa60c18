//! The first process of a container: everything that loses its parent becomes its child.

use std::{
    process::{Command, ExitCode},
    time::Duration,
};

use anyhow::Context as _;
use rustix::{
    io::Errno,
    process::{Pid, WaitOptions, WaitStatus, kill_process, wait},
};

use super::signals::{Signals, came_from_terminal};

/// Whether this process is that one.
pub(crate) fn is_needed() -> bool {
    std::process::id() == 1
}

/// Runs this program once more as a child, which does the work, and waits for whatever ends.
pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let this = std::env::current_exe().context("this program is not found")?;
    let child = Command::new(this)
        .args(std::env::args_os().skip(1))
        .spawn()?;
    let worker = Pid::from_child(&child);
    let reaping = tokio::task::spawn_blocking(move || reap_until(worker));
    tokio::pin!(reaping);
    loop {
        tokio::select! {
            code = &mut reaping => return Ok(ExitCode::from(code?)),
            signal = signals.next() => {
                if !came_from_terminal(signal) {
                    // It may have ended just now, and is then the next to be found.
                    _ = kill_process(worker, signal);
                }
            }
        }
    }
}

/// Waits for children until the worker has ended; the exit code is the worker's.
fn reap_until(worker: Pid) -> u8 {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == worker => return exit_code(status),
            Ok(_) | Err(Errno::INTR) => {}
            // There is no child, so there is no worker.
            Err(Errno::CHILD) => return 1,
            Err(_) => std::thread::sleep(Duration::from_secs(1)),
        }
    }
}

fn exit_code(status: WaitStatus) -> u8 {
    let code = status
        .exit_status()
        .or_else(|| Some(128 + status.terminating_signal()?));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
