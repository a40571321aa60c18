use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{Authority, eventually, skipped_without};

/// A real Redis, whose data outlives its end.
pub(crate) struct RedisServer {
    folder: TempDir,
    port: u16,
    more: Vec<String>,
    child: Option<Child>,
}

/// What it wants to hear of whoever comes.
pub(crate) const PASSWORD: &str = "open sesame: redis";

impl RedisServer {
    /// `None`, and said aloud, where there is no server.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// The same, which besides speaks TLS on another port.
    pub(crate) fn with_tls(authority: &Authority) -> Option<(Self, u16)> {
        let port = free_port();
        let said = port.to_string();
        let files = ["server.pem", "server.key", "ca.pem"];
        let [certificate, key, trusted] =
            files.map(|name| authority.path(name).display().to_string());
        let more = [
            ["--tls-port", &said],
            ["--tls-cert-file", &certificate],
            ["--tls-key-file", &key],
            ["--tls-ca-cert-file", &trusted],
            ["--tls-auth-clients", "no"],
        ];
        Some((Self::start_with(more.as_flattened())?, port))
    }

    fn start_with(more: &[&str]) -> Option<Self> {
        let there = Command::new("redis-server").arg("--version").output();
        if there.is_err() {
            skipped_without("redis-server", "redis-server");
            return None;
        }
        // Somebody else may take the port between our look and its.
        (0..10).find_map(|_| Self::try_start(more))
    }

    fn try_start(more: &[&str]) -> Option<Self> {
        let mut server = Self {
            folder: tempfile::tempdir().unwrap(),
            port: free_port(),
            more: more.iter().map(|text| (*text).to_owned()).collect(),
            child: None,
        };
        server.go_on();
        let is_ours = server.child.as_mut().unwrap().try_wait().unwrap().is_none();
        is_ours.then_some(server)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Starts it, with what it had.
    pub(crate) fn go_on(&mut self) {
        let port = self.port.to_string();
        let child = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1"])
            .args(["--requirepass", PASSWORD, "--appendonly", "yes"])
            .args(&self.more)
            .arg("--dir")
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.unwrap());
        eventually("redis-server", || self.try_say(&["PING"]));
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // What was said is in its file already, but for the last second.
            _ = self.try_say(&["SHUTDOWN", "SAVE"]);
            _ = child.kill();
            _ = child.wait();
        }
    }

    /// Has it carry out a command.
    pub(crate) fn say(&self, command: &[&str]) -> String {
        self.try_say(command).unwrap()
    }

    fn try_say(&self, command: &[&str]) -> Result<String, String> {
        let said = |command: &[&str]| {
            let parts = command.iter();
            let parts = parts.map(|part| format!("${}\r\n{part}\r\n", part.len()));
            format!("*{}\r\n{}", command.len(), parts.collect::<String>())
        };
        let text = said(&["AUTH", PASSWORD]) + &said(command) + &said(&["QUIT"]);
        let mut answer = String::new();
        let mut stream =
            TcpStream::connect(("127.0.0.1", self.port)).map_err(|error| error.to_string())?;
        stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.read_to_string(&mut answer))
            .map_err(|error| error.to_string())?;
        if answer.lines().any(|line| line.starts_with('-')) {
            return Err(answer);
        }
        Ok(answer)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
