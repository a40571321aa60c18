use std::fmt;

use crate::BusId;

/// Who acts on a bus event: an Ant-style pattern over the parts of a [`BusId`].
///
/// Nothing means everyone (`**`); up to two parts are widened (`orders` becomes `orders:**`).
/// The sender completes, the receiver only matches.
///
/// Source: `PathDestinationFactory` and the service matcher of Spring Cloud Bus.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination(String);

impl Destination {
    /// Everyone.
    #[must_use]
    pub fn everyone() -> Self {
        Self("**".into())
    }

    /// Completes what a caller gave.
    ///
    /// ```
    /// use confbus_protocol::Destination;
    /// assert_eq!(Destination::complete("orders").as_str(), "orders:**");
    /// assert_eq!(Destination::complete("orders:8081").as_str(), "orders:8081:**");
    /// assert_eq!(Destination::complete("orders:dev:8081").as_str(), "orders:dev:8081");
    /// ```
    #[must_use]
    pub fn complete(given: &str) -> Self {
        let few_parts = given.matches(':').count() <= 1;
        if given != "**" && few_parts && !given.ends_with(":**") {
            Self(format!("{given}:**"))
        } else {
            Self(given.to_owned())
        }
    }

    /// Takes a destination as it stands on the wire.
    #[must_use]
    pub fn from_wire(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The destination as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the member with this id is meant.
    ///
    /// Blank text means everyone. When the second part of the id lists profiles, each of them counts by itself.
    #[must_use]
    pub fn matches(&self, id: &BusId) -> bool {
        self.matches_text(id.as_str())
    }

    pub(crate) fn matches_text(&self, id: &str) -> bool {
        self.0.trim().is_empty() || matches_profiles(&self.0, id)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The whole id first, then the id with its second part replaced by each item of that part's comma list.
pub(crate) fn matches_profiles(pattern: &str, id: &str) -> bool {
    if matches_path(pattern, id) {
        return true;
    }
    let Some((name, rest)) = id.split_once(':') else {
        return false;
    };
    let (profiles, tail) = rest
        .find(':')
        .map_or((rest, ""), |colon| rest.split_at(colon));
    profiles.contains(',')
        && profiles
            .split(',')
            .filter(|profile| !profile.is_empty())
            .any(|profile| matches_path(pattern, &format!("{name}:{profile}{tail}")))
}

/// Spring's `AntPathMatcher` with `:` as separator.
fn matches_path(pattern: &str, id: &str) -> bool {
    if pattern.starts_with(':') != id.starts_with(':') {
        return false;
    }
    let parts = |text: &str| -> Vec<String> {
        text.split(':')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (patterns, parts) = (parts(pattern), parts(id));
    let crosses = patterns.iter().any(|part| part == "**");
    (crosses || pattern.ends_with(':') == id.ends_with(':')) && matches_parts(&patterns, &parts)
}

/// `**` stands for any number of parts. Walks with one point of return, so time is bounded by the product of both lengths.
fn matches_parts(patterns: &[String], parts: &[String]) -> bool {
    let (mut at, mut part, mut back) = (0, 0, None);
    while part < parts.len() {
        match patterns.get(at) {
            Some(pattern) if pattern == "**" => {
                at += 1;
                back = Some((at, part));
            }
            Some(pattern) if matches_part(pattern, &parts[part]) => {
                at += 1;
                part += 1;
            }
            _ => {
                let Some((after, from)) = back else {
                    return false;
                };
                back = Some((after, from + 1));
                (at, part) = (after, from + 1);
            }
        }
    }
    patterns[at..].iter().all(|pattern| pattern == "**")
}

/// One part: `*` and `{name}` are any run of characters, `?` is one.
fn matches_part(pattern: &str, text: &str) -> bool {
    let tokens = tokens(pattern);
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut seen, mut back) = (0, 0, None);
    while seen < text.len() {
        match tokens.get(at) {
            Some(Token::Run) => {
                at += 1;
                back = Some((at, seen));
            }
            Some(Token::One) => (at, seen) = (at + 1, seen + 1),
            Some(Token::Literal(c)) if *c == text[seen] => (at, seen) = (at + 1, seen + 1),
            _ => {
                let Some((after, from)) = back else {
                    return false;
                };
                back = Some((after, from + 1));
                (at, seen) = (after, from + 1);
            }
        }
    }
    tokens[at..].iter().all(|token| matches!(token, Token::Run))
}

enum Token {
    Run,
    One,
    Literal(char),
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let variable = rest
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'));
        if let Some((name, after)) = variable.filter(|(name, _)| !name.is_empty()) {
            debug_assert!(!name.is_empty());
            tokens.push(Token::Run);
            rest = after;
            continue;
        }
        tokens.push(match first {
            '*' => Token::Run,
            '?' => Token::One,
            literal => Token::Literal(literal),
        });
        rest = &rest[first.len_utf8()..];
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(id: &str, given: &str, wire: &str, expected: bool) {
        let destination = Destination::complete(given);
        assert_eq!(destination.as_str(), wire);
        assert_eq!(
            destination.matches(&BusId::new(id).unwrap()),
            expected,
            "{wire} against {id}"
        );
    }

    #[test]
    fn destinations_reach_whom_spring_reaches() {
        let id = "customers:9000:0a1b2c";
        for (given, wire, expected) in [
            ("**", "**", true),
            ("*", "*:**", true),
            ("customers", "customers:**", true),
            ("customers:9000", "customers:9000:**", true),
            ("customers:9000:0a1b2c", "customers:9000:0a1b2c", true),
            ("customers:9001", "customers:9001:**", false),
            ("customers:*:*", "customers:*:*", true),
            ("cust*", "cust*:**", true),
            ("c?stomers", "c?stomers:**", true),
            ("Customers", "Customers:**", false),
            ("*:9000", "*:9000:**", true),
            ("**:0a1b2c", "**:0a1b2c:**", true),
            ("customers:dev:**", "customers:dev:**", false),
            ("customers:", "customers::**", true),
            ("customers::9000", "customers::9000", false),
            ("customers:9000:0a1b2c:**", "customers:9000:0a1b2c:**", true),
            ("customers:9000:0a1b2c:x", "customers:9000:0a1b2c:x", false),
            (":customers", ":customers:**", false),
            ("{x}", "{x}:**", true),
            ("", ":**", false),
        ] {
            check(id, given, wire, expected);
        }
    }

    #[test]
    fn a_profile_part_is_matched_whole_and_item_by_item() {
        check(
            "customers:dev:9000:0a1b2c",
            "customers:9000",
            "customers:9000:**",
            false,
        );
        check(
            "customers:dev:9000:0a1b2c",
            "customers:dev",
            "customers:dev:**",
            true,
        );
        check(
            "customers:dev:9000:0a1b2c",
            "customers:dev:9000",
            "customers:dev:9000",
            false,
        );
        check(
            "customers:dev:9000:0a1b2c",
            "customers:dev:9000:*",
            "customers:dev:9000:*",
            true,
        );
        let id = "customers:dev,cloud:9000:0a1b2c";
        check(id, "customers:dev", "customers:dev:**", true);
        check(id, "customers:cloud", "customers:cloud:**", true);
        check(id, "customers:dev,cloud", "customers:dev,cloud:**", true);
        check(id, "customers:cloud,dev", "customers:cloud,dev:**", false);
        check(id, "customers:cloud:9000", "customers:cloud:9000", false);
        check(id, "customers:cloud:9000:*", "customers:cloud:9000:*", true);
        check(id, "*:cloud", "*:cloud:**", true);
        check(id, "customers:*:9000:*", "customers:*:9000:*", true);
    }

    #[test]
    fn short_ids_match() {
        check("customers:9000", "customers", "customers:**", true);
        check(
            "customers:9000",
            "customers:9000",
            "customers:9000:**",
            true,
        );
        for given in ["customers", "*", "cust*", "**"] {
            assert!(
                Destination::complete(given).matches(&BusId::new("customers").unwrap()),
                "{given}"
            );
        }
    }

    #[test]
    fn what_was_not_completed_reaches_nobody() {
        let id = BusId::new("customers:9000:0a1b2c").unwrap();
        assert!(!Destination::from_wire("customers").matches(&id));
        assert!(!Destination::from_wire("customers:9000").matches(&id));
        assert!(Destination::from_wire("  ").matches(&id));
    }
}
