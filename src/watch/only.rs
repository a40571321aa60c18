//! Which keys are wanted.

/// Patterns of keys; none means all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Only(Vec<String>);

impl Only {
    pub(crate) fn new(patterns: Vec<String>) -> Self {
        Self(patterns)
    }

    pub(crate) fn wants(&self, key: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| fits(pattern, key))
    }
}

/// Whether a key is meant, or lies below one that is: `pool` means `pool.max` and `pool[0]`.
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
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("aba*aba", "aba", false),
            ("*", "anything", true),
            ("", "anything", false),
        ] {
            assert_eq!(fits(pattern, key), expected, "{pattern} {key}");
        }
        assert!(Only::default().wants("anything"));
    }
}
