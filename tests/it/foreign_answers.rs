//! What commands make of a server that answers what no server of ours would.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use crate::support::Ran;

/// Where one request gets this answer, and those behind it none.
fn answering(header: &str, body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\n{header}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        drop(listener);
        let mut head = [0; 4096];
        _ = stream.read(&mut head);
        _ = stream.write_all(answer.as_bytes());
        // Until the other side has read it and ends.
        _ = stream.read_to_end(&mut Vec::new());
    });
    format!("http://{address}")
}

#[test]
fn a_refresh_has_the_name_of_one() {
    let long = "a".repeat(65);
    for id in ["../../encrypt", "a?b=c", "a b", long.as_str()] {
        let url = answering(&format!("X-Config-Refresh: {id}"), "");
        let ran = Ran::confbus(&["refresh", "--server", &url]);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert!(!ran.stdout.contains(id), "{ran:?}");
        assert!(ran.stderr.contains("no name of a refresh"), "{ran:?}");
    }
    let url = answering("X-Config-Refresh: 3f9a-B", "");
    let ran = Ran::confbus(&["refresh", "--server", &url]);
    assert!(
        ran.stdout.contains("refresh 3f9a-B  told everyone"),
        "{ran:?}"
    );
}

#[test]
fn what_was_encrypted_stays_on_its_line() {
    let url = answering("Content-Type: text/plain", "00ff\n::warning::x\u{1b}[2J");
    let arguments = ["--color", "always", "encrypt", "--server", &url];
    let ran = Ran::with(&arguments, &[], "hunter2");
    let expected = "{cipher}00ff\\n::warning::x\\u{1b}[2J\n";
    assert_eq!(ran.stdout, expected, "{ran:?}");
}
