//! Texts that nobody may ever be told.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The user whose password is a canary.
pub const USER: &str = "operator";
/// What stands in the system's list of users.
const USERS: &str = "root:x:0:0";

/// A secret of each kind, each told apart by its name, none of which anybody has used before.
#[derive(Debug, Clone)]
pub struct Canaries {
    mark: String,
    forms: Vec<(String, Vec<u8>)>,
}

/// The kinds of secrets that a server is given or could reach.
pub const KINDS: [&str; 12] = [
    "file", "variable", "commit", "remote", "webhook", "encrypt", "password", "broker", "vault",
    "status", "keystore", "link",
];

impl Default for Canaries {
    fn default() -> Self {
        Self::new(&format!("canary{:016x}", fastrand::u64(..)))
    }
}

impl Canaries {
    /// With this at the beginning of each.
    #[must_use]
    pub fn new(mark: &str) -> Self {
        let mut forms = vec![
            ("the mark of all".to_owned(), mark.as_bytes().to_vec()),
            ("the list of users".to_owned(), USERS.as_bytes().to_vec()),
        ];
        for kind in KINDS {
            let secret = format!("{mark}-{kind}");
            // As HTTP carries it, and as debuggers show bytes.
            let login = STANDARD.encode(format!("{USER}:{secret}"));
            forms.push((format!("{kind}, as a login"), login.into_bytes()));
            let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            forms.push((format!("{kind}, in hex"), hex.into_bytes()));
            let list: Vec<_> = secret.bytes().map(|byte| byte.to_string()).collect();
            forms.push((format!("{kind}, as a list"), list.join(", ").into_bytes()));
        }
        Self {
            mark: mark.to_owned(),
            forms,
        }
    }

    /// The secret of this kind.
    #[must_use]
    pub fn of(&self, kind: &str) -> String {
        debug_assert!(KINDS.contains(&kind), "{kind}");
        format!("{}-{kind}", self.mark)
    }

    /// Which one stands in these bytes, in any form.
    #[must_use]
    pub fn found(&self, bytes: &[u8]) -> Option<String> {
        let form = |(_, form): &&(String, Vec<u8>)| holds(bytes, form);
        let (name, form) = self.forms.iter().find(form)?;
        let at = place(bytes, form)?;
        let around = &bytes[at.saturating_sub(60)..(at + form.len() + 40).min(bytes.len())];
        Some(format!("{name}: {}", around.escape_ascii()))
    }
}

/// Whether some bytes hold others.
#[must_use]
pub fn holds(bytes: &[u8], what: &[u8]) -> bool {
    place(bytes, what).is_some()
}

fn place(bytes: &[u8], what: &[u8]) -> Option<usize> {
    let (first, rest) = what.split_first()?;
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| byte == first) {
        let at = from + at;
        if bytes[at + 1..].starts_with(rest) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canaries_are_found_in_every_form() {
        let canaries = Canaries::default();
        let secret = canaries.of("remote");
        let login = STANDARD.encode(format!("{USER}:{secret}"));
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        for text in [
            format!("fetch of http://x:{secret}@host"),
            format!("authorization: Basic {login}"),
            format!("ID {hex}"),
            format!("{:?}", secret.as_bytes()),
            "daemon\nroot:x:0:0:root".to_owned(),
        ] {
            assert!(canaries.found(text.as_bytes()).is_some(), "{text}");
        }
        assert_eq!(canaries.found(b"canary canary0 remote"), None);
    }
}
