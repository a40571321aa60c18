//! Which keys a refresh changes, and for whom; never their values.

use std::collections::BTreeMap;

use confbus_resolution::KeyChange;
use serde::{Deserialize, Serialize};

use super::{Sight, coordinates::shortened};

/// Keys of one application.
const MAX_OF_APPLICATION: usize = 100;
/// Keys of one refresh, and applications.
const MAX_OF_REFRESH: usize = 1000;

/// The keys whose effective values a refresh changes, by application; as many as there is room for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Changes {
    applications: BTreeMap<String, ChangedKeys>,
    /// Of all these applications.
    keys: usize,
    /// Further applications that are concerned.
    more: usize,
}

/// Those of one application, under any of its profiles and labels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct ChangedKeys {
    keys: BTreeMap<String, Becomes>,
    /// Further keys, at least.
    more: usize,
}

/// What becomes of a key; `changed`, too, when that depends on the profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Becomes {
    Added,
    Removed,
    Changed,
}

/// The changes as JSON for strangers.
#[derive(Debug, Serialize)]
pub(crate) struct ChangesView {
    pub(crate) applications: Vec<ApplicationView>,
    pub(crate) more: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct ApplicationView {
    pub(crate) application: String,
    pub(crate) keys: Vec<KeyView>,
    pub(crate) more: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct KeyView {
    pub(crate) key: String,
    pub(crate) change: Becomes,
}

impl Changes {
    /// Whether further keys of an application would be kept.
    pub(crate) fn have_room_for(&self, application: &str) -> bool {
        self.keys < MAX_OF_REFRESH
            && match self.applications.get(application) {
                Some(known) => known.keys.len() < MAX_OF_APPLICATION,
                None => self.applications.len() < MAX_OF_REFRESH,
            }
    }

    /// Notes what changes for an application under some of its profiles.
    pub(crate) fn note(&mut self, application: &str, keys: &BTreeMap<String, KeyChange>) {
        if !self.have_room_for(application) {
            return;
        }
        let room = MAX_OF_REFRESH - self.keys;
        let application = shortened(application.to_owned());
        let changed = self.applications.entry(application).or_default();
        let before = changed.keys.len();
        changed.note(keys, MAX_OF_APPLICATION.min(before + room));
        self.keys += changed.keys.len() - before;
    }

    /// Notes how many applications there are in all.
    pub(crate) fn are_of(&mut self, applications: usize) {
        self.more = applications.saturating_sub(self.applications.len());
    }

    /// How many keys of an application are different, at least.
    pub(super) fn keys_of(&self, application: &str) -> usize {
        let changed = self.applications.get(application);
        changed.map_or(0, |changed| changed.keys.len() + changed.more)
    }

    /// Whether an application has lost this key, under some of its profiles.
    pub(super) fn removes(&self, application: &str, key: &str) -> bool {
        let changed = self.applications.get(application);
        changed.and_then(|changed| changed.keys.get(key)) == Some(&Becomes::Removed)
    }

    /// What they take in memory and on disk, roughly: names and keys.
    pub(super) fn size(&self) -> usize {
        self.keys + self.applications.len()
    }
}

impl ChangedKeys {
    /// Keeps up to so many keys.
    fn note(&mut self, keys: &BTreeMap<String, KeyChange>, limit: usize) {
        let mut left_out = 0;
        for (key, change) in keys {
            let becomes = Becomes::from(*change);
            if let Some(known) = self.keys.get_mut(key) {
                if *known != becomes {
                    *known = Becomes::Changed;
                }
            } else if self.keys.len() < limit {
                self.keys.insert(shortened(key.clone()), becomes);
            } else {
                left_out += 1;
            }
        }
        self.more = self.more.max(left_out);
    }
}

impl From<KeyChange> for Becomes {
    fn from(change: KeyChange) -> Self {
        match change {
            KeyChange::Added => Self::Added,
            KeyChange::Removed => Self::Removed,
            KeyChange::Changed => Self::Changed,
        }
    }
}

impl ChangesView {
    /// Those of applications of which somebody sees everything: keys may be those of any profile and label.
    pub(super) fn of(changes: &Changes, sight: &dyn Sight) -> Self {
        let applications = changes.applications.iter();
        let applications = applications.filter(|(name, _)| sight.has_application(name));
        let applications = applications.map(|(application, changed)| ApplicationView {
            application: application.clone(),
            keys: changed.keys.iter().map(KeyView::from).collect(),
            more: changed.more,
        });
        Self {
            applications: applications.collect(),
            more: changes.more,
        }
    }
}

impl From<(&String, &Becomes)> for KeyView {
    fn from((key, change): (&String, &Becomes)) -> Self {
        Self {
            key: key.clone(),
            change: *change,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::ledger::sight::Everything;

    fn shown(changes: &Changes) -> Value {
        serde_json::to_value(ChangesView::of(changes, &Everything)).unwrap()
    }

    fn many(prefix: &str, number: usize) -> Vec<String> {
        (0..number)
            .map(|index| format!("{prefix}{index}"))
            .collect()
    }

    fn added(keys: Vec<String>) -> BTreeMap<String, KeyChange> {
        let keys = keys.into_iter().map(|key| (key, KeyChange::Added));
        keys.collect()
    }

    #[test]
    fn all_profiles_of_an_application_add_to_its_keys() {
        let mut changes = Changes::default();
        changes.note("orders", &added(many("b", 1)));
        let further = [
            ("a[0]", KeyChange::Removed),
            ("b0", KeyChange::Removed),
            ("c", KeyChange::Changed),
        ];
        let further = further.map(|(key, change)| (key.to_owned(), change)).into();
        changes.note("orders", &further);
        changes.note("orders", &further);
        changes.note("payments", &BTreeMap::new());
        changes.are_of(4);
        let expected = json!({
            "applications": [
                {
                    "application": "orders",
                    "keys": [
                        { "key": "a[0]", "change": "removed" },
                        { "key": "b0", "change": "changed" },
                        { "key": "c", "change": "changed" },
                    ],
                    "more": 0,
                },
                { "application": "payments", "keys": [], "more": 0 },
            ],
            "more": 2,
        });
        assert_eq!(shown(&changes), expected);
        assert_eq!(changes.size(), 5);
    }

    #[test]
    fn there_is_an_end_to_the_keys_of_an_application() {
        let mut changes = Changes::default();
        changes.note("orders", &added(many("a", MAX_OF_APPLICATION - 1)));
        assert!(changes.have_room_for("orders"));
        changes.note("orders", &added(many("b", 8)));
        assert!(!changes.have_room_for("orders"));
        let orders = shown(&changes)["applications"][0].clone();
        assert_eq!(orders["keys"].as_array().unwrap().len(), MAX_OF_APPLICATION);
        assert_eq!(orders["more"], 7);
    }

    #[test]
    fn there_is_an_end_to_the_keys_of_a_refresh() {
        let mut changes = Changes::default();
        let keys = added(many("key", MAX_OF_APPLICATION - 1));
        let applications = many("app", 20);
        for application in &applications {
            changes.note(application, &keys);
        }
        changes.are_of(applications.len());
        let shown = shown(&changes);
        let applications = shown["applications"].as_array().unwrap();
        let all = applications.iter().map(|one| one["keys"].as_array());
        let all: usize = all.map(|keys| keys.unwrap().len()).sum();
        assert_eq!((all, applications.len()), (MAX_OF_REFRESH, 11));
        assert_eq!(applications[2]["more"], 89);
        assert_eq!(shown["more"], 9);
    }

    #[test]
    fn there_is_an_end_to_the_applications() {
        let mut changes = Changes::default();
        for application in many("app", MAX_OF_REFRESH + 1) {
            changes.note(&application, &BTreeMap::new());
        }
        assert_eq!(changes.size(), MAX_OF_REFRESH);
    }
}
