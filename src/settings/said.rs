//! What was said of the server's own settings, for people: which value holds, and where it was said.

use super::{
    Sources,
    layers::{Layers, Setting, uniform},
    problem::SettingsError,
    reader::is_known,
};

/// How keys of secrets end, in the spelling in which all of them meet.
const SECRETS: [&str; 8] = [
    "password",
    "passphrase",
    "secret",
    "token",
    "privatekey",
    "hash",
    "encrypt.key",
    "salt",
];
/// What lies below these is the user's own, and may be anything.
const OWN: [&str; 2] = [
    "spring.cloud.config.server.overrides",
    "confbus.monitor.previoussecrets.",
];

/// A setting of which something was said, with the strongest value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidSetting {
    /// In Spring's spelling, as far as it is known.
    pub key: String,
    /// `None` where it may be a secret. What stands before an `@` or behind a `?` may be one, too, and is `••••••`.
    pub value: Option<String>,
    /// `application.yml:3:9`, the name of a variable, or an argument.
    pub place: String,
}

impl SaidSetting {
    /// All settings that the server knows and of which something was said, in the order of their keys.
    ///
    /// # Errors
    /// [`SettingsError`] when a file cannot be read.
    pub fn all(sources: &Sources) -> Result<Vec<Self>, SettingsError> {
        let layers = Layers::read(sources)?;
        let known = layers.all().filter(|setting| is_known(&setting.key));
        let mut said: Vec<_> = known.map(Self::of).collect();
        said.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(said)
    }

    fn of(setting: &Setting) -> Self {
        Self {
            key: setting.key.clone(),
            value: shown(&uniform(&setting.key), &setting.value),
            place: setting.place.clone(),
        }
    }
}

fn shown(key: &str, value: &str) -> Option<String> {
    let plain = key.split('[').next().unwrap_or(key);
    let is_secret = SECRETS.iter().any(|end| plain.ends_with(end))
        || OWN.iter().any(|own| plain.starts_with(own))
        || value.contains("{cipher}");
    if is_secret {
        return None;
    }
    let (before, asked) = value.split_once('?').unwrap_or((value, ""));
    let asked = if asked.is_empty() {
        ""
    } else {
        "?••••••"
    };
    Some(match before.rsplit_once('@') {
        Some((_, behind)) => format!("••••••@{behind}{asked}"),
        None => format!("{before}{asked}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        for (key, value, expected) in [
            ("server.port", "8888", Some("8888")),
            ("spring.cloud.config.server.git.password", "x", None),
            ("spring.cloud.config.server.git.private-key", "x", None),
            ("confbus.security.users.jo.password", "x", None),
            ("confbus.monitor.previous-secrets.github", "x", None),
            ("spring.cloud.config.server.overrides.a", "x", None),
            ("encrypt.key", "x", None),
            ("spring.rabbitmq.host", "{cipher}00", None),
            (
                "spring.cloud.config.server.git.uri",
                "https://jo:x@git.example/config?token=x",
                Some("••••••@git.example/config?••••••"),
            ),
            (
                "spring.rabbitmq.addresses",
                "jo:x@one:5672,jo:y@two:5672",
                Some("••••••@two:5672"),
            ),
        ] {
            assert_eq!(shown(&uniform(key), value).as_deref(), expected, "{key}");
        }
    }
}
