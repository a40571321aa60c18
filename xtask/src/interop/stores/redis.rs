use std::process::{Command, Stdio};

use anyhow::Context as _;
use tempfile::TempDir;

use super::super::{eventually::eventually, server::free_port};
use crate::shell::{self, KillOnDrop};

const HOW_TO_INSTALL: &str = "redis-server is missing; type: sudo apt-get install redis-server";

/// With hashes.
pub(super) struct Redis {
    port: u16,
    _process: KillOnDrop,
    _folder: TempDir,
}

const HASHES: [&[&str]; 7] = [
    &[
        "orders",
        "who",
        "orders",
        "n",
        "5",
        "a.b[0]",
        "x",
        "uml",
        "\u{fc}\"q",
        "empty",
        "",
    ],
    &["orders-dev", "who", "dev", "z", "1", "y", "2"],
    &["orders-default", "who", "default"],
    &["orders-qa", "who", "qa"],
    &["application", "who", "shared"],
    &["a,b", "who", "comma"],
    &["a,b-dev", "who", "comma-dev"],
];

impl Redis {
    pub(super) fn start() -> anyhow::Result<Self> {
        let program = shell::find_program("redis-server").context(HOW_TO_INSTALL)?;
        let (port, folder) = (free_port()?, tempfile::tempdir()?);
        let mut command = Command::new(program);
        command
            .args(["--bind", "127.0.0.1", "--save", "", "--port"])
            .arg(port.to_string())
            .arg("--dir")
            .arg(folder.path())
            .stdout(Stdio::null());
        let redis = Self {
            port,
            _process: KillOnDrop::spawn(&mut command)?,
            _folder: folder,
        };
        eventually("redis-server", || redis.say(&["PING"]))?;
        for hash in HASHES {
            redis.say(&[&["HSET"], hash].concat())?;
        }
        Ok(redis)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    fn say(&self, command: &[&str]) -> anyhow::Result<()> {
        let mut cli = Command::new("redis-cli");
        let port = self.port.to_string();
        shell::output(cli.args(["-e", "-p", &port]).args(command)).map(drop)
    }
}
