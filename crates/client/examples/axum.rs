//! A service on axum over RabbitMQ, with `/actuator/{health,info,env,refresh,busrefresh}` as Spring's clients have them.
//!
//! Start a config server on port 8888 and a broker, then run
//! `SPRING_APPLICATION_NAME=orders SPRING_RABBITMQ_HOST=localhost cargo run -p confbus-client --features amqp,axum --example axum`.
//! `curl localhost:8080/` says the greeting; push another one to the server's repository and ask again.
//!
//! `--clients N` makes further clients, all alike: what one more costs is measured so.
#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::future::pending;

use anyhow::Context as _;
use axum::{Router, extract::State, middleware::from_fn_with_state, routing::get};
use confbus_client::{
    Client, Live, Rejection, Settings,
    axum::{Pinned, actuator, pin},
};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};

// One thread is enough for a small service, and each more has memory of its own.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let client = Client::connect(Settings::from_env()?).await?;
    let greeting: Live<String> = client.bind("greeting").live()?;
    let mut further = Vec::new();
    for _ in 0..further_clients()? {
        further.push(Client::connect(Settings::from_env()?).await?);
    }

    let app = Router::new()
        .route("/", get(greet))
        .route("/both", get(both))
        .layer(from_fn_with_state(client.clone(), pin))
        .with_state(greeting)
        .merge(actuator(&client));
    let port: u16 = std::env::var("SERVER_PORT").map_or(Ok(8080), |port| port.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(told_to_end())
        .await?;
    // So that nobody waits for this instance.
    client.leave().await;
    Ok(())
}

/// Ctrl-C, and what everybody sends who runs programs for others.
async fn told_to_end() {
    #[cfg(unix)]
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => _ = terminated.recv().await,
            Err(_) => pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = pending::<()>();
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// One value: cheapest from a live handle.
async fn greet(State(greeting): State<Live<String>>) -> String {
    greeting.load().clone()
}

/// Two values of one version.
async fn both(Pinned(config): Pinned) -> Result<String, String> {
    let value = |key| config.bind::<Option<String>>(key);
    let both = || Ok((value("greeting")?, value("name")?));
    let (greeting, name) = both().map_err(|error: Rejection| error.to_string())?;
    Ok(format!(
        "{}, {}",
        greeting.unwrap_or_default(),
        name.as_deref().unwrap_or("world")
    ))
}

fn further_clients() -> anyhow::Result<usize> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Ok(0),
        (Some("--clients"), Some(number)) => number.parse().context("--clients takes a number"),
        _ => anyhow::bail!("the only argument is --clients NUMBER"),
    }
}
