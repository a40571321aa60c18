//! What a program was given and nobody else may be told.

use std::process::Command;

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// In the environment of every program of ours.
pub(crate) const VARIABLE: &str = "CANARY_ENV";
/// Its value, which nothing asks for.
const CANARY: &str = "canary-of-the-environment";

/// How the names of settings end that hold secrets, whether they are typed or variables.
const ENDS: [&str; 10] = [
    "password",
    "acl-token",
    "webhook-secret",
    ".token",
    "_token",
    "passphrase",
    "private-key",
    ".secret",
    "encrypt.key",
    ".hash",
];
/// What the names of others begin with.
const BEGINNINGS: [&str; 2] = [
    "confbus.monitor.previous-secrets.",
    "spring_cloud_config_headers_",
];
/// Shorter ones stand in ordinary words.
const SHORTEST: usize = 6;
/// Passwords that are no secrets.
const PUBLIC: [&str; 1] = ["guest"];

/// The secrets that a program was given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Secrets(Vec<Secret>);

#[derive(Debug, Clone)]
struct Secret {
    text: String,
    /// As it is, as bytes are shown, and in base64 behind a user's name.
    forms: Vec<String>,
}

impl Secrets {
    /// Puts one more into its environment and remembers them all: of arguments and of variables.
    pub(crate) fn plant(command: &mut Command) -> Self {
        command.env(VARIABLE, CANARY);
        let mut secrets = Self::default();
        for argument in command.get_args().filter_map(|argument| argument.to_str()) {
            let setting = argument
                .strip_prefix("--")
                .and_then(|setting| setting.split_once('='));
            match setting {
                Some((key, value)) => secrets.note(key, value),
                None => secrets.note("", argument),
            }
        }
        for (name, value) in command.get_envs() {
            if let (Some(name), Some(value)) =
                (name.to_str(), value.and_then(|value| value.to_str()))
            {
                secrets.note(&name.to_lowercase(), value);
            }
        }
        secrets.and(CANARY)
    }

    /// Takes what is secret in a setting: all of it, or the password of an address.
    fn note(&mut self, key: &str, value: &str) {
        let is_secret = ENDS.iter().any(|end| key.ends_with(end))
            || BEGINNINGS.iter().any(|begin| key.starts_with(begin));
        let whole = is_secret.then_some(value);
        for secret in whole.into_iter().chain(password(value)) {
            if secret.len() >= SHORTEST && !PUBLIC.contains(&secret) {
                self.0.push(Secret::new(secret));
            }
        }
    }

    /// Adds one that no setting holds.
    pub(crate) fn and(mut self, secret: &str) -> Self {
        self.0.push(Secret::new(secret));
        self
    }

    /// The one that stands in a text.
    pub(crate) fn told_in(&self, text: &str) -> Option<&str> {
        let is_told = |secret: &&Secret| secret.forms.iter().any(|form| text.contains(form));
        self.0
            .iter()
            .find(is_told)
            .map(|secret| secret.text.as_str())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

impl Secret {
    fn new(text: &str) -> Self {
        let mut forms = vec![text.to_owned(), list(text)];
        forms.extend((0..3).map(|shift| within_base64(text, shift)));
        Self {
            text: text.to_owned(),
            forms,
        }
    }
}

/// The password of an address.
fn password(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    let (login, _) = rest.split('/').next()?.rsplit_once('@')?;
    login.split_once(':').map(|(_, password)| password)
}

fn list(secret: &str) -> String {
    let bytes: Vec<_> = secret.bytes().map(|byte| byte.to_string()).collect();
    bytes.join(", ")
}

/// What of it stands in base64 for certain, so many bytes behind something else.
fn within_base64(secret: &str, shift: usize) -> String {
    let behind = [vec![b'x'; shift], secret.as_bytes().to_vec()].concat();
    let whole = behind.len() / 3 * 3;
    let text = STANDARD.encode(&behind[..whole]);
    text[shift.div_ceil(3) * 4..].to_owned()
}

#[test]
fn secrets_are_found_in_every_form() {
    let mut command = Command::new("x");
    command.args([
        "--spring.security.user.password=p4ssw0rd",
        "--spring.cloud.config.server.git.uri=https://ana:t0p-s3cret@host/x",
        "--server.port=888888",
    ]);
    command.env("SPRING_CLOUD_CONFIG_PASSWORD", "of-a-variable");
    let secrets = Secrets::plant(&mut command).and("another");
    let login = format!("Basic {}", STANDARD.encode("u:p4ssw0rd"));
    for text in [
        "x p4ssw0rd",
        "t0p-s3cret@",
        CANARY,
        "of-a-variable",
        &login,
        "[112, 52, 115, 115, 119, 48, 114, 100]",
        "another",
    ] {
        assert!(secrets.told_in(text).is_some(), "{text}");
    }
    assert_eq!(secrets.told_in("https://host/x on 888888"), None);
}
