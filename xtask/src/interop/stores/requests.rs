//! What both servers are asked.

use serde_json::Value;

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

/// Whether the order of keys is part of an answer.
#[derive(Clone, Copy)]
pub(super) enum Order {
    Kept,
    Any,
}

/// The status and, of a success, the body: errors carry a time.
pub(super) fn send(server: &Server, path: &str, order: Order) -> anyhow::Result<String> {
    let accept = ("Accept", "application/json");
    let (status, body) = http::send(server.port, "GET", path, &[accept], "")?;
    Ok(match (status.as_str(), order) {
        ("200", Order::Kept) => format!("200 {body}"),
        ("200", Order::Any) => format!("200 {}", sorted(&body)),
        _ => status,
    })
}

/// The keys of JSON, or the lines of anything else, in an order of their own.
fn sorted(body: &str) -> String {
    if let Ok(mut json) = serde_json::from_str::<Value>(body) {
        json.sort_all_objects();
        return json.to_string();
    }
    let mut lines: Vec<_> = body.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::sorted;

    #[test]
    fn only_the_order_of_keys_is_free() {
        assert_eq!(sorted("{\"b\": [2, 1], \"a\": 1}"), "{\"a\":1,\"b\":[2,1]}");
        assert_eq!(sorted("b: 2\na: 1\n"), "a: 1\nb: 2");
    }
}
