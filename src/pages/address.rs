use super::links::{app, below, short, with_query};
use crate::inspection::AddressView;

/// Whose configuration a page is about.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) application: String,
    /// By comma.
    pub(super) profiles: String,
    /// Empty for the one that the server takes for itself.
    pub(super) label: String,
}

impl Named {
    pub(super) fn of(address: &AddressView) -> Self {
        Self {
            application: address.application.clone(),
            profiles: address.profiles.join(","),
            label: address.label.clone().unwrap_or_default(),
        }
    }

    /// As it is asked for: `shop/prod@main`.
    pub(super) fn text(&self) -> String {
        self.under(&self.label)
    }

    /// The same for people: of a commit id, seven digits are enough.
    pub(super) fn shown(&self) -> String {
        self.under(&short(&self.label))
    }

    fn under(&self, label: &str) -> String {
        let (application, profiles) = (&self.application, &self.profiles);
        match label {
            "" => format!("{application}/{profiles}"),
            label => format!("{application}/{profiles}@{label}"),
        }
    }

    pub(super) fn path(&self) -> String {
        app(&self.application, &self.profiles)
    }

    /// The same under another label.
    pub(super) fn at(&self, label: &str) -> Self {
        Self {
            label: label.to_owned(),
            ..self.clone()
        }
    }

    pub(super) fn page(&self, query: &[(&str, &str)]) -> String {
        self.with_label(&self.path(), query)
    }

    /// A page about a part of it.
    pub(super) fn part(&self, part: &str, query: &[(&str, &str)]) -> String {
        self.with_label(&format!("{}/{part}", self.path()), query)
    }

    pub(super) fn key(&self, key: &str) -> String {
        self.part("key", &[("key", key)])
    }

    /// The data behind a page.
    pub(super) fn api(&self, kind: &str, query: &[(&str, &str)]) -> String {
        let place = below(&format!("/api/{kind}"), &self.application);
        self.with_label(&below(&place, &self.profiles), query)
    }

    fn with_label(&self, place: &str, query: &[(&str, &str)]) -> String {
        let label = [("label", self.label.as_str())];
        let query: Vec<_> = label.iter().chain(query).copied().collect();
        with_query(place, &query)
    }

    pub(super) fn history(&self) -> String {
        self.part("history", &[])
    }

    /// How it differs from another one.
    pub(super) fn diff_from(&self, other: &Self) -> String {
        with_query("/diff", &[("from", &other.text()), ("to", &self.text())])
    }

    /// To compare it with another one.
    pub(super) fn diff(&self) -> String {
        with_query("/diff", &[("from", &self.text())])
    }

    pub(super) fn instances(&self) -> String {
        let query = [
            ("application", self.application.as_str()),
            ("profile", &self.profiles),
        ];
        with_query("/instances", &query)
    }

    /// To pin it, at a commit if one is named.
    pub(super) fn pin(&self, commit: &str) -> String {
        let query = [
            ("application", self.application.as_str()),
            ("profile", &self.profiles),
            ("label", &self.label),
            ("commit", commit),
        ];
        with_query("/pin", &query)
    }

    pub(super) fn refresh(&self) -> String {
        with_query("/refresh", &[("to", &self.application)])
    }
}
