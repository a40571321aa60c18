use std::{
    collections::HashMap,
    io::{self, BufRead},
    net::{TcpListener, TcpStream},
};

/// Answers connections, each on a thread of its own, until the test program ends; the port.
pub(super) fn listen(
    answer: impl Fn(&TcpStream) -> io::Result<()> + Clone + Send + 'static,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            // A client that goes away is no failure.
            std::thread::spawn(move || _ = answer(&connection));
        }
    });
    port
}

/// What somebody asked.
pub(super) struct Request {
    /// The first line.
    pub(super) line: String,
    /// With names in small letters.
    pub(super) headers: HashMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// The next request, whose length is said if it has a body; nothing where there is none.
pub(super) fn request(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let Some(head) = head(reader)? else {
        return Ok(None);
    };
    let mut lines = head.lines();
    let line = lines.next().unwrap_or_default().to_owned();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers: HashMap<_, _> = headers
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length");
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Request {
        line,
        headers,
        body,
    }))
}

/// The head of the next request; nothing where there is none.
pub(super) fn head(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(head))
}
