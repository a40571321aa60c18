//! Which keys are wanted.

use confbus_client::Snapshot;

/// Patterns of keys; none means all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Only(Vec<Pattern>);

#[derive(Debug, Clone)]
struct Pattern {
    typed: String,
    canonical: String,
}

impl Only {
    pub(crate) fn new(patterns: Vec<String>) -> Self {
        let pattern = |typed: String| Pattern {
            canonical: canonical(&typed),
            typed,
        };
        Self(patterns.into_iter().map(pattern).collect())
    }

    pub(crate) fn means_all(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn wants(&self, key: &str) -> bool {
        let key = canonical(key);
        self.0.is_empty() || self.0.iter().any(|pattern| fits(&pattern.canonical, &key))
    }

    /// The patterns, as typed, that no key of a version fits.
    pub(crate) fn useless(&self, snapshot: &Snapshot) -> Vec<&str> {
        let keys: Vec<_> = snapshot.keys().map(canonical).collect();
        let fits_none = |pattern: &&Pattern| !keys.iter().any(|key| fits(&pattern.canonical, key));
        let useless = self.0.iter().filter(fits_none);
        useless.map(|pattern| pattern.typed.as_str()).collect()
    }
}

/// The form in which two spellings of a key are equal, for Spring and its clients: `max-size` is `maxSize` and `MAX_SIZE`.
fn canonical(key: &str) -> String {
    let letters = key.chars().filter(|c| !matches!(c, '-' | '_'));
    letters.flat_map(char::to_lowercase).collect()
}

/// Whether a key is meant, or lies below one that is: `pool` means `pool.max` and `pool[0]`. Both in canonical form.
fn fits(pattern: &str, key: &str) -> bool {
    let below = key.match_indices(['.', '[']).map(|(end, _)| &key[..end]);
    below.chain([key]).any(|key| glob(pattern, key))
}

/// `*` stands for any text. Each star is tried where it first fits, so the time is bounded by the product of the lengths.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_means_what_lies_below_it_and_a_star_any_text() {
        for (pattern, key, expected) in [
            ("pool", "pool", true),
            ("pool", "pool.max", true),
            ("pool", "pool[0].host", true),
            ("pool", "pools.max", false),
            ("pool.*", "pool.max", true),
            ("pool.*", "pool", false),
            ("*.max", "a.pool.max", true),
            ("*.max", "a.max.b", true),
            ("a*b*c", "abbc", true),
            ("a*b*c", "acb", false),
            ("aba*aba", "aba", false),
            ("*", "anything", true),
            ("", "anything", false),
        ] {
            assert_eq!(fits(pattern, key), expected, "{pattern} {key}");
        }
        assert!(Only::default().wants("anything"));
    }

    #[test]
    fn every_spelling_is_the_same_key() {
        let wants = |pattern: &str, key: &str| Only::new(vec![pattern.into()]).wants(key);
        assert!(wants("pool.maxSize", "pool.max-size"));
        assert!(wants("pool.max-*", "POOL.MAX_SIZE"));
        assert!(!wants("pool.max-size", "pool.max.size"));
    }
}
