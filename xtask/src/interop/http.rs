//! As much HTTP as it takes to ask a server on this machine.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, ensure};

const TIMEOUT: Duration = Duration::from_secs(30);

/// One header line.
pub(super) type Header<'a> = (&'a str, &'a str);

const TEXT: Header<'_> = ("Content-Type", "text/plain");

/// The body of a 200 answer to GET.
pub(super) fn get(port: u16, path: &str) -> anyhow::Result<String> {
    success(&send(port, "GET", path, &[TEXT], "")?)
        .with_context(|| format!("GET http://127.0.0.1:{port}{path}"))
}

/// The body of a 200 answer to a text that was posted.
pub(super) fn post(port: u16, path: &str, body: &str) -> anyhow::Result<String> {
    success(&send(port, "POST", path, &[TEXT], body)?)
        .with_context(|| format!("POST http://127.0.0.1:{port}{path}"))
}

/// The status and the body of any answer. Version 1.0, which knows no chunks.
pub(super) fn send(
    port: u16,
    method: &str,
    path: &str,
    headers: &[Header<'_>],
    body: &str,
) -> anyhow::Result<(String, String)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let length = body.len();
    let mut request = format!(
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {length}\r\n"
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{request}\r\n{body}").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    parsed(&String::from_utf8(answer)?)
}

fn parsed(answer: &str) -> anyhow::Result<(String, String)> {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("the answer has no head")?;
    let line = head.lines().next().unwrap_or_default();
    let status = line.split(' ').nth(1).context("the answer has no status")?;
    Ok((status.to_owned(), body.to_owned()))
}

fn success((status, body): &(String, String)) -> anyhow::Result<String> {
    ensure!(status == "200", "the answer is {status}: {body}");
    Ok(body.clone())
}

#[cfg(test)]
mod tests {
    use super::{parsed, success};

    #[test]
    fn only_success_has_a_body() {
        let good = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\ntext";
        assert_eq!(success(&parsed(good).unwrap()).unwrap(), "text");
        assert!(success(&parsed("HTTP/1.1 400 Bad Request\r\n\r\nno").unwrap()).is_err());
        assert!(parsed("HTTP/1.1 200 OK\r\n").is_err());
    }
}
