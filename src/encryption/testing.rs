//! The keys of `tests/keys`.

pub(super) const PEM: &str = include_str!("../../tests/keys/rsa.pem");
pub(super) const PEM_PKCS8: &str = include_str!("../../tests/keys/rsa-pkcs8.pem");
pub(super) const JKS: &[u8] = include_bytes!("../../tests/keys/server.jks");
pub(super) const PKCS12: &[u8] = include_bytes!("../../tests/keys/server.p12");
pub(super) const LEGACY: &[u8] = include_bytes!("../../tests/keys/legacy.p12");

/// What the recorded texts mean.
pub(super) const PLAIN: &str = "recorded ☂";

/// What Spring wrote with one of the keys.
#[track_caller]
pub(super) fn recorded(name: &str) -> &'static str {
    include_str!("../../tests/keys/recorded.txt")
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .unwrap()
}
