//! `POST /actuator/busenv[/{destination…}]`: tell applications to set a property.

use std::sync::Arc;

use axum::extract::{Request, State};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::{
    Settings,
    access::Asking,
    audit,
    body::{content_type, json_object, read},
    busrefresh::destination,
    error::Failure,
};
use crate::{
    access::{Kind, Wanted},
    refresh::Refresh,
};

const CONTENT_TYPES: &str = "application/vnd.spring-boot.actuator.v3+json, application/vnd.spring-boot.actuator.v2+json, application/json";

/// Half of what members of the bus read of a message.
const LONGEST: usize = 32 * 1024;

/// Tells those whom the path names; everyone when it names nobody. This server itself sets nothing.
pub(super) async fn change(
    State(settings): State<Arc<Settings>>,
    State(refresh): State<Refresh>,
    asking: Asking,
    request: Request,
) -> Result<StatusCode, Failure> {
    let (parts, body) = request.into_parts();
    let path = settings.context_path.below(parts.uri.path());
    let destination = destination(path.unwrap_or_default());
    asking.may(&Wanted::destination(Kind::Refresh, &destination))?;
    audit::refresh(&asking, &destination, false);
    let body = read(body, settings.limits.body, &settings.limits).await?;
    let values = property(&parts.headers, parts.uri.query(), &body)?;
    refresh.change_environment(destination, values).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The one property of a request: `name` and `value` of the body, unless the query says them.
fn property(
    headers: &HeaderMap,
    query: Option<&str>,
    body: &[u8],
) -> Result<IndexMap<String, String>, Failure> {
    let content_type = content_type(headers);
    if !CONTENT_TYPES.split(", ").any(|known| known == content_type) {
        return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE)
            .with(header::ACCEPT, HeaderValue::from_static(CONTENT_TYPES)));
    }
    let body = if body.is_empty() {
        Map::new()
    } else {
        json_object(body)?
    };
    let said = |name: &str| {
        said_in_query(query, name)
            .or_else(|| body.get(name).and_then(text))
            .ok_or_else(|| Failure::bad_request().because(format!("there is no `{name}`")))
    };
    let (name, value) = (said("name")?, said("value")?);
    check_length(name.len() + value.len())?;
    Ok(IndexMap::from([(name, value)]))
}

/// Refuses more names and values than members of the bus would read.
pub(super) fn check_length(bytes: usize) -> Result<(), Failure> {
    if bytes > LONGEST {
        let text = format!("names and values are longer than {LONGEST} bytes");
        return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE).explained(text));
    }
    Ok(())
}

/// A parameter that is repeated is a list, which becomes text with commas.
fn said_in_query(query: Option<&str>, name: &str) -> Option<String> {
    let values: Vec<_> = parameters(query)
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value)
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// The parameters of a query or a form, decoded.
pub(super) fn parameters(text: Option<&str>) -> impl Iterator<Item = (String, String)> {
    url::form_urlencoded::parse(text.unwrap_or_default().as_bytes()).into_owned()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(content_type: &str, query: &str, body: &str) -> Result<(String, String), u16> {
        let mut headers = HeaderMap::new();
        if !content_type.is_empty() {
            headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        }
        property(&headers, Some(query), body.as_bytes())
            .map(|values| values.into_iter().next().unwrap())
            .map_err(|failure| failure.status.as_u16())
    }

    #[test]
    fn a_property_has_a_name_and_a_value() {
        let json = "application/json";
        let said = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        for (content_type, query, body, expected) in [
            (json, "", r#"{"name":"k","value":"v"}"#, said("k", "v")),
            (
                "application/json;charset=UTF-8",
                "",
                r#"{"name":"k","value":"v"}"#,
                said("k", "v"),
            ),
            (
                "application/vnd.spring-boot.actuator.v3+json",
                "",
                r#"{"name":"k","value":"v"}"#,
                said("k", "v"),
            ),
            (json, "", r#"{"name":"k","value":5}"#, said("k", "5")),
            (json, "", r#"{"name":"k","value":true}"#, said("k", "true")),
            (json, "", r#"{"name":"k","value":""}"#, said("k", "")),
            (json, "name=k&value=v%20w", "{}", said("k", "v w")),
            (json, "name=k&value=v", "", said("k", "v")),
            (
                json,
                "value=w&value=x",
                r#"{"name":"k","value":"v"}"#,
                said("k", "w,x"),
            ),
            (json, "", r#"{"name":"k"}"#, Err(400)),
            (json, "", r#"{"value":"v"}"#, Err(400)),
            (json, "", r#"{"name":"k","value":null}"#, Err(400)),
            (json, "", r#"{"name":"k","value":["v"]}"#, Err(400)),
            (json, "", "{}", Err(400)),
            (json, "", "", Err(400)),
            (json, "", "null", Err(400)),
            (json, "", "[]", Err(400)),
            (json, "", r#"{"name":"#, Err(400)),
            ("", "", "", Err(415)),
            ("text/plain", "", "name=k", Err(415)),
            ("application/yaml", "", "name: k", Err(415)),
            (
                "application/x-www-form-urlencoded",
                "name=k&value=v",
                "",
                Err(415),
            ),
        ] {
            assert_eq!(
                answer(content_type, query, body),
                expected,
                "{content_type} {query} {body}"
            );
        }
        let long = format!(r#"{{"name":"k","value":"{}"}}"#, "v".repeat(LONGEST));
        assert_eq!(answer(json, "", &long), Err(413));
    }
}
