use std::time::Duration;

use confbus_protocol::Label;
use confbus_resolution::{Layout, Places};

use super::super::{Freshness, Pattern, Template, repository};
use crate::git::{self, Address, Reach};

/// The repositories of a Git backend.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Asked in this order, each for the requests that it is for.
    pub(crate) candidates: Vec<(Vec<Pattern>, RepositorySettings)>,
    /// Asked when no candidate has an answer.
    pub(crate) default: RepositorySettings,
}

impl Settings {
    /// All of them, in the order in which they are asked.
    pub(crate) fn all(&self) -> impl Iterator<Item = &RepositorySettings> {
        let candidates = self.candidates.iter().map(|(_, candidate)| candidate);
        candidates.chain([&self.default])
    }
}

/// One repository of a Git backend, or one for each application, profile or label.
#[derive(Debug, Clone)]
pub(crate) struct RepositorySettings {
    pub(crate) uri: Template,
    pub(crate) reach: Reach,
    /// Directories beside the root, the later one stronger.
    pub(crate) search_paths: Vec<String>,
    /// The label of a request that has none.
    pub(crate) default_label: Label,
    /// When the default label is `main` and names nothing, `master` is tried.
    pub(crate) try_master_branch: bool,
    /// A label that is gone from the repository is forgotten instead of served on.
    pub(crate) forget_deleted: bool,
    /// Of several labels those that name nothing are left out.
    pub(crate) continue_on_label_failure: bool,
    /// Plain files are looked for in the last location first.
    pub(crate) reverse_location_order: bool,
    /// Whether a read makes sure of the repository first.
    pub(crate) freshness: Freshness,
    /// Between two looks that nobody asks for; `None` looks only when told.
    pub(crate) interval: Option<Duration>,
    /// A local repository is looked at as soon as it changes.
    pub(crate) watches: bool,
}

impl RepositorySettings {
    /// The settings of the repository at an address.
    pub(in crate::environment_repository) fn at(
        &self,
        address: Address,
        common: &git::Common,
    ) -> (git::Settings, repository::Settings) {
        let places = Places::Tree {
            uri: address.display_uri.clone(),
            checkout: self.reach.base_directory.display().to_string(),
            search_paths: self.search_paths.clone(),
        };
        let layout = Layout {
            places,
            default_label: Some(self.default_label.clone()),
            reverse_location_order: self.reverse_location_order,
        };
        let settings = repository::Settings {
            layout,
            default_label: self.default_label.clone(),
            try_master_branch: self.try_master_branch,
            forget_deleted: self.forget_deleted,
            freshness: self.freshness,
            interval: self.interval,
            watches: self.watches,
        };
        (
            git::Settings::new(address, self.reach.clone(), common),
            settings,
        )
    }
}
