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
        let of_config_space = |operation: &String| {
            operation.contains("{application}")
                || operation.contains("/encrypt")
                || operation.contains("/decrypt")
                || operation.ends_with("/key")
        };
        let described: BTreeSet<_> = described
            .filter(|operation| !of_config_space(operation))
            .collect();
        let routes = routes(&Settings::default());
        let served = routes.iter().flat_map(|route| {
            let path = route.path().replace("{*destination}", "{destination}");
            route
                .methods()
                .map(move |method| format!("{method} {path}"))
                .collect::<Vec<_>>()
        });
        // What ends with a slash is the same as without, and the page of errors is nobody's to ask for.
        let served: BTreeSet<_> = served
            .filter(|operation| !operation.ends_with('/') && !operation.ends_with(" /error"))
            .collect();
        assert_eq!(described, served);
    }
}
