use std::collections::HashSet;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;

fn database(servers: &[&TcpListener]) -> Box<dyn Store> {
    let servers = servers
        .iter()
        .map(|server| server.local_addr().unwrap().to_string());
    let servers: Vec<_> = servers.collect();
    let url = format!(
        "jdbc:postgresql://{}/c?user=jo&sslmode=disable",
        servers.join(",")
    );
    settings(&url).open().unwrap()
}

fn settings(url: &str) -> Settings {
    let written = Address::parse(url).unwrap();
    Settings {
        address: written.address,
        username: written.username,
        password: None,
        sql: Statement::new("SELECT k, v FROM c WHERE a=? AND p=? AND l=?"),
        sql_without_profile: None,
        default_label: Label::parse("main").unwrap(),
        timeout: Duration::from_secs(2),
    }
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_leaves_time_for_the_next() {
    let hung = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let next = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let database = database(&[&hung, &next]);
    let refuses = async {
        let (mut stream, _) = next.accept().await.unwrap();
        assert_ne!(stream.read(&mut [0; 1024]).await.unwrap(), 0);
        let said = b"SFATAL\0C28P01\0Mno entry\0\0";
        stream.write_u8(b'E').await.unwrap();
        let length = u32::try_from(said.len() + 4).unwrap();
        stream.write_u32(length).await.unwrap();
        stream.write_all(said).await.unwrap();
        std::future::pending::<()>().await;
    };
    let guard = Duration::from_secs(30);
    let greeted = tokio::select! {
        greeted = tokio::time::timeout(guard, database.greet()) => greeted.unwrap(),
        () = refuses => unreachable!(),
    };
    let why = "no entry (28P01)".to_owned();
    assert_eq!(greeted, Err(LookupError::Refused { kind: KIND, why }));
}

#[test]
fn whatever_decides_on_answers_tells_databases_apart() {
    let one = settings("jdbc:postgresql://db/c?user=jo");
    let mut same = one.clone();
    same.password = Some("s3cret".into());
    same.timeout = Duration::from_secs(9);
    assert_eq!(same.identity(), one.identity());
    let address = |url| settings(url).address;
    let others = [
        Settings {
            address: address("jdbc:postgresql://other/c"),
            ..one.clone()
        },
        Settings {
            address: address("jdbc:postgresql://db/other"),
            ..one.clone()
        },
        Settings {
            address: address("jdbc:postgresql://db/c?currentSchema=other"),
            ..one.clone()
        },
        Settings {
            username: Some("other".into()),
            ..one.clone()
        },
        Settings {
            sql: Statement::new("SELECT k, v FROM other"),
            ..one.clone()
        },
        Settings {
            sql_without_profile: Some(Statement::new("SELECT k, v FROM c")),
            ..one.clone()
        },
        Settings {
            default_label: Label::parse("other").unwrap(),
            ..one.clone()
        },
    ];
    let all = others.iter().chain([&one]);
    let identities: HashSet<_> = all.map(Settings::identity).collect();
    assert_eq!(identities.len(), others.len() + 1, "{identities:?}");
}
