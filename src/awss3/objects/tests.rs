use std::sync::Mutex;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use url::Url;

use super::{
    super::{Credentials, Settings},
    *,
};

/// Says of a file by its name what is in it, and hears what was asked before.
type Says = fn(key: &str, asked: &[String]) -> Option<&'static str>;

/// A store over HTTP, and who was asked for what: `a.yml`, or `a.yml again` where the answer was that it is the same.
async fn stub(says: Says) -> (Objects, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            answer(stream, says, &heard).await;
        }
    });
    let settings = Settings {
        bucket: "config".to_owned(),
        region: "x".to_owned(),
        endpoint: Some(Url::parse(&format!("http://127.0.0.1:{port}")).unwrap()),
        has_folders: false,
        default_label: None,
        credentials: Credentials::Key {
            id: "me".to_owned(),
            secret: "opensesame".into(),
            session: None,
        },
    };
    (Objects::new(settings.client().unwrap()), asked)
}

async fn answer(mut stream: TcpStream, says: Says, asked: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let key = head.split(' ').nth(1).unwrap();
    let key = key.trim_start_matches("/config/").to_owned();
    let (said, is_same) = {
        let mut asked = asked.lock().unwrap();
        let said = says(&key, &asked);
        let is_same = said.is_some_and(|said| head.contains(&format!("\"{said}\"")));
        asked.push(if is_same { format!("{key} again") } else { key });
        (said, is_same)
    };
    let (status, content) = match said {
        Some(_) if is_same => ("304 Not Modified", ""),
        Some(said) => ("200 OK", said),
        None => ("404 Not Found", "<Code>NoSuchKey</Code>"),
    };
    let (tag, length) = (said.unwrap_or_default(), content.len());
    let answer = format!(
        "HTTP/1.1 {status}\r\nETag: \"{tag}\"\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{content}"
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
}

async fn read(objects: &Objects, keys: &[&str]) -> Result<String, LookupError> {
    let files = objects
        .read(keys.iter().map(|key| (*key).to_owned()))
        .await?;
    let text = |key: &&str| {
        let content = files[*key].as_ref();
        content.map_or_else(
            || "-".to_owned(),
            |bytes| String::from_utf8_lossy(bytes).into_owned(),
        )
    };
    Ok(keys.iter().map(text).collect::<Vec<_>>().join(" "))
}

#[tokio::test]
async fn only_what_is_new_is_fetched() {
    let (objects, asked) = stub(|key, _| (key == "a.yml").then_some("one")).await;
    for _ in 0..2 {
        assert_eq!(read(&objects, &["a.yml", "b.yml"]).await.unwrap(), "one -");
    }
    let asked = asked.lock().unwrap();
    let fetched = asked.iter().filter(|key| *key == "a.yml").count();
    let same = asked.iter().filter(|key| *key == "a.yml again").count();
    // The second look at the first time is what tells that both are of one moment.
    assert_eq!((fetched, same), (1, 2), "{asked:?}");
}

#[tokio::test]
async fn what_changes_meanwhile_is_looked_at_again() {
    // Whoever reads `b` sees that `a` was written before it.
    let (objects, _) = stub(|key, asked| match key {
        "a.yml" if asked.iter().any(|key| key == "b.yml") => Some("new"),
        "a.yml" => Some("old"),
        _ if asked.is_empty() => Some("old"),
        _ => Some("new"),
    })
    .await;
    let text = read(&objects, &["a.yml", "b.yml"]).await.unwrap();
    assert_eq!(text, "new new");
}

#[tokio::test]
async fn what_never_rests_is_not_answered() {
    let (objects, _) = stub(|_, asked| Some(["even", "odd"][asked.len() % 2])).await;
    let error = read(&objects, &["a.yml"]).await.unwrap_err().to_string();
    assert!(error.contains("change faster"), "{error}");
}
