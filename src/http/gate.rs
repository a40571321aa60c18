//! What stands between the edge and the router: which port answers what, how often, and how much at a time.

mod bodies;
mod rates;
mod traffic;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::Request;
use tokio::sync::Semaphore;

use super::{Settings, error::Failure, peer::Peer, places::Places};
use crate::network::Network;
pub(super) use bodies::TooMany;
pub(super) use rates::Rates;
use traffic::Traffic;

/// What a port answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plane {
    /// Everything.
    Whole,
    /// All that another port does not manage.
    Main,
    /// What `management.server.port` is for.
    Management,
}

/// Lets requests in.
#[derive(Debug)]
pub(super) struct Gate {
    settings: Arc<Settings>,
    plane: Plane,
    rates: Arc<Rates>,
    /// Requests at a time.
    places: Semaphore,
    /// Bodies at a time: few, so that slow ones cannot take the places of all requests.
    bodies: Arc<Places>,
}

impl Plane {
    /// Liveness and readiness tell nothing that is worth a secret, and those who probe a port want to know of that port.
    fn answers(self, traffic: Traffic) -> bool {
        match self {
            Self::Whole => true,
            Self::Main => matches!(traffic, Traffic::Read | Traffic::Probe),
            Self::Management => traffic != Traffic::Read,
        }
    }

    /// Whether what is no fixed route may be configuration here.
    pub(super) fn has_configuration(self) -> bool {
        self != Self::Management
    }
}

impl Gate {
    pub(super) fn new(settings: Arc<Settings>, plane: Plane, rates: Arc<Rates>) -> Self {
        Self {
            places: Semaphore::new(settings.limits.requests),
            bodies: bodies::places(&settings.limits),
            settings,
            plane,
            rates,
        }
    }
}

