/// A text in which `*` stands for any characters, be there none; everything else stands for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Box<str>);

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is everything.
    pub(crate) fn is_all(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte == b'*')
    }

    /// The one text that it stands for.
    pub(crate) fn literal(&self) -> Option<&str> {
        (!self.0.contains('*')).then_some(&*self.0)
    }

    /// Walks with one point of return, so that time is bounded by the product of both lengths.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let (pattern, text) = (self.0.as_bytes(), text.as_bytes());
        let (mut at, mut seen, mut back) = (0, 0, None);
        while seen < text.len() {
            match (pattern.get(at), back) {
                (Some(b'*'), _) => {
                    at += 1;
                    back = Some((at, seen));
                }
                (Some(byte), _) if *byte == text[seen] => (at, seen) = (at + 1, seen + 1),
                (_, Some((after, from))) => {
                    back = Some((after, from + 1));
                    (at, seen) = (after, from + 1);
                }
                (_, None) => return false,
            }
        }
        pattern[at..].iter().all(|byte| *byte == b'*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_characters() {
        for (pattern, text, expected) in [
            ("orders", "orders", true),
            ("orders", "Orders", false),
            ("orders", "orders ", false),
            ("orders", "", false),
            ("orders-*", "orders-eu", true),
            ("orders-*", "orders-", true),
            ("orders-*", "orders", false),
            ("*-eu", "orders-eu-eu", true),
            ("*-eu", "orders-eu-us", false),
            ("a*b*c", "a/b/b/c", true),
            ("a*b*c", "acb", false),
            ("*", "", true),
            ("**", "x", true),
            ("", "", true),
            ("", "x", false),
            ("ä*", "äö", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(text),
                expected,
                "{pattern} {text}"
            );
        }
        assert!(Pattern::new("*").is_all() && !Pattern::new("").is_all());
        assert_eq!(Pattern::new("a*").literal(), None);
    }

    #[test]
    fn a_hard_pattern_takes_no_longer_than_its_size() {
        let pattern = Pattern::new(&"*a".repeat(500));
        assert!(
            !pattern.matches(&"a".repeat(20_000).replace("aa", "ab")[..9_000].replace('a', "b"))
        );
    }
}
