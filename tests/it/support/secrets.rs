//! What a program was given and nobody else may be told.

use std::process::Command;

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// In the environment of every program of ours.
pub(crate) const VARIABLE: &str = "CANARY_ENV";
/// Its value, which nothing asks for.
const CANARY: &str = "canary-of-the-environment";

/// Settings that hold secrets.
const KEYS: [&str; 8] = [
    ".password",
    ".webhook-secret",
    ".token",
    ".passphrase",
    ".private-key",
    ".secret",
    "encrypt.key",
    "addresses",
];
/// Shorter ones stand in ordinary words.
const SHORTEST: usize = 6;
/// Passwords that are no secrets.
const PUBLIC: [&str; 1] = ["guest"];

/// The secrets among the arguments of a program.
#[derive(Debug, Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// Puts one more into its environment and remembers them all.
    pub(crate) fn plant(command: &mut Command) -> Self {
        command.env(VARIABLE, CANARY);
        let arguments = command.get_args().filter_map(|argument| argument.to_str());
        let settings =
            arguments.filter_map(|argument| argument.strip_prefix("--")?.split_once('='));
        let found = settings.flat_map(|(key, value)| {
            let whole = KEYS[..KEYS.len() - 1].iter().any(|end| key.ends_with(end));
            let of_address = password(value).map(str::to_owned);
            whole
                .then(|| value.to_owned())
                .into_iter()
                .chain(of_address)
        });
        let secrets = found
            .chain([CANARY.to_owned()])
            .filter(|secret| secret.len() >= SHORTEST && !PUBLIC.contains(&&**secret));
        Self(secrets.collect())
    }

    /// Adds one that no setting holds.
    pub(crate) fn and(mut self, secret: &str) -> Self {
        self.0.push(secret.to_owned());
        self
    }

    /// The one that stands in a text, as it is, as bytes are shown, or in base64 behind a user's name.
    pub(crate) fn told_in(&self, text: &str) -> Option<&str> {
        let told = |secret: &&String| {
            text.contains(&***secret)
                || text.contains(&list(secret))
                || (0..3).any(|shift| text.contains(&within_base64(secret, shift)))
        };
        self.0.iter().find(told).map(String::as_str)
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
    let secrets = Secrets::plant(&mut command).and("another");
    let login = format!("Basic {}", STANDARD.encode("u:p4ssw0rd"));
    for text in [
        "x p4ssw0rd",
        "t0p-s3cret@",
        CANARY,
        &login,
        "[112, 52, 115, 115, 119, 48, 114, 100]",
        "another",
    ] {
        assert!(secrets.told_in(text).is_some(), "{text}");
    }
    assert_eq!(secrets.told_in("https://host/x on 888888"), None);
}
