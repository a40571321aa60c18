use askama::Template;

use super::{
    frame::Frame,
    links::{below, short, with_query},
};
use crate::ledger::{InstancesView, RefreshesView};

/// Hits of one kind.
const MOST: usize = 20;

/// What a search found: addresses, instances and commits.
#[derive(Debug, Template)]
#[template(path = "search.html")]
pub(crate) struct SearchPage {
    pub(crate) frame: Frame,
    pub(crate) text: String,
    pub(crate) found: Vec<Found>,
}

/// A page that fits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    kind: &'static str,
    text: String,
    href: String,
}

/// All that holds the text; nothing where there is none.
pub(crate) fn search(
    text: &str,
    instances: &InstancesView,
    refreshes: &RefreshesView,
) -> Vec<Found> {
    if text.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut hit = |kind: &'static str, shown: String, href: String| {
        let one = Found {
            kind,
            text: shown,
            href,
        };
        let is_full = found
            .iter()
            .filter(|known: &&Found| known.kind == kind)
            .count()
            >= MOST;
        if !is_full && !found.contains(&one) {
            found.push(one);
        }
    };
    let instances = &instances.instances;
    for instance in instances {
        let address = format!("{}/{}", instance.application, instance.profiles);
        if address.contains(text) {
            let query = [
                ("application", instance.application.as_str()),
                ("profile", &instance.profiles),
            ];
            hit("application", address, with_query("/instances", &query));
        }
    }
    for instance in instances {
        let id = instance.instance.as_str();
        if id.contains(text) {
            hit("instance", id.to_owned(), below("/instances", id));
        }
    }
    for refresh in &refreshes.refreshes {
        let href = || below("/refreshes", &refresh.id);
        if refresh.id.contains(text) {
            hit("refresh", refresh.id.clone(), href());
        }
        for moved in refresh
            .labels
            .iter()
            .filter(|moved| moved.to.starts_with(text))
        {
            let shown = format!("{} on {}", short(&moved.to), moved.label);
            hit("commit", shown, href());
        }
    }
    found
}
