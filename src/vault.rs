//! A Vault as a backend: secrets of a KV engine, looked up for each request with the token of whoever asks.
//!
//! Nothing is kept from one request for the next, neither a secret nor a token: what a token may read is for the Vault
//! to say, each time anew. So a read waits for the network here, at most as long as the settings say.

mod answer;
mod client;
mod error;
mod naming;
mod renewal;
mod token;

use std::{sync::Arc, time::Duration};

use confbus_protocol::{Property, PropertySource};
use confbus_resolution::EnvironmentRequest;
use futures_util::future::join_all;
use tracing::{debug, warn};

use client::Client;
pub(crate) use client::{Address, Namespace};
pub(crate) use error::VaultError;
pub(crate) use naming::Naming;
pub(crate) use renewal::Renewal;
pub(crate) use token::Token;

/// One KV engine of one Vault.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) address: Address,
    /// Sent with each look-up.
    pub(crate) namespace: Option<Namespace>,
    pub(crate) engine: Engine,
    pub(crate) naming: Naming,
    /// Sources are named with the engine's path, too.
    pub(crate) full_key_path: bool,
    pub(crate) login: Login,
    /// For all look-ups of a request together; 5 seconds by default.
    pub(crate) timeout: Duration,
}

/// Where an engine keeps its secrets.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    /// Where it is mounted.
    pub(crate) mount: String,
    pub(crate) version: KvVersion,
}

/// The two KV engines, which differ in their paths and answers.
#[derive(Debug, Clone)]
pub(crate) enum KvVersion {
    /// Without versions.
    One,
    /// With versions, of which the newest is read; keys are looked up below a path, if one is given.
    Two { path_to_key: String },
}

/// Whose token opens the Vault.
#[derive(Debug, Clone)]
pub(crate) enum Login {
    /// That of each request.
    OfRequest,
    /// Always this one.
    Fixed(Token),
}

/// Look-ups of one request beside each other.
const AT_ONCE: usize = 8;

/// How much text the secrets of one request may take, keys and values; each for itself is bounded, too.
const TEXT_LIMIT: usize = 16 << 20;

/// Asks a Vault.
#[derive(Debug)]
pub(crate) struct Vault {
    client: Client,
    settings: Settings,
}

impl Vault {
    /// Prepares to ask; nothing is asked yet.
    ///
    /// # Errors
    /// When TLS is wanted and this machine trusts nobody.
    pub(crate) fn new(settings: Settings) -> Result<Self, String> {
        let client = Client::new(&settings)?;
        Ok(Self { client, settings })
    }

    /// What keeps the token of the settings alive, if there is one.
    pub(crate) fn renewal(&self) -> Option<Renewal> {
        let Login::Fixed(token) = &self.settings.login else {
            return None;
        };
        Some(Renewal {
            client: self.client.clone(),
            token: token.clone(),
            timeout: self.settings.timeout,
        })
    }

    /// The secrets for a request, the strongest first.
    ///
    /// # Errors
    /// [`VaultError`] when there is no token, or any of the look-ups fails.
    pub(crate) async fn find(
        &self,
        request: &EnvironmentRequest,
        token: Option<&Token>,
    ) -> Result<Vec<PropertySource>, VaultError> {
        let found = tokio::time::timeout(self.settings.timeout, self.look_up(request, token))
            .await
            .unwrap_or(Err(VaultError::Late(self.settings.timeout)));
        if let Err(error) = &found {
            self.tell(error);
        }
        found
    }

    async fn look_up(
        &self,
        request: &EnvironmentRequest,
        token: Option<&Token>,
    ) -> Result<Vec<PropertySource>, VaultError> {
        let token = match &self.settings.login {
            Login::Fixed(token) => token,
            Login::OfRequest => token.ok_or(VaultError::NoToken)?,
        };
        let keys = self.settings.naming.keys(request)?;
        let (mut sources, mut text) = (Vec::new(), 0);
        for keys in keys.chunks(AT_ONCE) {
            let looks = keys.iter().map(|key| self.source(key, token));
            for source in join_all(looks).await {
                let Some(source) = source? else { continue };
                text += text_of(&source);
                if text > TEXT_LIMIT {
                    return Err(VaultError::TooMuch(TEXT_LIMIT));
                }
                sources.push(source);
            }
        }
        Ok(sources)
    }

    /// `None` when there is no such secret, or nothing in it.
    async fn source(&self, key: &str, token: &Token) -> Result<Option<PropertySource>, VaultError> {
        let engine = &self.settings.engine;
        let path = engine.path(key);
        let Some(body) = self.client.read(&path, token).await? else {
            return Ok(None);
        };
        let properties = answer::properties(&body, &engine.version)
            .map_err(|problem| VaultError::Answer { path, problem })?;
        let name = if self.settings.full_key_path {
            format!("vault:{}/{key}", engine.mount)
        } else {
            format!("vault:{key}")
        };
        Ok((!properties.is_empty()).then(|| PropertySource {
            name,
            source: Arc::new(properties),
        }))
    }

    /// What a caller did wrong is for the caller; the rest somebody must look at.
    fn tell(&self, error: &VaultError) {
        let vault = &self.client;
        if error.is_of_caller() {
            debug!(%vault, %error, "the vault was not read");
        } else {
            warn!(%vault, %error, "the vault could not be read");
        }
    }
}

/// How much text a source holds, in bytes.
fn text_of(source: &PropertySource) -> usize {
    let text = |(key, property): (&String, &Property)| {
        key.len() + property.value.as_text().map_or(0, str::len)
    };
    source.source.iter().map(text).sum()
}

impl Engine {
    /// Where a key is read, below `/v1/`.
    fn path(&self, key: &str) -> String {
        let mount = self.mount.trim_matches('/');
        match &self.version {
            KvVersion::One => format!("{mount}/{key}"),
            KvVersion::Two { path_to_key } => match path_to_key.trim_matches('/') {
                "" => format!("{mount}/data/{key}"),
                path => format!("{mount}/data/{path}/{key}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_have_paths_of_their_own() {
        let path = |mount: &str, version| {
            let mount = mount.to_owned();
            Engine { mount, version }.path("orders,dev")
        };
        let two = |path: &str| KvVersion::Two {
            path_to_key: path.into(),
        };
        assert_eq!(path("secret", KvVersion::One), "secret/orders,dev");
        assert_eq!(path("kv/team/", two("")), "kv/team/data/orders,dev");
        assert_eq!(path("kv", two("/a/b/")), "kv/data/a/b/orders,dev");
    }
}
