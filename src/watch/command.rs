//! Shell commands with an end: of their time, and of what is kept of their words.

use std::{
    collections::BTreeMap,
    fmt, io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::Command,
    time::timeout,
};

use super::process::{self, ended};

/// How much of the end of an output is kept; the last line stands there.
const KEPT: usize = 8 * 1024;

/// The longest line that is quoted, in characters.
const LONGEST_LINE: usize = 500;

/// How long an output may go on when the command has ended: whatever it left behind may hold it open for ever.
const REST: Duration = Duration::from_millis(200);

/// Why a command did not do.
#[derive(Debug)]
pub(super) enum Failure {
    /// It said no.
    Refused {
        status: ExitStatus,
        /// The last line that it wrote, on standard error if there was one.
        said: Option<String>,
    },
    /// It gave no answer.
    TimedOut(Duration),
    /// It could not be started.
    NotStarted(io::Error),
}

/// Runs a line with `sh` and these variables; all processes of it end when the time does.
pub(super) async fn run(
    line: &str,
    variables: &BTreeMap<String, String>,
    within: Duration,
) -> Result<(), Failure> {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line).envs(variables);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut child = command.spawn().map_err(Failure::NotStarted)?;
    let group = Group(process::pid(&child));
    let (mut said, mut complained) = (Tail::default(), Tail::default());
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let reading = async { tokio::join!(said.read(output), complained.read(errors)) };
    let waiting = async {
        tokio::pin!(reading);
        tokio::select! {
            status = child.wait() => {
                _ = timeout(REST, &mut reading).await;
                status
            }
            _ = &mut reading => child.wait().await,
        }
    };
    let status = timeout(within, waiting)
        .await
        .map_err(|_| Failure::TimedOut(within))?
        .map_err(Failure::NotStarted)?;
    group.release();
    if status.success() {
        return Ok(());
    }
    let said = complained.last_line().or_else(|| said.last_line());
    Err(Failure::Refused { status, said })
}

/// The processes of a command; killed when nobody waits for it any more.
struct Group(Option<Pid>);

impl Group {
    /// What a command leaves behind on purpose may live.
    fn release(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // They may be gone.
            _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// The end of an output.
#[derive(Default)]
struct Tail(Vec<u8>);

impl Tail {
    async fn read(&mut self, output: Option<impl AsyncRead + Unpin>) {
        let Some(mut output) = output else { return };
        let mut buffer = vec![0; 4096];
        while let Ok(read @ 1..) = output.read(&mut buffer).await {
            self.0.extend_from_slice(&buffer[..read]);
            let surplus = self.0.len().saturating_sub(KEPT);
            self.0.drain(..surplus);
        }
    }

    fn last_line(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.0);
        let line = text
            .lines()
            .rev()
            .map(str::trim)
            .find(|line| !line.is_empty())?;
        let shown = line.chars().filter(|c| !c.is_control());
        Some(shown.take(LONGEST_LINE).collect())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, said } => {
                write!(f, "failed ({})", ended(*status))?;
                said.iter().try_for_each(|said| write!(f, ": {said}"))
            }
            Self::TimedOut(within) => write!(f, "did not end within {within:?}"),
            Self::NotStarted(error) => write!(f, "could not be started: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn said(line: &str) -> String {
        let within = Duration::from_secs(20);
        match run(line, &BTreeMap::new(), within).await {
            Ok(()) => "passed".to_owned(),
            Err(failure) => failure.to_string(),
        }
    }

    #[tokio::test]
    async fn the_last_line_is_the_reason() {
        assert_eq!(said("true").await, "passed");
        assert_eq!(said("false").await, "failed (exit 1)");
        let line = "echo out; echo first >&2; printf 'the \\033[31mreason\\n\\n' >&2; exit 7";
        assert_eq!(said(line).await, "failed (exit 7): the [31mreason");
        assert_eq!(said("echo only; exit 2").await, "failed (exit 2): only");
        assert_eq!(said("kill -9 $$").await, "failed (signal 9)");
    }

    #[tokio::test]
    async fn an_output_without_end_is_read_and_forgotten() {
        let line = "head -c 10000000 /dev/zero; echo end; exit 1";
        assert_eq!(said(line).await, "failed (exit 1): end");
    }

    #[tokio::test]
    async fn what_holds_the_output_open_holds_nobody_up() {
        assert_eq!(
            said("sleep 600 & echo done; exit 1").await,
            "failed (exit 1): done"
        );
    }

    #[tokio::test]
    async fn a_command_without_end_is_killed_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let line = format!("sleep 600 & echo $! > {}; wait", file.display());
        let failure = run(&line, &BTreeMap::new(), Duration::from_secs(1)).await;
        assert!(matches!(failure, Err(Failure::TimedOut(_))));
        let pid = std::fs::read_to_string(&file).unwrap();
        let gone = format!("while kill -0 {} 2>/dev/null; do :; done", pid.trim());
        assert_eq!(said(&gone).await, "passed");
    }
}
