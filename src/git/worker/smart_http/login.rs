use secrecy::SecretString;
use url::Url;

use crate::git::{Access, worker::credentials};

/// User and password for one host; either may be a token.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) user: SecretString,
    pub(super) password: SecretString,
}

impl Login {
    /// That of the settings, else that of the address.
    pub(super) fn of(url: &Url, access: &Access) -> Option<Self> {
        if let (Some(user), Some(password)) = (&access.username, &access.password) {
            let (user, password) = (user.clone(), password.clone());
            return Some(Self { user, password });
        }
        Some(Self {
            user: credentials::decode(url.username()).into(),
            password: credentials::decode(url.password()?).into(),
        })
    }
}
