//! What may have been meant where nothing was found.

use confbus::closest;
use confbus_protocol::{Address, Label};
use serde_json::Value;

use super::{ask, list, path_of, text};
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
    if has_own(address, view) {
        return Ok(());
    }
    refuse(&known(args).await, address)
}

/// The same of addresses of which no sources are at hand: those are only asked for where a name is in doubt.
pub(super) async fn check_names(args: &ShowArgs, addresses: &[&Address]) -> Result<(), Failure> {
    let names = known(args).await;
    for address in addresses {
        if let Err(failure) = refuse(&names, address) {
            let path = path_of("configurations", address, &[]);
            let view = ask(args, &path).await.unwrap_or_default();
            if !has_own(address, &view) {
                return Err(failure);
            }
        }
    }
    Ok(())
}

/// Whether a source is named after one of its applications.
fn has_own(address: &Address, view: &Value) -> bool {
    let sources = list(view, "sources");
    let has_own = |name: &str| {
        sources
            .iter()
            .any(|source| text(source, "name").contains(name))
    };
    address.application.names().any(has_own)
}

/// Who may not see the names is given what there is.
async fn known(args: &ShowArgs) -> Value {
    ask(args, NAMES).await.unwrap_or_default()
}

/// Refuses an application of which nothing is known, where another one is named like it.
fn refuse(names: &Value, address: &Address) -> Result<(), Failure> {
    // What goes on where the name of another one ends is a name of its own, and no slip.
    let is_meant = |asked: &str, name: &str| {
        let rest = asked.strip_prefix(name);
        !rest.is_some_and(|rest| rest.starts_with(['-', '_', '.']))
    };
    let hints = applications(names, address, is_meant);
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
    let mut hints = applications(names, address, |_, _| true);
    let label = address.label.as_ref().map(Label::as_str);
    hints.extend(label.and_then(|label| hint(names, "labels", label, |_, _| true)));
    hints
}

/// One for each application that is not known.
fn applications(
    names: &Value,
    address: &Address,
    may_be_meant: impl Fn(&str, &str) -> bool,
) -> Vec<String> {
    let asked = address.application.names();
    let hints = asked.filter_map(|asked| hint(names, "applications", asked, &may_be_meant));
    hints.collect()
}

fn hint(
    names: &Value,
    key: &str,
    asked: &str,
    may_be_meant: impl Fn(&str, &str) -> bool,
) -> Option<String> {
    if texts(names, key).any(|name| name == asked) {
        return None;
    }
    let candidates = texts(names, key).filter(|name| may_be_meant(asked, name));
    let closest = closest(asked, candidates)?;
    Some(format!("did you mean `{closest}`?"))
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
        assert!(hints("shop,billing").is_empty());
        assert_eq!(hints("shop,biling"), ["did you mean `billing`?"]);
    }

    #[test]
    fn a_name_that_goes_on_is_another_one() {
        let names = json!({ "applications": ["orders", "payments"] });
        let is_taken = |text: &str| refuse(&names, &text.parse().unwrap()).is_ok();
        for (text, expected) in [
            ("orders", true),
            ("orders,payments", true),
            ("orders-new", true),
            ("order", false),
            ("ordersnew", false),
            ("orders,paymnets", false),
        ] {
            assert_eq!(is_taken(text), expected, "{text}");
        }
    }
}
