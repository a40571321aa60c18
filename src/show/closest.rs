//! What may have been meant where nothing was found.

use confbus::closest;
use confbus_protocol::{Address, Label};
use serde_json::Value;

use super::{ask, list, text};
use crate::{
    cli::ShowArgs,
    exit::{Exit, Failure},
};

/// What the server shows of an address; where there is nothing, with the application and the label that may be meant.
pub(super) async fn ask_for(
    args: &ShowArgs,
    address: &Address,
    path: &str,
) -> Result<Value, Failure> {
    match ask(args, path).await {
        Err(failure) if failure.is(Exit::NotFound) => {
            // Who may not see them gets no hint.
            let names = ask(args, NAMES).await.unwrap_or_default();
            let hints = hints(&names, address).into_iter();
            Err(hints.fold(failure, Failure::help))
        }
        answer => answer,
    }
}

/// An application after whom nothing is named gets what all get; where another one is named like it, that one is meant.
pub(super) async fn check_application(
    args: &ShowArgs,
    address: &Address,
    view: &Value,
) -> Result<(), Failure> {
    let sources = list(view, "sources");
    let has_own = |name: &str| {
        sources
            .iter()
            .any(|source| text(source, "name").contains(name))
    };
    if address.application.names().any(has_own) {
        return Ok(());
    }
    check_name(args, address).await
}

/// Refuses an application of which nothing is known, where another one is named like it.
pub(super) async fn check_name(args: &ShowArgs, address: &Address) -> Result<(), Failure> {
    // Who may not see the names is given what there is.
    let names = ask(args, NAMES).await.unwrap_or_default();
    let application = Address {
        label: None,
        ..address.clone()
    };
    let hints = hints(&names, &application);
    if hints.is_empty() {
        return Ok(());
    }
    let name = &address.application;
    let text = format!("nothing is named after `{name}`, and nobody has asked for it");
    let failure = Failure::new(Exit::NotFound, text);
    Err(hints.into_iter().fold(failure, Failure::help))
}

const NAMES: &str = "/_/api/names";

fn texts<'n>(names: &'n Value, key: &str) -> impl Iterator<Item = &'n str> {
    list(names, key).iter().filter_map(Value::as_str)
}

fn hints(names: &Value, address: &Address) -> Vec<String> {
    let hint = |key: &str, asked: Option<&str>| {
        let asked = asked.filter(|asked| texts(names, key).all(|name| name != *asked))?;
        let closest = closest(asked, texts(names, key))?;
        Some(format!("did you mean `{closest}`?"))
    };
    let application = hint("applications", Some(address.application.as_str()));
    let label = hint("labels", address.label.as_ref().map(Label::as_str));
    application.into_iter().chain(label).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_not_there_has_another_name() {
        let names = json!({ "applications": ["shop", "billing"], "labels": ["main"] });
        let hints = |text: &str| hints(&names, &text.parse().unwrap());
        assert_eq!(
            hints("shopp@mian"),
            ["did you mean `shop`?", "did you mean `main`?"]
        );
        assert!(hints("shop@main").is_empty());
        assert!(hints("zebra").is_empty());
    }
}
