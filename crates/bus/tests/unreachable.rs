//! A broker that is not there needs no broker to test.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use confbus_bus::{Address, Bus, RabbitSettings, Status};
use confbus_protocol::{BusEvent, BusId, Destination};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(20);

fn settings(port: u16) -> RabbitSettings {
    let addresses = vec![Address {
        host: "127.0.0.1".into(),
        port,
    }];
    RabbitSettings::default().with(|rabbit| {
        rabbit.addresses = addresses;
        rabbit.password = "s3cret".into();
        rabbit.connection_timeout = Duration::from_millis(200);
    })
}

/// What the status says after some tries. By then the driver has stopped.
async fn error_after(tries: u64, settings: RabbitSettings) -> String {
    let (bus, driver) = Bus::rabbit(settings);
    let (shutdown, publish) = (CancellationToken::new(), bus.clone());
    let origin = BusId::new("server:8888:cd34").unwrap();
    let event = BusEvent::refresh("e1".into(), 1, &origin, &Destination::everyone());
    let looking = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        loop {
            ticks.tick().await;
            if let Status::Disconnected { error, attempts } = bus.status()
                && attempts >= tries
            {
                assert!(
                    publish
                        .publish(&confbus_bus::Message::of(event))
                        .await
                        .is_err_and(|error| error.is_transient())
                );
                shutdown.cancel();
                return error;
            }
        }
    };
    let both = async { tokio::join!(looking, driver.run(shutdown.clone())).0 };
    tokio::time::timeout(DEADLINE, both).await.unwrap()
}

#[tokio::test]
async fn a_refused_connection_is_named_with_its_address() {
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let error = error_after(2, settings(port)).await;
    assert!(
        error.contains(&format!("127.0.0.1:{port}"))
            && error.contains("refused")
            && !error.contains("s3cret"),
        "{error}"
    );
}

#[tokio::test]
async fn names_too_long_for_amqp_are_no_panic() {
    let settings = settings(1).with(|rabbit| rabbit.exchange = "x".repeat(256));
    assert!(error_after(1, settings).await.contains("255 bytes"));
}

/// Nobody has to install a crypto provider for this process.
#[tokio::test]
async fn tls_fails_without_a_panic() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = settings(listener.local_addr().unwrap().port()).with(|rabbit| rabbit.ssl = true);
    let closing = async {
        loop {
            drop(listener.accept().await.unwrap());
        }
    };
    tokio::select! {
        error = error_after(1, settings) => assert!(error.contains("TLS handshake"), "{error}"),
        () = closing => {}
    }
}

#[tokio::test]
async fn a_host_that_never_answers_ties_up_no_threads() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let error = error_after(3, settings(port)).await;
    assert!(error.contains("no answer within 200ms"), "{error}");
    #[cfg(target_os = "linux")]
    tokio::time::timeout(DEADLINE, no_thread_is_left())
        .await
        .unwrap();
}

#[cfg(target_os = "linux")]
async fn no_thread_is_left() {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let is_lapins = |thread: std::fs::DirEntry| {
        std::fs::read_to_string(thread.path().join("comm"))
            .is_ok_and(|name| name.starts_with("lapin"))
    };
    while std::fs::read_dir("/proc/self/task")
        .unwrap()
        .flatten()
        .any(is_lapins)
    {
        ticks.tick().await;
    }
}
