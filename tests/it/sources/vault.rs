use std::collections::BTreeMap;

use serde_json::Value;

use super::{Keeps, Source, cases::keeps_the_promises};
use crate::support::{Mood, ROOT, VaultServer};

/// One that is opened with a token of the settings.
struct Vault {
    server: VaultServer,
    secrets: BTreeMap<String, BTreeMap<String, String>>,
}

keeps_the_promises!(Some(Vault::start()));

impl Vault {
    fn start() -> Self {
        Self {
            server: VaultServer::start(),
            secrets: BTreeMap::new(),
        }
    }
}

impl Source for Vault {
    fn settings(&self) -> Vec<(String, String)> {
        let below = |key: &str, value: &str| {
            (
                format!("spring.cloud.config.server.vault.{key}"),
                value.to_owned(),
            )
        };
        vec![
            ("spring.profiles.active".to_owned(), "vault".to_owned()),
            below("port", &self.server.port()),
            below("token", ROOT),
        ]
    }

    fn put(&mut self, application: &str, profile: Option<&str>, key: &str, value: &str) {
        let name = self.name(application, profile);
        let secret = self.secrets.entry(name).or_default();
        secret.insert(key.to_owned(), value.to_owned());
        let values = secret
            .iter()
            .map(|(key, value)| (key.clone(), Value::from(&**value)));
        let profile = profile.map_or_else(String::new, |profile| format!(",{profile}"));
        self.server
            .keep(&format!("secret/{application}{profile}"), values.collect());
    }

    fn put_at_v1(&mut self, _: &str, _: &str, _: &str) -> bool {
        false
    }

    fn name(&self, application: &str, profile: Option<&str>) -> String {
        let profile = profile.map_or_else(String::new, |profile| format!(",{profile}"));
        format!("vault:{application}{profile}")
    }

    fn has_versions(&self) -> bool {
        false
    }

    fn keeps(&self) -> Keeps {
        Keeps::Nothing
    }

    fn stop(&mut self) {
        self.server.answer(Mood::Status(503));
    }

    fn go_on(&mut self) {
        self.server.answer(Mood::Well);
    }
}
