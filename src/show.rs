//! Shows what a server knows of addresses: what they are given, why, how they differ, and who runs it.
//!
//! What is data goes to standard output as it was asked for; a secret only where somebody asks to see it.

mod closest;
mod diff;
mod explain;
mod fleet;
mod get;
mod history;
mod pin;
mod table;

use std::sync::Once;

use confbus::short_version;
use confbus_protocol::{Address, Label};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::{
    cli::ShowArgs,
    desk::{Desk, json_of},
    exit::{Exit, Failure},
    own_server::OwnServer,
    shadow::Answer,
    talk,
};
pub(crate) use diff::{diff, elsewhere, lines as difference};
pub(crate) use explain::explain;
pub(crate) use fleet::fleet;
pub(crate) use get::get;
pub(crate) use history::history;
pub(crate) use pin::pin_line;

/// What the server says, or one of our own. Of several by comma the first that answers, since all of them know the same.
async fn ask(args: &ShowArgs, path: &str) -> Result<Value, Failure> {
    let answer = match &args.repo {
        None => ask_any(&Desk::all(&args.servers)?, path).await?,
        Some(directory) => {
            let server = OwnServer::of_directory(directory).await?;
            let desk = Desk::of_own(&server)?;
            server.serve_during(desk.ask("GET", path, "")).await?
        }
    };
    json_of(&answer)
}

/// Asks one server after the other until one answers, and says once which one that was unless it is the first.
async fn ask_any(desks: &[Desk], path: &str) -> Result<Answer, Failure> {
    static SAID: Once = Once::new();
    let mut silent = Vec::new();
    for (number, desk) in desks.iter().enumerate() {
        match desk.ask("GET", path, "").await {
            Err(failure) if failure.is(Exit::Unreachable) && number + 1 < desks.len() => {
                silent.push(desk.to_string());
            }
            Ok(answer) if !silent.is_empty() => {
                let silent = silent.join(", ");
                SAID.call_once(|| talk::note(format!("{desk} answered; no answer from {silent}")));
                return Ok(answer);
            }
            asked => return asked,
        }
    }
    Err(Failure::new(Exit::Usage, "no server is named"))
}

/// The one document of `--json`.
fn document(value: &Value) -> Result<(), Failure> {
    Ok(talk::line(value)?)
}

/// `/_/api/{list}/shop/prod?label=main`, and further parameters behind.
fn path_of(list: &str, address: &Address, more: &[(&str, &str)]) -> String {
    let path = format!("/_/api/{list}/{}", segments(address));
    let label = address
        .label
        .as_ref()
        .map(|label| ("label", label.as_str()));
    path + &query(label.into_iter().chain(more.iter().copied()))
}

/// `?a=b&c=d`, or nothing.
pub(crate) fn query<'p>(parameters: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let parameters = parameters.into_iter();
    let parameters: Vec<_> = parameters
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    if parameters.is_empty() {
        return String::new();
    }
    format!("?{}", parameters.join("&"))
}

/// Application and profiles as two segments of a path.
fn segments(address: &Address) -> String {
    let application = encoded(&address.application.as_str().replace('/', "(_)"));
    format!("{application}/{}", encoded(address.profiles.as_str()))
}

/// A label as a segment of a path.
fn segment(label: &Label) -> String {
    encoded(&label.as_str().replace('/', "(_)"))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// A value for people: dots for a secret.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(mask) if mask.contains_key("masked") => talk::dots(),
        other => other.to_string(),
    }
}

/// A text of a document, or nothing.
fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

pub(crate) fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_default()
}

/// `shop.yml:14:8`, as far as it is known.
fn place(written: &Value) -> String {
    let name = text(written, "name");
    match (written["line"].as_u64(), written["column"].as_u64()) {
        (Some(line), Some(column)) => format!("{name}:{line}:{column}"),
        _ => name.to_owned(),
    }
}

/// That something else is given than what the label names, and why.
fn held_at(view: &Value) -> Option<String> {
    let held = &view["held"];
    let (wanted, because) = (held["wanted"].as_str()?, text(held, "because"));
    let commit = text(view, "commit");
    let named = if wanted == commit {
        String::new()
    } else {
        format!(" while its label names {}", short_version(wanted))
    };
    Some(format!(
        "is held at {}{named}: {because}",
        short_version(commit)
    ))
}

/// `shop/prod@main` of an address in a document.
fn address(value: &Value) -> String {
    let profiles: Vec<_> = list(value, "profiles")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let label = value["label"].as_str();
    let label = label.map(|label| format!("@{label}")).unwrap_or_default();
    format!(
        "{}/{}{label}",
        text(value, "application"),
        profiles.join(",")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_asked_for_by_its_path() {
        let path = |text: &str| path_of("history", &text.parse().unwrap(), &[("key", "a[0]")]);
        assert_eq!(path("shop"), "/_/api/history/shop/default?key=a%5B0%5D");
        assert_eq!(
            path("a(_)b/p,q@release/2"),
            "/_/api/history/a%28%5F%29b/p%2Cq?label=release%2F2&key=a%5B0%5D"
        );
    }

    #[test]
    fn a_mask_is_dots() {
        let mask = json!({ "masked": true, "fingerprint": "3f9a" });
        assert_eq!(shown(&mask), talk::dots());
        assert_eq!(shown(&json!("x")), "x");
        assert_eq!(shown(&json!(4.5)), "4.5");
    }

    #[test]
    fn what_is_held_says_what_it_is_kept_from() {
        let [good, bad] = ["4e81d07", "9f2c1ab"].map(|start| format!("{start}{}", "0".repeat(33)));
        let held = |wanted: &str| {
            let held = json!({ "wanted": wanted, "because": "pinned" });
            held_at(&json!({ "commit": good, "held": held }))
        };
        assert_eq!(
            held(&bad).unwrap(),
            "is held at 4e81d07 while its label names 9f2c1ab: pinned"
        );
        assert_eq!(held(&good).unwrap(), "is held at 4e81d07: pinned");
        assert_eq!(held_at(&json!({ "held": null })), None);
    }

    #[test]
    fn a_place_is_as_much_as_is_known() {
        assert_eq!(
            place(&json!({ "name": "a.yml", "line": 2, "column": 3 })),
            "a.yml:2:3"
        );
        assert_eq!(
            place(&json!({ "name": "overrides", "line": null })),
            "overrides"
        );
    }
}
