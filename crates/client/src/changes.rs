use std::fmt;

use confbus_protocol::PropertyValue;
use tokio::sync::watch;

use crate::{Snapshot, secret::is_secret};

/// One key that moved, with both sides.
///
/// `Debug` names the key and what happened to it, never the values.
#[derive(Clone, PartialEq)]
pub struct KeyChange {
    /// As it is written in its file.
    pub key: String,
    /// `None` when the key is new.
    pub old: Option<PropertyValue>,
    /// `None` when the key is gone.
    pub new: Option<PropertyValue>,
}

/// What one accepted version changed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ChangeSet {
    /// The version that is running now.
    pub version: Option<String>,
    /// Every key that moved, sorted.
    pub keys: Vec<KeyChange>,
}

/// Tells every change of any key. Made by [`Client::changes`](crate::Client::changes).
///
/// It does not keep the client's tasks running.
#[derive(Debug)]
pub struct Changes {
    seen: Snapshot,
    announced: watch::Receiver<Snapshot>,
}

impl Changes {
    pub(crate) fn new(announced: watch::Receiver<Snapshot>) -> Self {
        let seen = announced.borrow().clone();
        Self { seen, announced }
    }

    /// Waits for the next accepted version that changes a key.
    ///
    /// Whoever comes late gets everything since the last call as one change, so nothing is lost.
    /// `None` when the client is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<ChangeSet> {
        loop {
            let now = self.announced.borrow_and_update().clone();
            let keys = self.seen.changes_to(&now);
            self.seen = now;
            if !keys.is_empty() {
                return Some(ChangeSet {
                    version: self.seen.version().map(str::to_owned),
                    keys,
                });
            }
            self.announced.changed().await.ok()?;
        }
    }
}

impl KeyChange {
    /// `20 → 40`, for people: what is new comes from nothing, what is gone is `gone`, and the sides of a secret are dots.
    #[must_use]
    pub fn shown(&self) -> String {
        let side = |value: &PropertyValue| {
            if is_secret(&self.key, value) {
                "…".to_owned()
            } else {
                value.to_string()
            }
        };
        match (self.old.as_ref().map(side), self.new.as_ref().map(side)) {
            (Some(old), Some(new)) => format!("{old} → {new}"),
            (None, Some(new)) => format!("→ {new}"),
            (Some(old), None) => format!("{old} → gone"),
            (None, None) => String::new(),
        }
    }

    pub(crate) fn between(
        key: &str,
        old: Option<&PropertyValue>,
        new: Option<&PropertyValue>,
    ) -> Option<Self> {
        (old != new).then(|| Self {
            key: key.to_owned(),
            old: old.cloned(),
            new: new.cloned(),
        })
    }
}

impl fmt::Debug for KeyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let happened = match (&self.old, &self.new) {
            (None, _) => "added",
            (_, None) => "removed",
            (Some(_), Some(_)) => "changed",
        };
        write!(f, "{} {happened}", self.key)
    }
}
