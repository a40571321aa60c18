//! What all registries are told in the same way.

use std::net::IpAddr;

use indexmap::IndexMap;
use secrecy::SecretString;

use super::super::{
    SERVER,
    http::{CONTEXT_PATH, base_path},
};
use crate::settings::reader::Reader;

/// By which name Spring's clients look a config server up unless they are told another one.
pub(super) const USUAL_NAME: &str = "configserver";
/// More metadata is a mistake.
const MOST_METADATA: usize = 64;
/// Longer names and values are no use to anybody, in characters.
const LONGEST: usize = 1000;

/// Whether nobody says no to this registry, or to registries at all.
pub(super) fn is_on(reader: &mut Reader, keys: &[&str]) -> bool {
    let of_all = [
        "spring.cloud.discovery.enabled",
        "spring.cloud.service-registry.auto-registration.enabled",
    ];
    // All are read: each may be spelled wrong.
    let mut keys = keys.iter().chain(&of_all);
    let said: Vec<_> = keys.by_ref().map(|key| reader.flag(key, true)).collect();
    said.iter().all(|is_on| *is_on)
}

/// What the application is called, for clients that look it up.
pub(super) fn service(reader: &Reader) -> String {
    let name = reader.text("spring.application.name");
    name.unwrap_or_else(|| USUAL_NAME.to_owned())
}

/// What clients read of an instance. Where our routes have a prefix, they are told it unless somebody tells them more.
pub(super) fn metadata(reader: &mut Reader, key: &str) -> Option<IndexMap<String, SecretString>> {
    let said = reader.below(&format!("{key}."));
    if said.len() > MOST_METADATA {
        let text = format!("`{key}` has more than {MOST_METADATA} entries");
        reader.refuse(key, text, None);
        return None;
    }
    let mut odd = said
        .iter()
        .filter(|(name, value)| !is_line(name) || !is_line(value));
    if let Some((name, _)) = odd.next() {
        let key = format!("{key}.{name}");
        reader.refuse(&key, no_line(&key), None);
        return None;
    }
    let context = base_path(reader, CONTEXT_PATH);
    let prefix = base_path(reader, &format!("{SERVER}.prefix"));
    let path = format!("{}{}", context.as_str(), prefix.as_str());
    let own = (!path.is_empty()).then(|| ("configPath".to_owned(), path));
    let all = own.into_iter().chain(said);
    Some(all.map(|(name, value)| (name, value.into())).collect())
}

/// The outer `None` when it is none.
#[expect(
    clippy::option_option,
    reason = "outer: can it be used; inner: was it said"
)]
pub(super) fn address(reader: &mut Reader, key: &str) -> Option<Option<IpAddr>> {
    let Some(text) = reader.text(key) else {
        return Some(None);
    };
    let address = text.parse().ok();
    if address.is_none() {
        reader.refuse(key, format!("`{key}` is not an IP address"), None);
    }
    address.map(Some)
}

/// A name of one line.
pub(super) fn name(reader: &mut Reader, key: &str) -> Option<String> {
    let text = reader.text(key)?;
    if !is_line(&text) {
        reader.refuse(key, no_line(key), None);
        return None;
    }
    Some(text)
}

/// Where something stands in front that clients reach.
pub(super) fn port(reader: &mut Reader, key: &str) -> Option<u16> {
    reader.has(key).then(|| reader.number(key, 0))
}

fn is_line(text: &str) -> bool {
    text.chars().count() <= LONGEST && !text.contains(char::is_control)
}

fn no_line(key: &str) -> String {
    format!("`{key}` is not one line of at most {LONGEST} characters")
}
