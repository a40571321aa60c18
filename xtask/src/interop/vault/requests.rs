//! What both servers are asked.

use std::fmt;

use super::secrets::READER;
use super::{ROOT, Server, http};

/// A path, and what is sent along.
pub(super) struct Request {
    path: &'static str,
    token: Option<&'static str>,
    accept: &'static str,
}

const V1: &str = "application/json";
const V2: &str = "application/vnd.spring-cloud.config-server.v2+json";

const PATHS: [&str; 27] = [
    "/orders/dev",
    "/orders/default",
    "/orders/dev,qa",
    "/orders/qa,dev",
    "/orders/default,dev",
    "/orders/dev,dev",
    "/orders/none",
    "/orders/dev/main",
    "/orders/dev/v1",
    "/orders/dev/a,b",
    "/orders,team(_)orders/dev",
    "/orders,application/dev",
    "/application,orders/dev",
    "/orders,orders/dev",
    "/application/default",
    "/nobody/dev",
    "/nobody/default",
    "/empty/default",
    "/deleted/default",
    "/a(_)b/dev",
    "/orders-dev.yml",
    "/orders-default.properties",
    "/orders-dev.json",
    "/nobody-default.yml",
    "/main/orders-dev.properties",
    "/orders/dev/main/file.txt",
    "/orders/..",
];

/// Everything, each with a token that may read it, and some with others.
pub(super) fn all() -> Vec<Request> {
    let with = |path, token, accept| Request {
        path,
        token,
        accept,
    };
    let usual = PATHS.map(|path| with(path, Some(ROOT), V1));
    let others = [
        with("/orders/dev", Some(ROOT), V2),
        with("/orders/default", Some(READER), V1),
        with("/application/default", Some(READER), V1),
        with("/orders/dev", Some("nobody"), V1),
        with("/orders/dev", Some(""), V1),
        with("/orders/dev", None, V1),
        with("/orders-dev.yml", None, V1),
    ];
    usual.into_iter().chain(others).collect()
}

impl Request {
    /// The status and, of a success, the body: errors carry a time.
    pub(super) fn send(&self, server: &Server) -> anyhow::Result<String> {
        let mut headers = vec![("Accept", self.accept)];
        headers.extend(self.token.map(|token| ("X-Config-Token", token)));
        let (status, body) = http::send(server.port, "GET", self.path, &headers, "")?;
        Ok(match status.as_str() {
            "200" => format!("200 {body}"),
            _ => status,
        })
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.unwrap_or("none");
        write!(f, "{} as {}, token {token}", self.path, self.accept)
    }
}
