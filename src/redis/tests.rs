use confbus_protocol::{Application, Profiles};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedSender, unbounded_channel},
};

use super::{connection::BYTES_LIMIT, *};
use crate::lookups::identity;

fn request(application: &str, profiles: &str) -> EnvironmentRequest {
    EnvironmentRequest {
        application: Application::parse(application).unwrap(),
        profiles: Profiles::parse(profiles).unwrap(),
        label: None,
    }
}

#[test]
fn the_last_profile_is_the_strongest_and_applications_are_taken_as_they_are() {
    let keys = |application, profiles| keys(&request(application, profiles)).unwrap();
    assert_eq!(keys("a", "default"), ["a-default", "a"]);
    assert_eq!(keys("a,b", "p,q"), ["a,b-q", "a,b-p", "a,b"]);
}

#[test]
fn keys_are_bounded() {
    let many = vec!["p"; MOST_KEYS - 1].join(",");
    assert_eq!(keys(&request("a", &many)).unwrap().len(), MOST_KEYS);
    let more = keys(&request("a", &format!("{many},p")));
    assert_eq!(more, Err(LookupError::TooManyQuestions(MOST_KEYS)));
}

#[test]
fn it_is_shown_without_credentials() {
    let settings = Settings {
        host: "::1".into(),
        port: 6379,
        username: Some("jo".into()),
        password: Some("opensesame".into()),
        database: 3,
        has_tls: true,
    };
    assert_eq!(settings.shown(), "rediss://[::1]:6379/3");
    assert!(!format!("{settings:?}").contains("opensesame"));
}

#[test]
fn another_server_or_database_has_a_file_of_its_own() {
    let settings = Settings {
        host: "here".into(),
        port: 6379,
        username: Some("jo".into()),
        password: Some("opensesame".into()),
        database: 0,
        has_tls: false,
    };
    identity::is_made_of(
        &settings,
        &[
            ("host", |it| it.host = "there".into()),
            ("port", |it| it.port = 1),
            ("database", |it| it.database = 1),
        ],
        &[
            ("username", |it| it.username = Some("other".into())),
            ("password", |it| it.password = Some("other".into())),
            ("encryption", |it| it.has_tls = true),
        ],
    );
}

/// Two hashes for each question, of which those of `big` never end; tells how much of them was taken.
async fn serve(mut stream: TcpStream, taken: UnboundedSender<usize>) -> std::io::Result<()> {
    loop {
        let mut said = Vec::new();
        while !said.ends_with(b"EXEC\r\n") {
            said.push(stream.read_u8().await?);
        }
        let is_big = String::from_utf8_lossy(&said).contains("\r\nbig\r\n");
        let begin = b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n*0\r\n";
        stream.write_all(begin).await?;
        if !is_big {
            let rest = b"*2\r\n$1\r\nk\r\n$1\r\nv\r\n";
            stream.write_all(rest).await?;
            continue;
        }
        stream.write_all(b"*1000000000\r\n").await?;
        let text = format!("$10000\r\n{}\r\n", "x".repeat(10_000));
        let mut bytes = 0;
        while stream.write_all(text.as_bytes()).await.is_ok() {
            bytes += text.len();
        }
        _ = taken.send(bytes);
        return Ok(());
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_let_in_and_takes_nobody_elses_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (notes, mut taken) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, notes.clone()));
        }
    });
    let settings = Settings {
        host: "127.0.0.1".into(),
        port,
        username: None,
        password: None,
        database: 0,
        has_tls: false,
    };
    let redis = settings.open().unwrap();
    let (big, small) = (request("big", "p"), request("small", "p"));
    // Both share its connection from here on.
    redis.find(&small).await.unwrap();
    let (big, small) = tokio::join!(redis.find(&big), redis.find(&small));
    assert_eq!(big, Err(LookupError::TooMuch(TEXT_LIMIT)));
    assert_eq!(small.unwrap()[1].name, "redis:small");
    for _ in 0..2 {
        let bytes = taken.recv().await.unwrap();
        // Of two questions once, and some of it lies between both.
        assert!((BYTES_LIMIT..3 * BYTES_LIMIT).contains(&bytes), "{bytes}");
    }
}
