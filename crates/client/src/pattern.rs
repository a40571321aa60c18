use crate::bind::canonical;

/// Which keys are meant: `pool.max` with the elements of a list, `feature.*` with everything below, `*`.
#[derive(Debug, Clone)]
pub(crate) struct KeyPattern {
    text: String,
    /// What stands before, between and after the stars.
    parts: Vec<String>,
}

impl KeyPattern {
    pub(crate) fn new(pattern: &str) -> Self {
        Self {
            text: pattern.to_owned(),
            parts: pattern.split('*').map(canonical).collect(),
        }
    }

    /// As the application wrote it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a key is meant, in any spelling.
    pub(crate) fn matches(&self, key: &str) -> bool {
        let key = canonical(key);
        let Some((first, others)) = self.parts.split_first() else {
            return false;
        };
        let Some(mut rest) = key.strip_prefix(first.as_str()) else {
            return false;
        };
        let Some((last, between)) = others.split_last() else {
            return rest.is_empty() || rest.starts_with('[');
        };
        for part in between {
            let Some(at) = rest.find(part.as_str()) else {
                return false;
            };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_keys_in_every_spelling() {
        for (pattern, meant, not_meant) in [
            ("pool.max-size", "pool.maxSize", "pool.max-size-now"),
            ("hosts", "hosts[0]", "hosts.first"),
            ("feature.*", "feature.a.b", "features.a"),
            ("*", "anything", ""),
            ("*.url", "db.main.URL", "db.url.x"),
            ("db.*.user", "db.a.b.user", "db.user"),
        ] {
            assert!(KeyPattern::new(pattern).matches(meant), "{pattern}");
            let other = KeyPattern::new(pattern).matches(not_meant);
            assert!(!other || not_meant.is_empty(), "{pattern}");
        }
    }
}
