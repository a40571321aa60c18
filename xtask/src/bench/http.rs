//! As much HTTP as it takes to fetch one answer from this machine.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, ensure};

const TIMEOUT: Duration = Duration::from_secs(5);

/// The body of a 200 answer.
pub(super) fn get(port: u16, path: &str) -> anyhow::Result<Vec<u8>> {
    let context = || format!("GET http://127.0.0.1:{port}{path}");
    let answer = ask("GET", port, path).with_context(context)?;
    body(&answer).map(<[u8]>::to_vec).with_context(context)
}

/// Posts nothing, and expects 204.
pub(super) fn post(port: u16, path: &str) -> anyhow::Result<()> {
    let answer = ask("POST", port, path)?;
    ensure!(
        answer.starts_with(b"HTTP/1.1 204 "),
        "POST http://127.0.0.1:{port}{path} is answered otherwise than with 204"
    );
    Ok(())
}

fn ask(method: &str, port: u16, path: &str) -> anyhow::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

fn body(answer: &[u8]) -> anyhow::Result<&[u8]> {
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .context("the answer has no head")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let body = &answer[end + 4..];

    let status = head.lines().next().unwrap_or_default();
    ensure!(
        status.split(' ').nth(1) == Some("200"),
        "the answer is {status}"
    );
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length
        .context("the answer does not tell its length")?
        .trim()
        .parse()?;
    ensure!(
        body.len() == length,
        "the answer has {} of {length} bytes",
        body.len()
    );
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::body;

    #[test]
    fn a_complete_answer_has_a_body() {
        assert_eq!(
            body(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap(),
            b"{}"
        );
    }

    #[test]
    fn an_error_or_a_part_is_refused() {
        assert!(body(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}").is_err());
        assert!(body(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}").is_err());
        assert!(body(b"HTTP/1.1 200 OK\r\n").is_err());
    }
}
