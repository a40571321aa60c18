//! The program: started, told, stopped.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, IsTerminal as _},
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::ExitStatus,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::{process::Child, process::Command, sync::watch, time::timeout};

/// One program, which is started again and again, and runs at most once.
#[derive(Debug)]
pub(super) struct Program {
    line: Vec<OsString>,
    /// How long it may take to end before it is killed.
    max_wait: Duration,
    /// Whether it leads a process group, so that what it started can be killed with it. A terminal sends its signals to the
    /// group of its foreground only, so with one it stays in ours.
    leads_group: bool,
    phase: watch::Sender<Phase>,
    /// Nobody wants it to run any more. Held while it is started, so that whoever leaves finds what runs.
    leaving: Mutex<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    NotStarted,
    Running(Pid),
    Ended(ExitStatus),
    /// It could not be started; the exit code is a shell's.
    Failed(u8),
}

impl Program {
    /// `line` is the program and its arguments.
    pub(super) fn new(line: Vec<OsString>, max_wait: Duration) -> Self {
        Self {
            line,
            max_wait,
            leads_group: !io::stdin().is_terminal(),
            phase: watch::Sender::new(Phase::NotStarted),
            leaving: Mutex::default(),
        }
    }

    /// The names of the program and of its script, without their folders. Further arguments may be long or secret.
    pub(super) fn name(&self) -> String {
        let names = self
            .line
            .iter()
            .take(2)
            .map(|part| match Path::new(part).file_name() {
                Some(name) => name.to_string_lossy(),
                None => part.to_string_lossy(),
            });
        let names: Vec<_> = names.collect();
        match names.as_slice() {
            [program, script] if !script.starts_with('-') => format!("{program} {script}"),
            [program, ..] => program.to_string(),
            [] => String::new(),
        }
    }

    /// Starts it with these variables besides our own.
    pub(super) fn start(&self, variables: &BTreeMap<String, String>) -> io::Result<Pid> {
        let leaving = self.leaving();
        if *leaving {
            return Err(io::Error::new(
                io::ErrorKind::Interrupted,
                "we were told to stop",
            ));
        }
        let (program, arguments) = self.line.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command.args(arguments).envs(variables);
        if self.leads_group {
            command.process_group(0);
        }
        let spawned = command.spawn();
        let phase = self.phase.clone();
        let mut child = spawned.inspect_err(|error| {
            phase.send_replace(Phase::Failed(why_not_started(error)));
        })?;
        let pid = pid(&child).ok_or(io::ErrorKind::NotFound)?;
        phase.send_replace(Phase::Running(pid));
        tokio::spawn(async move {
            // Without a status nothing is known, which is no good end.
            let unknown = |_| ExitStatus::from_raw(1 << 8);
            let status = child.wait().await.unwrap_or_else(unknown);
            phase.send_replace(Phase::Ended(status));
        });
        Ok(pid)
    }

    /// Sends it a signal.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        match self.phase() {
            Phase::Running(pid) => Ok(kill_process(pid, signal)?),
            Phase::NotStarted | Phase::Ended(_) | Phase::Failed(_) => Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the program does not run",
            )),
        }
    }

    /// Asks it to end, and makes it end when it does not.
    pub(super) async fn stop(&self) {
        if self.signal(Signal::TERM).is_ok()
            && timeout(self.max_wait, self.ended()).await.is_err()
            && self.kill().is_ok()
        {
            self.ended().await;
        }
    }

    /// Ends it at once, with what it started.
    fn kill(&self) -> io::Result<()> {
        match self.phase() {
            Phase::Running(leader) if self.leads_group => {
                Ok(kill_process_group(leader, Signal::KILL)?)
            }
            _ => self.signal(Signal::KILL),
        }
    }

    /// From now on it is not started any more; when it runs it may take its time to end, and no longer.
    pub(super) async fn leave(&self) {
        *self.leaving() = true;
        self.stop().await;
    }

    pub(super) fn is_leaving(&self) -> bool {
        *self.leaving()
    }

    /// Nothing panics while it is held.
    fn leaving(&self) -> MutexGuard<'_, bool> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.phase(), Phase::Running(_))
    }

    /// Waits until it has ended.
    pub(super) async fn ended(&self) -> ExitStatus {
        let mut phase = self.phase.subscribe();
        loop {
            if let Phase::Ended(status) = *phase.borrow_and_update() {
                return status;
            }
            if phase.changed().await.is_err() {
                // The sender is ours.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until it runs.
    pub(super) async fn running(&self) {
        let mut phase = self.phase.subscribe();
        // The sender is ours, so this cannot fail.
        _ = phase
            .wait_for(|phase| matches!(phase, Phase::Running(_)))
            .await;
    }
}

pub(super) fn pid(child: &Child) -> Option<Pid> {
    let pid = i32::try_from(child.id()?).ok()?;
    Pid::from_raw(pid)
}

/// The exit code by which a shell tells that a program is not there, or cannot be run.
fn why_not_started(error: &io::Error) -> u8 {
    match error.kind() {
        io::ErrorKind::NotFound => 127,
        _ => 126,
    }
}

/// `exit 1` or `signal 9`.
pub(super) fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no status".to_owned(),
    }
}

/// The exit code that says the same as the status: signals count from 128, as in a shell.
pub(super) fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whoever_leaves_while_it_starts_leaves_nothing_behind() {
        for _ in 0..100 {
            let line = vec!["sleep".into(), "600".into()];
            let program = Arc::new(Program::new(line, Duration::from_secs(60)));
            let started = Arc::clone(&program);
            let starting = tokio::spawn(async move { started.start(&BTreeMap::new()).is_ok() });
            program.leave().await;
            let was_started = starting.await.unwrap();
            assert!(!program.is_running(), "started: {was_started}");
        }
    }
}
