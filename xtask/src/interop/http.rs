//! As much HTTP as it takes to ask a server on this machine.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, ensure};

const TIMEOUT: Duration = Duration::from_secs(30);

/// The body of a 200 answer to GET.
pub(super) fn get(port: u16, path: &str) -> anyhow::Result<String> {
    send(port, "GET", path, "")
}

/// The body of a 200 answer to a text that was posted.
pub(super) fn post(port: u16, path: &str, body: &str) -> anyhow::Result<String> {
    send(port, "POST", path, body)
}

/// Version 1.0, which knows no chunks.
fn send(port: u16, method: &str, path: &str, body: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    body_of(&String::from_utf8(answer)?)
        .with_context(|| format!("{method} http://127.0.0.1:{port}{path}"))
}

fn body_of(answer: &str) -> anyhow::Result<String> {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("the answer has no head")?;
    let status = head.lines().next().unwrap_or_default();
    ensure!(
        status.split(' ').nth(1) == Some("200"),
        "the answer is {status}: {body}"
    );
    Ok(body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::body_of;

    #[test]
    fn only_success_has_a_body() {
        let good = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\ntext";
        assert_eq!(body_of(good).unwrap(), "text");
        assert!(body_of("HTTP/1.1 400 Bad Request\r\n\r\nno").is_err());
        assert!(body_of("HTTP/1.1 200 OK\r\n").is_err());
    }
}
