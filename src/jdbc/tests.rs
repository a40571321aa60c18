use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;
use crate::lookups::identity;

fn settings(servers: &str) -> Settings {
    let url = format!("jdbc:postgresql://{servers}/c?user=jo&sslmode=disable");
    let written = Address::parse(&url).unwrap();
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

fn database(servers: &[&TcpListener]) -> Box<dyn Store> {
    let servers = servers
        .iter()
        .map(|server| server.local_addr().unwrap().to_string());
    let servers: Vec<_> = servers.collect();
    settings(&servers.join(",")).open().unwrap()
}

#[test]
fn another_database_or_question_has_a_file_of_its_own() {
    let settings = Settings {
        username: None,
        ..settings("here,there")
    };
    identity::is_made_of(
        &settings,
        &[
            ("host", |it| it.address.servers[0].host = "other".into()),
            ("second host", |it| {
                it.address.servers[1].host = "other".into();
            }),
            ("port", |it| it.address.servers[0].port = 1),
            ("database", |it| it.address.database = "other".into()),
            ("schema", |it| it.address.schema = Some("other".into())),
            ("username", |it| it.username = Some("other".into())),
            ("sql", |it| it.sql = Statement::new("other")),
            ("sql without profile", |it| {
                it.sql_without_profile = Some(Statement::new("other"));
            }),
            ("default label", |it| {
                it.default_label = Label::parse("other").unwrap();
            }),
        ],
        &[
            ("password", |it| it.password = Some("other".into())),
            ("timeout", |it| it.timeout = Duration::from_secs(3)),
            ("encryption", |it| {
                it.address.encryption = Encryption::Checked;
            }),
            ("target", |it| it.address.target = Target::Primary),
        ],
    );
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
