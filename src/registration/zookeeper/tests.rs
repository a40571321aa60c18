//! Against as much of an ensemble as these calls need.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::*;

const SESSION: i64 = 0x5f2b;
const DELETE: i32 = 2;
const EXISTS: i32 = 3;
const CREATE: i32 = 15;
const CREATE_CONTAINER: i32 = 19;
const OK: i32 = 0;
const UNIMPLEMENTED: i32 = -6;
const NODE_EXISTS: i32 = -110;

/// An ensemble of one, where our node is owned by one session. Which operations it was asked for, in order.
struct Listed {
    address: String,
    asked: Arc<Mutex<Vec<i32>>>,
}

impl Listed {
    async fn by(owner: i64) -> Self {
        Self::refusing(owner, None).await
    }

    /// An operation is refused once, with an error.
    async fn refusing(owner: i64, mut refused: Option<(i32, i32)>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = port.local_addr().unwrap().to_string();
        let asked = Arc::<Mutex<Vec<i32>>>::default();
        let notes = Arc::clone(&asked);
        tokio::spawn(async move {
            let (mut client, _) = port.accept().await.unwrap();
            // It ends with the client.
            while answer(&mut client, owner, &notes, &mut refused)
                .await
                .is_ok()
            {}
        });
        Self { address, asked }
    }

    /// What it was asked for besides signs of life.
    fn asked(&self) -> Vec<i32> {
        let asked = self.asked.lock().unwrap();
        let all = asked.iter().copied();
        all.filter(|one| [DELETE, EXISTS, CREATE, CREATE_CONTAINER].contains(one))
            .collect()
    }
}

/// Answers one request; the first is for a session, and has no header.
async fn answer(
    client: &mut TcpStream,
    owner: i64,
    asked: &Mutex<Vec<i32>>,
    refused: &mut Option<(i32, i32)>,
) -> std::io::Result<()> {
    let length = client.read_i32().await?;
    let mut request = vec![0; usize::try_from(length).unwrap()];
    client.read_exact(&mut request).await?;
    let word = |at: usize| i32::from_be_bytes(request[at..at + 4].try_into().unwrap());
    let mut answer = Vec::new();
    let is_first = asked.lock().unwrap().is_empty();
    if is_first {
        asked.lock().unwrap().push(i32::MIN);
        answer.extend([0_i32, 60_000].map(i32::to_be_bytes).concat());
        answer.extend(SESSION.to_be_bytes());
        answer.extend(16_i32.to_be_bytes());
        answer.extend([0; 17]);
    } else {
        let (xid, operation) = (word(0), word(4));
        asked.lock().unwrap().push(operation);
        answer.extend(xid.to_be_bytes());
        answer.extend(1_i64.to_be_bytes());
        let refused = refused.take_if(|(one, _)| *one == operation);
        answer.extend(refused.map_or(OK, |(_, error)| error).to_be_bytes());
        if refused.is_none() && [CREATE, CREATE_CONTAINER].contains(&operation) {
            // The path, as it was asked for.
            let length = usize::try_from(word(8)).unwrap();
            answer.extend(&request[8..12 + length]);
        }
        if refused.is_none() && [EXISTS, CREATE, CREATE_CONTAINER].contains(&operation) {
            answer.extend(stat(owner));
        }
    }
    client
        .write_i32(i32::try_from(answer.len()).unwrap())
        .await?;
    client.write_all(&answer).await
}

/// Four numbers of eight bytes, three of four, the owner, and two lengths before one more of eight.
fn stat(owner: i64) -> Vec<u8> {
    let mut stat = vec![0; 4 * 8 + 3 * 4];
    stat.extend(owner.to_be_bytes());
    stat.extend([0; 2 * 4 + 8]);
    stat
}

fn registration(listed: &Listed) -> ZooKeeper {
    let settings = Settings {
        ensemble: Ensemble::parse(&listed.address).unwrap(),
        root: "/services".to_owned(),
        service: "configserver".to_owned(),
        advertised: Advertised {
            id: Some("config-1".to_owned()),
            ..Advertised::default()
        },
        port: None,
        secure_port: None,
        is_https: false,
        session: Duration::from_secs(60),
    };
    let ports = Ports {
        main: "127.0.0.1:8888".parse().unwrap(),
        management: None,
    };
    ZooKeeper::new(settings, ports)
}

#[tokio::test]
async fn a_node_of_another_server_stays() {
    for (owner, expected) in [
        (SESSION, &[EXISTS, EXISTS, DELETE][..]),
        (SESSION + 1, &[EXISTS, EXISTS]),
    ] {
        let listed = Listed::by(owner).await;
        let mut registration = registration(&listed);
        registration.probe().await.unwrap();
        registration.deregister().await.unwrap();
        assert_eq!(listed.asked(), expected, "{owner}");
    }
}

#[tokio::test]
async fn what_an_earlier_server_left_under_our_name_is_replaced() {
    for (refused, expected) in [
        (None, &[CREATE_CONTAINER, CREATE][..]),
        (
            Some((CREATE, NODE_EXISTS)),
            &[CREATE_CONTAINER, CREATE, DELETE, CREATE],
        ),
        // A server before 3.5.
        (
            Some((CREATE_CONTAINER, UNIMPLEMENTED)),
            &[CREATE_CONTAINER, CREATE, CREATE],
        ),
    ] {
        let listed = Listed::refusing(SESSION, refused).await;
        registration(&listed).register().await.unwrap();
        assert_eq!(listed.asked(), expected, "{refused:?}");
    }
}

#[tokio::test]
async fn who_finds_another_server_under_its_name_registers_again() {
    for owner in [SESSION, SESSION + 1] {
        let listed = Listed::by(owner).await;
        let mut registration = registration(&listed);
        registration.register().await.unwrap();
        let renewed = registration.renew().await.unwrap();
        assert_eq!(renewed.is_some(), owner == SESSION);
    }
}
