//! What both servers are asked.

use super::super::{http, server::Server};

pub(super) const PATHS: [&str; 31] = [
    "/orders/dev",
    "/orders/default",
    "/orders/dev,qa",
    "/orders/qa,dev",
    "/orders/dev,dev",
    "/orders/none",
    "/orders/defaults",
    "/orders/dev,default",
    "/orders/dev/master",
    "/orders/dev/v1",
    "/orders/dev/v1,v2",
    "/orders/dev/v1(_)x",
    "/orders/dev/none",
    "/orders,billing/dev",
    "/billing,orders/dev,qa",
    "/orders,application/dev",
    "/application,orders/dev",
    "/orders,orders/dev",
    "/application/default",
    "/applications/dev",
    "/application-x/dev",
    "/nobody/dev",
    "/nobody/default",
    "/a,b/dev",
    "/a,b/default/x",
    "/a(_)b/dev",
    "/orders-dev.yml",
    "/orders-default.properties",
    "/orders-dev.json",
    "/nobody-default.yml",
    "/v1/orders-dev.properties",
];

/// The status and, of a success, the body: errors carry a time.
pub(super) fn send(server: &Server, path: &str) -> anyhow::Result<String> {
    let accept = ("Accept", "application/json");
    let (status, body) = http::send(server.port, "GET", path, &[accept], "")?;
    Ok(match status.as_str() {
        "200" => format!("200 {body}"),
        _ => status,
    })
}
