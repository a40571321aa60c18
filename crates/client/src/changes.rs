use std::fmt;

use confbus_protocol::PropertyValue;
use tokio::sync::watch;

use crate::{Origin, Snapshot};

/// One key that moved, with both sides.
///
/// `Debug` names the key and what happened to it; `Display` shows the sides, too, secrets as dots.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct KeyChange {
    /// As it is written in its file.
    pub key: String,
    /// `None` when the key is new.
    pub old: Option<Written>,
    /// `None` when the key is gone.
    pub new: Option<Written>,
    /// The version that is running now.
    pub version: Option<String>,
}

/// A value with the place where it was written.
///
/// `Debug` and `Display` show a secret as `…`: who wants it asks for [`value`](Self::value).
///
/// ```
/// # use confbus_client::testing;
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let (client, mut server) = testing::client([("db.password", "old"), ("db.pool", "8")]);
/// let mut changes = client.changes();
/// server.push([("db.password", "new"), ("db.pool", "9")]).unwrap();
/// let set = changes.next().await.unwrap();
///
/// let (password, pool) = (&set.keys[0], &set.keys[1]);
/// assert_eq!(password.to_string(), "db.password: … → …");
/// assert_eq!(pool.to_string(), "db.pool: 8 → 9");
///
/// let new = password.new.as_ref().unwrap();
/// assert_eq!((format!("{new:?}"), new.value().as_text()), ("…".to_owned(), Some("new")));
/// assert_eq!(new.origin().unwrap().to_string(), "test.yml:1:1");
/// # }
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Written {
    pub(crate) value: PropertyValue,
    pub(crate) origin: Option<Origin>,
    pub(crate) is_secret: bool,
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
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => format!("{old} → {new}"),
            (None, Some(new)) => format!("→ {new}"),
            (Some(old), None) => format!("{old} → gone"),
            (None, None) => String::new(),
        }
    }
}

impl Written {
    /// The value itself, secret or not.
    #[must_use]
    pub fn value(&self) -> &PropertyValue {
        &self.value
    }

    /// Where it was written, when the server says so.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// Whether it looks secret: by the name of its key, as an address with credentials in it, or because it refers to
    /// such a value.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.is_secret
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

impl fmt::Display for KeyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.shown())
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_secret {
            f.write_str("…")
        } else {
            self.value.fmt(f)
        }
    }
}
