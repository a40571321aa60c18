use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::DEADLINE;

/// A request over a connection of its own, byte for byte as a test wants it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) bytes: Vec<u8>,
    /// The bytes as text.
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn head(path: &str) -> Self {
        Self {
            method: "HEAD",
            ..Self::get(path)
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self {
            method: "GET",
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn delete(path: &str) -> Self {
        Self {
            method: "DELETE",
            ..Self::get(path)
        }
    }

    pub(crate) fn post(path: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "POST",
            path: path.to_owned(),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Says who asks.
    pub(crate) fn login(self, user: &str, password: &str) -> Self {
        let login = STANDARD.encode(format!("{user}:{password}"));
        self.header("Authorization", &format!("Basic {login}"))
    }

    /// Sends it; `Err` when nobody listens or the answer is cut off.
    pub(crate) fn send(&self, port: u16) -> std::io::Result<Answer> {
        let mut connection = self.sent(port)?;
        let mut bytes = Vec::new();
        connection.read_to_end(&mut bytes)?;
        Ok(Answer::parse(&bytes))
    }

    /// The status alone, also of an answer that has no end.
    pub(crate) fn status(&self, port: u16) -> std::io::Result<u16> {
        let mut line = String::new();
        BufReader::new(self.sent(port)?).read_line(&mut line)?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        status.ok_or_else(|| std::io::Error::other(line))
    }

    /// The connection on which the answer comes.
    pub(crate) fn sent(&self, port: u16) -> std::io::Result<TcpStream> {
        let mut connection = TcpStream::connect(("127.0.0.1", port))?;
        connection.set_read_timeout(Some(DEADLINE))?;
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n",
            self.method, self.path
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        connection.write_all(head.as_bytes())?;
        connection.write_all(&self.body)?;
        Ok(connection)
    }
}

impl Answer {
    /// From the whole of what was received.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let split = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .expect("a complete head");
        let head = str::from_utf8(&bytes[..split]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Self {
            status,
            headers,
            body: String::from_utf8_lossy(&bytes[split + 4..]).into_owned(),
            bytes: bytes[split + 4..].to_vec(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}
