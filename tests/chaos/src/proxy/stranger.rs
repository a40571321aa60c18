//! Somebody else who answers in place of the target, as login pages and gateways do.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Said;

/// Answers whatever comes first, and hangs up.
pub(super) async fn answer(mut client: TcpStream, said: Said) {
    if client.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {
        _ = client.write_all(text(said).as_bytes()).await;
        _ = client.shutdown().await;
    }
}

fn text(said: Said) -> String {
    let (status, field, body) = match said {
        Said::Status(status) => (status, "Retry-After: 2".to_owned(), ""),
        Said::LoginPage => (
            200,
            "Content-Type: text/html".to_owned(),
            "<html>Log in</html>",
        ),
        Said::Redirect(port) => (302, format!("Location: http://127.0.0.1:{port}/"), ""),
    };
    let length = body.len();
    format!(
        "HTTP/1.1 {status} As Told\r\n{field}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
