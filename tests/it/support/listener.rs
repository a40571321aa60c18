use std::{
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
