use std::{
    io::{BufRead as _, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Instant,
};

use super::{DEADLINE, Secrets, eventually};

/// Says how talkative every program is, whatever its test asks for: `CONFBUS_TEST_LOG=trace`.
pub(crate) const TEST_LOG: &str = "CONFBUS_TEST_LOG";

/// A program of ours that runs until it is dropped, with all lines it has written so far.
pub(crate) struct Running {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    secrets: Secrets,
}

impl Running {
    /// Starts the built `confbus` with these arguments and nothing of our own environment that it reads.
    pub(crate) fn confbus(arguments: &[String]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_confbus"));
        command.args(arguments);
        Self::start(command)
    }

    /// Starts it with a log that says how it came to what it serves, and a folder for what has no other.
    pub(crate) fn talkative_in(
        cache: &Path,
        arguments: &[String],
        environment: &[(&str, &str)],
    ) -> Self {
        let command = Command::new(env!("CARGO_BIN_EXE_confbus"));
        Self::talkative(command, cache, arguments, environment)
    }

    /// As [`Self::talkative_in`], by somebody who lets everybody do everything with new files.
    pub(crate) fn careless_in(cache: &Path, arguments: &[String]) -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", "umask 000; exec \"$0\" \"$@\""])
            .arg(env!("CARGO_BIN_EXE_confbus"));
        Self::talkative(command, cache, arguments, &[])
    }

    fn talkative(
        mut command: Command,
        cache: &Path,
        arguments: &[String],
        environment: &[(&str, &str)],
    ) -> Self {
        command
            .args(arguments)
            .env("XDG_CACHE_HOME", cache)
            .env("RUST_LOG", "info,confbus=trace")
            .envs(environment.iter().copied());
        Self::start(command)
    }

    pub(crate) fn start(command: Command) -> Self {
        Self::reading(Stdio::piped(), command)
    }

    /// Starts it with this standard input.
    pub(crate) fn reading(input: impl Into<Stdio>, mut command: Command) -> Self {
        for (name, _) in std::env::vars()
            .filter(|(name, _)| name.starts_with("SPRING_") || name.starts_with("CONFBUS_"))
        {
            command.env_remove(name);
        }
        // Whatever may be said is said, and looked through.
        if let Ok(level) = std::env::var(TEST_LOG) {
            command.env("RUST_LOG", level);
        }
        let secrets = Secrets::plant(&mut command);
        let mut child = command
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Arc::default();
        collect(child.stdout.take().unwrap(), &lines);
        collect(child.stderr.take().unwrap(), &lines);
        Self {
            child,
            lines,
            secrets,
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// What it must not say.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Waits for a line that contains `text`.
    #[track_caller]
    pub(crate) fn line_with(&self, text: &str) -> String {
        eventually(&format!("a line with `{text}`"), || {
            let lines = self.lines();
            lines
                .iter()
                .find(|line| line.contains(text))
                .cloned()
                .ok_or_else(|| lines.join("\n"))
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + DEADLINE;
        eventually("the end of the program", || {
            assert!(Instant::now() < until);
            self.child
                .try_wait()
                .unwrap()
                .ok_or_else(|| "it runs".to_owned())
        })
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        let lines = self.lines();
        if std::thread::panicking() {
            eprintln!("--- what it wrote\n{}", lines.join("\n"));
            return;
        }
        for line in &lines {
            let told = self.secrets.told_in(line);
            assert_eq!(told, None, "a secret was told: {line}");
        }
        if std::env::var_os(TEST_LOG).is_some() {
            let (lines, secrets) = (lines.len(), self.secrets.count());
            eprintln!("looked through {lines} lines for {secrets} secrets");
        }
    }
}

fn collect(output: impl Read + Send + 'static, lines: &Arc<Mutex<Vec<String>>>) {
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            lines.lock().unwrap().push(line);
        }
    });
}
