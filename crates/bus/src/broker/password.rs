use secrecy::{ExposeSecret as _, SecretString};

/// A password: `Debug` does not show it, and it is wiped when it is dropped.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

impl Password {
    pub(crate) fn reveal(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.reveal() == other.reveal()
    }
}

impl Eq for Password {}

impl From<String> for Password {
    fn from(password: String) -> Self {
        Self(password.into())
    }
}

impl From<&str> for Password {
    fn from(password: &str) -> Self {
        Self(password.into())
    }
}
