use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
};

use super::{DEADLINE, Secrets};

/// A program of ours that has ended, with what it wrote where.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The built `confbus` with these arguments, away from everything that it reads.
    pub(crate) fn confbus(arguments: &[&str]) -> Self {
        Self::with(arguments, &[], "")
    }

    /// As [`Self::confbus`], with these variables and this standard input.
    pub(crate) fn with(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_confbus"));
        command.args(arguments).current_dir(folder.path());
        for (name, _) in std::env::vars() {
            if name.starts_with("SPRING_") || name.starts_with("CONFBUS_") {
                command.env_remove(name);
            }
        }
        for name in ["LC_ALL", "LC_CTYPE", "LANG", "NO_COLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied());
        let secrets = Secrets::plant(&mut command);
        let ran = Self::run(command, input.to_owned());
        let told = secrets.told_in(&ran.stderr);
        assert_eq!(told, None, "a secret was told: {}", ran.stderr);
        ran
    }

    fn run(mut command: Command, input: String) -> Self {
        let piped = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // It may not want to read it all.
        let writer = thread::spawn(move || stdin.write_all(input.as_bytes()));
        let id = child.id();
        let (ended, end) = mpsc::channel::<()>();
        let watch = thread::spawn(move || {
            let in_time = end.recv_timeout(DEADLINE) != Err(RecvTimeoutError::Timeout);
            if !in_time {
                _ = Command::new("kill")
                    .args(["-s", "KILL", &id.to_string()])
                    .status();
            }
            in_time
        });
        let output = child.wait_with_output().unwrap();
        drop(ended);
        _ = writer.join().unwrap();
        assert!(watch.join().unwrap(), "it never ended: {output:?}");
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
