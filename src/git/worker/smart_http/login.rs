use std::fmt;

use url::Url;

use crate::git::{Access, worker::credentials};

/// User and password for one host.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").finish_non_exhaustive()
    }
}

impl Login {
    /// That of the settings, else that of the address.
    pub(super) fn of(url: &Url, access: &Access) -> Option<Self> {
        if let (Some(user), Some(password)) = (&access.username, &access.password) {
            let (user, password) = (user.clone(), password.clone());
            return Some(Self { user, password });
        }
        Some(Self {
            user: credentials::decode(url.username()),
            password: credentials::decode(url.password()?),
        })
    }
}
