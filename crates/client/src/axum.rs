//! What a service on [axum](::axum) shows of its configuration, and one version for the whole of a request.
//!
//! ```
//! use axum::{Router, middleware::from_fn_with_state, routing::get};
//! use confbus_client::{Rejection, axum::{Pinned, actuator, pin}, testing};
//!
//! # fn app() -> Router {
//! let (client, _server) = testing::client([("shop.name", "Corner")]);
//! Router::new()
//!     .route("/", get(greet))
//!     .layer(from_fn_with_state(client.clone(), pin))
//!     .merge(actuator(&client))
//! # }
//!
//! async fn greet(Pinned(config): Pinned) -> Result<String, String> {
//!     config.bind("shop.name").map_err(|error: Rejection| error.to_string())
//! }
//! ```
//!
//! A [`Live`](crate::Live) section is state like any other (`State<Live<Limits>>`), and the cheaper way to read; use
//! [`Pinned`] where several parts of one request must not see two versions.

use ::axum::{
    Router,
    routing::{MethodRouter, get, post},
};
use std::time::Duration;

use crate::Client;

mod answer;
mod bus;
mod env;
mod health;
mod pinned;
mod refresh;

pub use pinned::{NotPinned, Pinned, pin};

/// `/actuator` as [`Actuator`] has it by default.
///
/// ```no_run
/// # async fn serve(client: confbus_client::Client) -> std::io::Result<()> {
/// let app = axum::Router::<()>::new().merge(confbus_client::axum::actuator(&client));
/// # Ok(())
/// # }
/// ```
pub fn actuator<S: Clone + Send + Sync + 'static>(client: &Client) -> Router<S> {
    Actuator::new(client).router()
}

/// The endpoints that Spring's clients have, in their shapes. Nothing is shown before they are merged into a router.
///
/// | request | answer |
/// | --- | --- |
/// | `GET /actuator` | links |
/// | `GET /actuator/health` | 200 or 503; why a version was refused, who does not answer, whether events come |
/// | `GET /actuator/health/liveness`, `/readiness` | for orchestrators |
/// | `GET /actuator/info` | version, bus id |
/// | `GET /actuator/env[/{key}]` | where each value was written; values are `******` |
/// | `POST /actuator/refresh` | the keys that moved; 500 with the reason of a refusal, 503 when no server answers |
/// | `POST /actuator/busrefresh[/{destination}]` | 204: everybody, or those whom the destination names, look again |
///
/// They are as open as the router they are merged into: names of keys and reasons are not for strangers, and whoever
/// may post can make the servers work. Bodies are not read, and what comes in no other way is limited by the client:
/// all who ask for a refresh at the same time share one fetch.
#[derive(Debug, Clone)]
pub struct Actuator {
    client: Client,
    longest_silence: Option<Duration>,
    shows_values: bool,
}

impl Actuator {
    /// For this client.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self {
            client: client.clone(),
            longest_silence: None,
            shows_values: false,
        }
    }

    /// Answers `OUT_OF_SERVICE` (503) to `health` and `readiness` once no server has given a configuration for this long.
    ///
    /// Off by default: whoever has a configuration can serve, and an outage of the server would become one of everybody.
    /// Has to be longer than the pause between polls.
    #[must_use]
    pub fn out_of_service_after(mut self, silence: Duration) -> Self {
        self.longest_silence = Some(silence);
        self
    }

    /// Shows values in `env`, except those that look secret.
    #[must_use]
    pub fn show_values(mut self) -> Self {
        self.shows_values = true;
        self
    }

    /// The routes, for [`Router::merge`].
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let has_bus = self.client.has_bus();
        let router = Router::new()
            .route("/actuator", only(get(answer::links)))
            .route("/actuator/health", only(get(health::whole)))
            .route("/actuator/health/{part}", only(get(health::part)))
            .route("/actuator/info", only(get(answer::info)))
            .route("/actuator/env", only(get(env::whole)))
            .route("/actuator/env/{key}", only(get(env::one)))
            .route("/actuator/refresh", only(post(refresh::now)));
        let router = if has_bus {
            router
                .route("/actuator/busrefresh", only(post(bus::everybody)))
                .route("/actuator/busrefresh/{*destination}", only(post(bus::some)))
        } else {
            router
        };
        router.with_state(self)
    }
}

/// Other methods get an error in Boot's shape.
fn only(methods: MethodRouter<Actuator>) -> MethodRouter<Actuator> {
    methods.fallback(answer::method_not_allowed)
}

#[cfg(test)]
mod tests;
