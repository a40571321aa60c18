use std::{error::Error, fmt};

use crate::snapshot::{Origin, Snapshot};

/// Why a configuration was refused: the key, what is wrong with it, and where it was written.
///
/// Reads ``` `orders.limits.max-open`: expected u32, found string "ten" (orders-dev.yml:14:8) ```.
/// The value is left out when the key looks like that of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    key: String,
    reason: String,
    origin: Option<Origin>,
}

impl Rejection {
    /// Refuses a section as a whole; the key becomes the prefix that was bound.
    #[must_use]
    pub fn new(reason: impl fmt::Display) -> Self {
        Self::at("", reason)
    }

    /// Refuses the value of one key, named in full (`pool.max`) and in any spelling; its place is looked up.
    #[must_use]
    pub fn at(key: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self {
            key: key.into(),
            reason: reason.to_string(),
            origin: None,
        }
    }

    /// The key in full, as it is written in its file when it is in one.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Where the value was written, when the server says so.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// What code of the application said, with the chain of its causes.
    pub(crate) fn of(error: Box<dyn Error + Send + Sync>) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(rejection) => return *rejection,
            Err(error) => error,
        };
        #[cfg(feature = "config")]
        let error = match error.downcast::<::config::ConfigError>() {
            Ok(error) => return (*error).into(),
            Err(error) => error,
        };
        #[cfg(feature = "figment")]
        let error = match error.downcast::<::figment::Error>() {
            Ok(error) => return (*error).into(),
            Err(error) => error,
        };
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            let text = source.to_string();
            // Some errors quote their cause themselves.
            if !reason.ends_with(&text) {
                reason = format!("{reason}: {text}");
            }
            cause = source.source();
        }
        Self::new(reason)
    }

    /// Completes what a validation said: its key, its place, and no secret.
    pub(crate) fn placed(mut self, snapshot: &Snapshot, prefix: &str) -> Self {
        if self.key.is_empty() {
            prefix.clone_into(&mut self.key);
        }
        if let Some(written) = snapshot.written(&self.key) {
            written.clone_into(&mut self.key);
        }
        self.reason = snapshot.without_secrets(&self.key, self.reason);
        self.origin = snapshot.origin(&self.key);
        self
    }
}

impl From<&str> for Rejection {
    fn from(reason: &str) -> Self {
        Self::new(reason)
    }
}

impl From<String> for Rejection {
    fn from(reason: String) -> Self {
        Self::new(reason)
    }
}

impl Error for Rejection {}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        f.write_str(&self.reason)?;
        match &self.origin {
            Some(origin) => write!(f, " ({origin})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use crate::{Rejection, Snapshot, testing};

    fn refused<E>(build: impl Fn(&Snapshot) -> Result<(), E> + Send + Sync + 'static) -> String
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (client, _server) = testing::client([("db.password", "hunter2")]);
        client.bind_with(build).once().unwrap_err().to_string()
    }

    #[test]
    fn errors_of_all_kinds_refuse_with_their_causes() {
        assert_eq!(refused(|_| Err("no")), "no");
        assert_eq!(refused(|_| Err(Rejection::at("a", "no"))), "`a`: no");
        assert_eq!(
            refused(|_| "x".parse::<u8>().map(drop)),
            "invalid digit found in string"
        );
        let in_context = refused(|_| -> anyhow::Result<()> {
            Err(std::io::Error::other("host hunter2 is down")).context("cannot connect")
        });
        assert_eq!(in_context, "cannot connect: host … is down");
    }
}
