//! What the remote itself takes for one new commit: the least that anybody can do over protocol v2.

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::bench::bytes::contains;
use crate::bench::http::Connection;

const FIELDS: [&str; 3] = [
    "Content-Type: application/x-git-upload-pack-request",
    "Accept: application/x-git-upload-pack-result",
    "Git-Protocol: version=2",
];

/// A kept-alive connection that asks as little as possible.
pub(in crate::bench) struct Floor {
    connection: Connection,
    path: String,
    fields: Vec<String>,
}

impl Floor {
    pub(super) fn connect(port: u16, name: &str) -> anyhow::Result<Self> {
        Ok(Self {
            connection: Connection::open(port)?,
            path: format!("/{name}.git/git-upload-pack"),
            fields: FIELDS.map(str::to_owned).to_vec(),
        })
    }

    /// Asks where `main` is, then for what it has since `old`; how long both answers took.
    pub(in crate::bench) fn fetch(&mut self, old: &str, new: &str) -> anyhow::Result<Duration> {
        let started = Instant::now();
        let refs = self.ask(
            "ls-refs",
            &["peel\n", "symrefs\n", "ref-prefix refs/heads/main\n"],
        )?;
        ensure!(contains(&refs, new), "the remote's main is not {new}");
        let (want, have) = (format!("want {new}\n"), format!("have {old}\n"));
        let pack = self.ask(
            "fetch",
            &[
                "thin-pack",
                "ofs-delta",
                "no-progress",
                &want,
                &have,
                "done\n",
            ],
        )?;
        let took = started.elapsed();
        ensure!(contains(&pack, "PACK"), "the remote sent no pack");
        Ok(took)
    }

    fn ask(&mut self, command: &str, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
        let mut body = packet(&format!("command={command}\n"));
        body.extend(packet("agent=confbus-bench"));
        body.extend(packet("object-format=sha1"));
        body.extend(b"0001");
        for argument in arguments {
            body.extend(packet(argument));
        }
        body.extend(b"0000");
        let answer = self
            .connection
            .ask("POST", &self.path, &self.fields, &body)?;
        ensure!(
            answer.status == 200,
            "{command} is answered with {}",
            answer.status
        );
        Ok(answer.body)
    }
}

/// A line with its length in front, as Git writes them.
fn packet(text: &str) -> Vec<u8> {
    format!("{:04x}{text}", text.len() + 4).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_counts_its_own_length() {
        assert_eq!(packet("done\n"), b"0009done\n");
    }
}
