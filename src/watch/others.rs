//! Whoever is told of a change and is not our program: a process that a file names, or somebody who listens on HTTP.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use url::{Position, Url};

use crate::shadow::{Header, Server};

/// A longer file names no process.
const LONGEST: u64 = 32;

/// Sends a signal to the process whose number stands in a file.
pub(super) fn signal(file: &Path, signal: Signal) -> io::Result<()> {
    let mut text = String::new();
    File::open(file)?.take(LONGEST).read_to_string(&mut text)?;
    let number = text.trim().parse().ok();
    // Zero and what lies below it are groups of processes, and one is the first process of the system.
    let pid = number
        .filter(|number| *number > 1)
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::Error::other("it holds no number of a process"))?;
    Ok(kill_process(pid, signal)?)
}

/// Sends a POST without a body; anything but an answer of success is an error.
pub(super) async fn post(url: &Url, within: Duration) -> Result<(), String> {
    let server = Server::parse(&url[..Position::BeforePath], within);
    let server = server.map_err(|error| error.to_string())?;
    let agent = Header::parse(concat!("User-Agent: confbus/", env!("CARGO_PKG_VERSION")));
    let headers = agent.into_iter().collect();
    let path = &url[Position::BeforePath..Position::AfterQuery];
    match server.send("POST", path, headers, b"").await {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
        Ok(answer) => Err(format!("status {}", answer.status)),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_one_process_and_no_group() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        for text in ["", "0", "-1", "1", "-4000", "x", "99999999999"] {
            std::fs::write(&file, text).unwrap();
            let error = signal(&file, Signal::CONT).unwrap_err();
            assert_eq!(
                error.to_string(),
                "it holds no number of a process",
                "{text}"
            );
        }
        std::fs::write(&file, format!("{}\n", std::process::id())).unwrap();
        signal(&file, Signal::CONT).unwrap();
    }
}
