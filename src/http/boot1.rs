//! `POST /bus/refresh` and `POST /bus/env`, as Spring Boot 1 had them: the destination is a parameter, and so is every
//! property.

use std::{sync::Arc, time::SystemTime};

use axum::extract::{Request, State};
use bytes::Bytes;
use confbus_protocol::Destination;
use http::{HeaderMap, StatusCode, request::Parts};
use indexmap::IndexMap;

use super::{
    Settings,
    access::Asking,
    audit,
    body::{content_type, read},
    busenv::{check_length, parameters},
    busrefresh::{admit, told},
    error::Failure,
};
use crate::{
    access::{Kind, Wanted},
    refresh::Refresh,
    traces::Traces,
};

/// `?destination=`, in the query or a form.
pub(super) async fn refresh(
    State(settings): State<Arc<Settings>>,
    State(refresh): State<Refresh>,
    State(traces): State<Traces>,
    asking: Asking,
    request: Request,
) -> Result<StatusCode, Failure> {
    let admitted = admit(&settings, &asking, request).await?;
    let destination = destination(&said(&admitted.parts, &admitted.body));
    admitted.may_tell(&asking, &destination)?;
    let headers = &admitted.parts.headers;
    let span = traces.request("POST /bus/refresh", headers, SystemTime::now());
    told(&refresh, destination, span).await?;
    Ok(StatusCode::OK)
}

/// Every parameter is a property, `destination` included.
pub(super) async fn change(
    State(settings): State<Arc<Settings>>,
    State(refresh): State<Refresh>,
    asking: Asking,
    request: Request,
) -> Result<StatusCode, Failure> {
    let (parts, body) = request.into_parts();
    let said = said(
        &parts,
        &read(body, settings.limits.body, &settings.limits).await?,
    );
    let bytes = said.iter().map(|(name, value)| name.len() + value.len());
    check_length(bytes.sum())?;
    let destination = destination(&said);
    asking.may(&Wanted::destination(Kind::Refresh, &destination))?;
    audit::refresh(&asking, &destination, false);
    refresh.change_environment(destination, said).await?;
    Ok(StatusCode::OK)
}

/// The first of each name counts.
fn said(parts: &Parts, body: &Bytes) -> IndexMap<String, String> {
    let form = form(&parts.headers, body);
    let mut said = IndexMap::new();
    for (name, value) in parameters(parts.uri.query()).chain(parameters(form)) {
        said.entry(name).or_insert(value);
    }
    said
}

fn form<'a>(headers: &HeaderMap, body: &'a Bytes) -> Option<&'a str> {
    let is_form = content_type(headers) == "application/x-www-form-urlencoded";
    str::from_utf8(body).ok().filter(|_| is_form)
}

fn destination(said: &IndexMap<String, String>) -> Destination {
    said.get("destination")
        .map_or_else(Destination::everyone, |given| Destination::complete(given))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(uri: &str, content_type: &str) -> Parts {
        let request = Request::post(uri).header("content-type", content_type);
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn parameters_come_from_the_query_and_from_forms() {
        let form = "application/x-www-form-urlencoded";
        for (uri, content_type, body, expected) in [
            ("/bus/refresh", form, "", "**"),
            (
                "/bus/refresh?destination=orders:9000",
                form,
                "",
                "orders:9000:**",
            ),
            ("/bus/refresh", form, "destination=orders", "orders:**"),
            ("/bus/refresh?destination=a", form, "destination=b", "a:**"),
            ("/bus/refresh", "application/json", r#"{"ref":"x"}"#, "**"),
            ("/bus/refresh", "text/plain", "destination=b", "**"),
        ] {
            let said = said(
                &parts(uri, content_type),
                &Bytes::from_static(body.as_bytes()),
            );
            assert_eq!(destination(&said).as_str(), expected, "{uri} {body}");
        }
    }

    #[test]
    fn every_parameter_is_a_property() {
        let form = "application/x-www-form-urlencoded";
        let body = Bytes::from_static(b"a=2&b=3");
        let said = said(&parts("/bus/env?a=1&destination=orders", form), &body);
        let expected = [("a", "1"), ("destination", "orders"), ("b", "3")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert!(said.into_iter().eq(expected));
    }
}
