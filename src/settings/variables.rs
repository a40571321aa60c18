//! Which setting a variable of the environment says.

use std::{collections::HashMap, sync::LazyLock};

use super::known::{self, KEYS};

/// Keys by what all spellings of them have in common.
static SQUASHED: LazyLock<HashMap<String, &str>> = LazyLock::new(|| {
    let mut keys = HashMap::new();
    for key in KEYS {
        keys.entry(squashed(key)).or_insert(*key);
    }
    keys
});

fn squashed(text: &str) -> String {
    let said = text.bytes().filter(u8::is_ascii_alphanumeric);
    said.map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect()
}

/// Variables that name the settings file, or are for the programs that ask a server.
const OTHERWISE_READ: [&str; 11] = [
    "CONFBUS_CONFIG",
    "CONFBUS_LAST_GOOD_DIR",
    "CONFBUS_LAST_GOOD_KEY_FILE",
    "CONFBUS_LAST_GOOD_SECRETS",
    "CONFBUS_LONGEST_WINDOW",
    "CONFBUS_POLL_INTERVAL",
    "CONFBUS_REPORT",
    "CONFBUS_SERVER",
    "CONFBUS_TOKEN",
    "CONFBUS_TOKEN_FILE",
    "CONFBUS_TRANSPORT",
];

/// The key that a variable sets: dots are underscores there, dashes are gone or underscores, an index is a number.
pub(super) fn key_of_variable(name: &str) -> Option<String> {
    if OTHERWISE_READ.contains(&name) {
        return None;
    }
    let exact = SQUASHED.get(&squashed(name));
    exact
        .map(|key| (*key).to_owned())
        .or_else(|| indexed(name))
        .or_else(|| free_form(name))
        .or_else(|| known::is_ours(&dotted(name)).then(|| dotted(name)))
}

/// `…_SEARCHPATHS_0` is `…search-paths[0]`.
fn indexed(name: &str) -> Option<String> {
    let (list, index) = name.rsplit_once('_')?;
    let index: usize = index.parse().ok()?;
    let list = key_of_variable(list)?;
    Some(format!("{list}[{index}]"))
}

/// Maps with keys of the user's own: what follows the known part is the key, in lower case.
fn free_form(name: &str) -> Option<String> {
    let dotted = dotted(name);
    let prefix = KEYS
        .iter()
        .filter_map(|key| key.strip_suffix('*'))
        .find(|prefix| dotted.starts_with(&**prefix))?;
    (dotted.len() > prefix.len()).then(|| dotted.clone())
}

fn dotted(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_find_their_keys() {
        let cases = [
            (
                "SPRING_CLOUD_CONFIG_SERVER_GIT_URI",
                Some("spring.cloud.config.server.git.uri"),
            ),
            (
                "SPRING_CLOUD_CONFIG_SERVER_GIT_DEFAULTLABEL",
                Some("spring.cloud.config.server.git.default-label"),
            ),
            (
                "SPRING_CLOUD_CONFIG_SERVER_GIT_DEFAULT_LABEL",
                Some("spring.cloud.config.server.git.default-label"),
            ),
            (
                "spring_cloud_config_server_git_default_label",
                Some("spring.cloud.config.server.git.default-label"),
            ),
            (
                "SPRING_CLOUD_CONFIG_SERVER_GIT_SEARCHPATHS_0",
                Some("spring.cloud.config.server.git.search-paths[0]"),
            ),
            (
                "SPRING_CLOUD_CONFIG_SERVER_OVERRIDES_FOO_BAR",
                Some("spring.cloud.config.server.overrides.foo.bar"),
            ),
            ("CONFBUS_GIT_FRESHNESS", Some("confbus.git.freshness")),
            ("CONFBUS_GIT_FRESHNES", Some("confbus.git.freshnes")),
            ("CONFBUS_CONFIG", None),
            ("CONFBUS_SERVER", None),
            ("CONFBUS_SERVER_THREADS", Some("confbus.server.threads")),
            ("PATH", None),
            ("SPRING_JPA_SHOW_SQL", None),
        ];
        for (name, key) in cases {
            assert_eq!(key_of_variable(name).as_deref(), key, "{name}");
        }
    }
}
