//! `GET /_/api/openapi.json`: all of this server's HTTP, as OpenAPI describes it.

use axum::response::{IntoResponse as _, Response};
use http::header;

const DESCRIPTION: &str = include_str!("../../docs/reference/openapi.json");

/// The description, which says the same to everybody.
pub(super) async fn description() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::{
        super::{Settings, route_table::routes},
        *,
    };

    /// Only the config space is described beyond what the table of routes holds.
    #[test]
    fn every_route_is_described_and_none_besides() {
        let description: Value = serde_json::from_str(DESCRIPTION).unwrap();
        let paths = description["paths"].as_object().unwrap();
        let described = paths.iter().flat_map(|(path, operations)| {
            let methods = operations.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        });
        let is_configuration = |operation: &str| {
            let (_, path) = operation.split_once(' ').unwrap();
            let starts = ["/{", "/encrypt", "/decrypt", "/key"];
            starts.iter().any(|start| path.starts_with(start))
        };
        let described: BTreeSet<_> = described
            .filter(|operation| !is_configuration(operation))
            .collect();
        let routes = routes(&Settings::default());
        let served = routes.iter().flat_map(|route| {
            let path = route.path().replace("{*destination}", "{destination}");
            let methods = route.methods();
            methods.map(move |method| format!("{method} {path}"))
        });
        // What ends with a slash is the same as without, and the page of errors is nobody's to ask for.
        let is_none = |operation: &str| {
            let is_page = operation.contains(" /_/") && !operation.contains(" /_/api/");
            is_page || operation.ends_with('/') || operation.ends_with(" /error")
        };
        let served: BTreeSet<_> = served.filter(|operation| !is_none(operation)).collect();
        assert_eq!(described, served);
    }
}