/// Answers what this port answers, unless it is too much.
pub(super) async fn admit(
    State(gate): State<Arc<Gate>>,
    mut request: Request<Body>,
    next: Next,
) -> Response {
    let traffic = Traffic::of(&gate.settings, request.method(), request.uri().path());
    if !gate.plane.answers(traffic) {
        return Failure::not_found().into_response();
    }
    request.extensions_mut().insert(gate.plane);
    if matches!(traffic, Traffic::Health | Traffic::Probe) {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<Peer>();
    let network = peer.map(Peer::network);
    if let Err(wait) = gate.rates.take(traffic, network) {
        return Failure::too_often(wait).into_response();
    }
    // Until the answer begins: a stream of events lasts for days.
    let Ok(_place) = gate.places.try_acquire() else {
        return Failure::busy().into_response();
    };
    let counts =
        |network: &Network| gate.settings.limits.this_machine || !network.is_this_machine();
    let network = network.filter(counts);
    let request = request.map(|body| bodies::bounded(body, &gate.bodies, network));
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::{Router, middleware, routing::any};
    use http::{StatusCode, header};
    use tokio::sync::Notify;
    use tower::ServiceExt as _;

    use super::*;
    use crate::http::{Limits, settings};

    fn router(plane: Plane, limits: Limits) -> (Router, Arc<Notify>) {
        let settings = Arc::new(Settings {
            limits,
            ..Settings::default()
        });
        let rates = Arc::new(Rates::new(&settings.limits));
        let gate = Gate::new(Arc::clone(&settings), plane, rates);
        let go_on = Arc::new(Notify::new());
        let waits = Arc::clone(&go_on);
        let slow = any(move || async move { waits.notified().await });
        let router = Router::new()
            .route("/slow/dev", slow)
            .fallback(|| async { "here" })
            .layer(middleware::from_fn_with_state(Arc::new(gate), admit))
            .layer(middleware::from_fn_with_state(
                settings,
                super::super::edge::edge,
            ));
        (router, go_on)
    }

    async fn ask(router: &Router, method: &str, path: &str, address: &str) -> Response {
        let address: SocketAddr = address.parse().unwrap();
        let mut request = Request::builder().method(method).uri(path);
        let extensions = request.extensions_mut().unwrap();
        extensions.insert(Peer::from(address));
        let request = request.body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn each_port_answers_what_it_is_for() {
        for (method, path, main, management) in [
            ("GET", "/orders/dev", true, false),
            ("GET", "/encrypt/dev", true, false),
            ("GET", "/confbus/events", true, false),
            ("POST", "/confbus/reports", true, false),
            ("GET", "/actuator", false, true),
            ("GET", "/%61ctuator/info", false, true),
            ("GET", "/actuator/health", false, true),
            ("GET", "/actuator/health/git", false, true),
            ("GET", "/actuator/health/liveness", true, true),
            ("GET", "/actuator/health/readiness", true, true),
            ("POST", "/actuator/busrefresh/orders:**", false, true),
            ("POST", "/bus/refresh", false, true),
            ("POST", "/monitor", false, true),
            ("POST", "/encrypt", false, true),
            ("POST", "/decrypt/orders/dev", false, true),
            ("GET", "/key", false, true),
            ("GET", "/livez", true, true),
            ("GET", "/readyz", true, true),
            ("GET", "/metrics", false, true),
            ("GET", "/metrics/dev", true, false),
            ("GET", "/actuator/prometheus", false, true),
            ("GET", "/_/api/instances", false, true),
            ("POST", "/_/api/pins", false, true),
        ] {
            for (plane, expected) in [
                (Plane::Whole, true),
                (Plane::Main, main),
                (Plane::Management, management),
            ] {
                let (router, _) = router(plane, Limits::default());
                let status = ask(&router, method, path, "10.0.0.7:1").await.status();
                assert_eq!(
                    status == 200,
                    expected,
                    "{plane:?} {method} {path}: {status}"
                );
            }
        }
    }

    #[tokio::test]
    async fn who_asks_too_often_is_told_when_to_come_again() {
        let rates = settings::Rates {
            encryption: 2,
            ..settings::Rates::default()
        };
        let limits = Limits {
            rates,
            ..Limits::default()
        };
        let (router, _) = router(Plane::Whole, limits);
        for (address, path, expected) in [
            ("10.0.0.7:1", "/encrypt", 200),
            ("10.0.0.7:2", "/encrypt/orders/dev", 200),
            ("10.0.0.7:3", "/encrypt", 429),
            ("10.0.0.7:3", "/monitor", 200),
            ("10.0.0.8:1", "/encrypt", 200),
            ("127.0.0.1:1", "/encrypt", 200),
            ("127.0.0.1:1", "/encrypt", 200),
            ("127.0.0.1:1", "/encrypt", 200),
        ] {
            let answer = ask(&router, "POST", path, address).await;
            assert_eq!(answer.status(), expected, "{address} {path}");
            let wait = answer.headers().get(header::RETRY_AFTER);
            assert_eq!(wait.is_some_and(|wait| wait == "30"), expected == 429);
        }
    }

    #[tokio::test]
    async fn what_is_too_much_is_refused_but_health_never() {
        let limits = Limits {
            requests: 1,
            ..Limits::default()
        };
        let (router, go_on) = router(Plane::Whole, limits);
        let slow = ask(&router, "GET", "/slow/dev", "127.0.0.1:1");
        tokio::pin!(slow);
        assert!(futures_util::poll!(&mut slow).is_pending());
        for (path, expected) in [("/orders/dev", 503), ("/actuator/health", 200)] {
            let answer = ask(&router, "GET", path, "127.0.0.1:1").await;
            assert_eq!(answer.status(), expected, "{path}");
            let says_when = answer.headers().contains_key(header::RETRY_AFTER);
            assert_eq!(says_when, expected == 503);
        }
        go_on.notify_one();
        assert_eq!(slow.await.status(), StatusCode::OK);
        let answer = ask(&router, "GET", "/orders/dev", "127.0.0.1:1").await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
}
