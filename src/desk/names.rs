//! What may have been meant by the name of an application or of a label that a server does not know.

use confbus::closest;
use confbus_protocol::{Address, Label};
use serde_json::Value;

use super::{Desk, json_of};
use crate::exit::{Exit, Failure};

/// Where a server says which names it knows.
pub(crate) const NAMES: &str = "/_/api/names";

/// What a server knows, as far as whoever asks may read it; nothing where it does not say.
#[derive(Debug, Default)]
pub(crate) struct Names {
    applications: Vec<String>,
    labels: Vec<String>,
}

impl Names {
    /// As a server says it.
    pub(crate) fn of(view: &Value) -> Self {
        let list = |key: &str| {
            let names = view[key].as_array().into_iter().flatten();
            names.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Self {
            applications: list("applications"),
            labels: list("labels"),
        }
    }

    /// Those of one server. Who may not see them gets no hint.
    pub(crate) async fn at(desk: &Desk) -> Self {
        let answer = desk.ask("GET", NAMES, "").await;
        let view = answer.and_then(|answer| json_of(&answer));
        view.map_or_else(|_| Self::default(), |view| Self::of(&view))
    }

    /// A failure with the applications and the label that may be meant by an address.
    pub(crate) fn help(&self, failure: Failure, address: &Address) -> Failure {
        let asked = address.application.names();
        let applications = asked.filter_map(|asked| self.application(asked, |_, _| true));
        let label = address.label.as_ref().map(Label::as_str);
        let label = label.and_then(|label| self.label(label));
        applications.chain(label).fold(failure, meaning)
    }

    /// Refuses applications of which nothing is known, where others are named like them.
    pub(crate) fn refuse<'a>(
        &self,
        applications: impl Iterator<Item = &'a str>,
    ) -> Result<(), Failure> {
        let unknown = applications.filter_map(|asked| {
            let meant = self.application(asked, is_no_other)?;
            Some((asked, meant))
        });
        let (asked, meant): (Vec<_>, Vec<_>) = unknown.unzip();
        if meant.is_empty() {
            return Ok(());
        }
        let text = format!(
            "nothing is named after `{}`, and nobody has asked for it",
            asked.join("`, `")
        );
        let failure = Failure::new(Exit::NotFound, text);
        Err(meant.into_iter().fold(failure, meaning))
    }

    /// As [`Self::refuse`], where nobody has looked at the sources: a file `shop-prod` may be one of `shop`.
    pub(crate) fn refuse_unseen<'a>(
        &self,
        applications: impl Iterator<Item = &'a str>,
    ) -> Result<(), Failure> {
        let may_have = |asked: &str| {
            let mut names = self.applications.iter();
            names.any(|name| {
                name.strip_prefix(asked)
                    .is_some_and(|rest| rest.starts_with('-'))
            })
        };
        self.refuse(applications.filter(|asked| !may_have(asked)))
    }

    /// Whether none of these applications is known, though others are.
    pub(crate) fn know_none_of<'a>(&self, mut applications: impl Iterator<Item = &'a str>) -> bool {
        let is_known = |asked: &str| self.applications.iter().any(|name| name == asked);
        !self.applications.is_empty() && !applications.any(is_known)
    }

    /// Refuses a label that nothing has, where another one is named like it.
    pub(crate) fn refuse_label(&self, label: &Label) -> Result<(), Failure> {
        let Some(meant) = self.label(label.as_str()) else {
            return Ok(());
        };
        let text = format!("there is no branch or tag `{label}`");
        Err(meaning(Failure::new(Exit::NotFound, text), meant))
    }

    /// A failure with the label that may be meant.
    pub(crate) fn help_label(&self, failure: Failure, label: &str) -> Failure {
        self.label(label).into_iter().fold(failure, meaning)
    }

    fn application(&self, asked: &str, is_meant: impl Fn(&str, &str) -> bool) -> Option<&str> {
        let names = || self.applications.iter().map(String::as_str);
        let is_known = names().any(|name| name == asked);
        let alike = names().filter(|name| is_meant(asked, name));
        closest(asked, alike).filter(|_| !is_known)
    }

    fn label(&self, asked: &str) -> Option<&str> {
        let names = || self.labels.iter().map(String::as_str);
        let is_known = names().any(|name| name == asked);
        closest(asked, names()).filter(|_| !is_known)
    }
}

/// What goes on where the name of another one ends is a name of its own, and no slip.
fn is_no_other(asked: &str, name: &str) -> bool {
    let rest = asked.strip_prefix(name);
    !rest.is_some_and(|rest| rest.starts_with(['-', '_', '.']))
}

/// A failure with the name that is meant, if one of these is like the one that was asked for.
pub(crate) fn among<'n>(
    failure: Failure,
    asked: &str,
    names: impl Iterator<Item = &'n str>,
) -> Failure {
    closest(asked, names).into_iter().fold(failure, meaning)
}

fn meaning(failure: Failure, meant: &str) -> Failure {
    failure.help(format!("did you mean `{meant}`?"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(applications: &[&str]) -> Names {
        Names::of(&json!({ "applications": applications, "labels": ["main", "release/2.0"] }))
    }

    /// What a failure about this address helps with.
    fn hints(text: &str) -> Vec<String> {
        let failure = Failure::new(Exit::NotFound, "");
        let names = names(&["shop", "billing"]);
        let failure = names.help(failure, &text.parse().unwrap());
        failure.helps().map(str::to_owned).collect()
    }

    #[test]
    fn only_what_is_not_there_has_another_name() {
        assert_eq!(
            hints("shopp@mian"),
            ["did you mean `shop`?", "did you mean `main`?"]
        );
        assert!(hints("shop@main").is_empty());
        assert!(hints("zebra").is_empty());
        assert!(hints("shop,billing").is_empty());
        assert_eq!(hints("shop,biling"), ["did you mean `billing`?"]);
        assert_eq!(hints("shop@relase/2.0"), ["did you mean `release/2.0`?"]);
    }

    #[test]
    fn a_name_that_goes_on_is_another_one() {
        let names = names(&["orders", "payments"]);
        let is_taken = |text: &str| names.refuse(text.split(',')).is_ok();
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

    #[test]
    fn files_of_profiles_are_files_of_their_application() {
        let names = names(&["shop-prod", "billing"]);
        assert!(names.refuse_unseen(["shop"].into_iter()).is_ok());
        assert!(names.refuse_unseen(["shop-prodd"].into_iter()).is_err());
        assert!(names.refuse(["shop"].into_iter()).is_err());
        assert!(names.know_none_of(["shop", "zebra"].into_iter()));
        assert!(!names.know_none_of(["zebra", "billing"].into_iter()));
        assert!(!Names::default().know_none_of(["zebra"].into_iter()));
    }

    #[test]
    fn a_label_that_nothing_is_like_is_none_of_ours() {
        let names = names(&[]);
        let is_taken = |text: &str| names.refuse_label(&Label::parse(text).unwrap()).is_ok();
        assert!(is_taken("main") && is_taken("9f2c1ab"));
        assert!(!is_taken("mian"));
    }
}
