use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::*;

/// Nothing here takes as long when it works.
const LONG: Duration = Duration::from_secs(20);
/// How long is looked when nothing is to come.
const SHORT: Duration = Duration::from_millis(100);
const BYTES: usize = 100_000;

/// Says everything back.
async fn echo() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.into_split();
                _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    port
}

async fn proxy() -> Proxy {
    Proxy::start(echo().await).unwrap()
}

async fn connected(proxy: &Proxy) -> TcpStream {
    TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port()))
        .await
        .unwrap()
}

/// Says something and hears it again.
async fn exchange(stream: &mut TcpStream, text: &[u8]) -> Vec<u8> {
    stream.write_all(text).await.unwrap();
    let mut heard = vec![0; text.len()];
    let reading = stream.read_exact(&mut heard);
    timeout(LONG, reading).await.unwrap().unwrap();
    heard
}

#[tokio::test]
async fn everything_is_passed_on() {
    let proxy = proxy().await;
    let mut stream = connected(&proxy).await;
    let bytes: Vec<_> = (0..BYTES).map(|at| at as u8).collect();
    assert_eq!(exchange(&mut stream, &bytes).await, bytes);
    stream.shutdown().await.unwrap();
    let read = timeout(LONG, stream.read(&mut [0; 1])).await.unwrap();
    assert_eq!(read.unwrap(), 0, "an end is passed on");
}

#[tokio::test]
async fn a_delay_is_a_delay() {
    let proxy = proxy().await;
    let mut stream = connected(&proxy).await;
    exchange(&mut stream, b"quick").await;
    proxy.set(Manner::Delay(SHORT));
    let asked = Instant::now();
    assert_eq!(exchange(&mut stream, b"slow").await, b"slow");
    assert!(asked.elapsed() >= 2 * SHORT, "{:?}", asked.elapsed());
}

#[tokio::test]
async fn what_fell_into_a_black_hole_comes_when_it_is_gone() {
    let proxy = proxy().await;
    let mut stream = connected(&proxy).await;
    exchange(&mut stream, b"there").await;
    proxy.set(Manner::BlackHole);
    stream.write_all(b"gone").await.unwrap();
    let mut heard = [0; 4];
    let nothing = timeout(SHORT, stream.read(&mut heard)).await;
    assert!(nothing.is_err(), "{nothing:?}");
    let mut other = connected(&proxy).await;
    other.write_all(b"gone, too").await.unwrap();

    proxy.set(Manner::Pass);
    let reading = stream.read_exact(&mut heard);
    timeout(LONG, reading).await.unwrap().unwrap();
    assert_eq!(&heard, b"gone");
}

#[tokio::test]
async fn bytes_drip_until_they_may_flow() {
    let proxy = proxy().await;
    let mut stream = connected(&proxy).await;
    proxy.set(Manner::Drip(SHORT));
    let asked = Instant::now();
    stream.write_all(&[7; 1_000]).await.unwrap();
    let mut heard = [0; 1_000];
    let reading = stream.read_exact(&mut heard[..4]);
    timeout(LONG, reading).await.unwrap().unwrap();
    assert!(asked.elapsed() >= 3 * SHORT, "{:?}", asked.elapsed());
    proxy.set(Manner::Pass);
    let reading = stream.read_exact(&mut heard[4..]);
    timeout(LONG, reading).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_is_cut_after_so_many_bytes() {
    let proxy = proxy().await;
    proxy.set(Manner::CutAfter(5));
    for _ in 0..2 {
        let mut stream = connected(&proxy).await;
        stream.write_all(b"0123456789").await.unwrap();
        let mut heard = Vec::new();
        // The end may come as a reset.
        _ = timeout(LONG, stream.read_to_end(&mut heard)).await.unwrap();
        assert_eq!(heard, b"01234");
    }
}

#[tokio::test]
async fn bits_are_flipped() {
    let proxy = proxy().await;
    proxy.set(Manner::Flip(4));
    let mut stream = connected(&proxy).await;
    assert_eq!(exchange(&mut stream, &[0; 6]).await, [0, 0, 0, 0x10, 0, 0]);
    assert_eq!(exchange(&mut stream, &[0; 4]).await, [0, 0x10, 0, 0]);
}

#[tokio::test]
async fn nobody_listens_and_then_somebody_does() {
    let proxy = proxy().await;
    let mut stream = connected(&proxy).await;
    exchange(&mut stream, b"there").await;
    proxy.set(Manner::Refuse);
    let end = timeout(LONG, stream.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    let until = Instant::now() + LONG;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port()))
        .await
        .is_ok()
    {
        assert!(Instant::now() < until);
    }

    proxy.set(Manner::Pass);
    let mut stream = loop {
        assert!(Instant::now() < until);
        match TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await {
            Ok(stream) => break stream,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(exchange(&mut stream, b"again").await, b"again");
}

#[tokio::test]
async fn a_cut_ends_what_is_open_and_nothing_else() {
    let proxy = proxy().await;
    let mut stream = connected(&proxy).await;
    exchange(&mut stream, b"there").await;
    proxy.cut();
    let end = timeout(LONG, stream.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    let mut stream = connected(&proxy).await;
    assert_eq!(exchange(&mut stream, b"again").await, b"again");
}
