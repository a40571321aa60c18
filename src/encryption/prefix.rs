//! What may stand before a text to choose its key: `{key:alias}{secret:text}`, other pairs, and `{plain}` as their end.

use std::{borrow::Cow, fmt};

use indexmap::IndexMap;

/// Ends the prefix, so that a text which itself begins with a brace can be encrypted.
const PLAIN: &str = "{plain}";

/// The pairs before a text, in their order; of a repeated one the last value counts.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Prefix(IndexMap<String, String>);

impl Prefix {
    /// Reads the prefix of a text.
    pub(crate) fn of(text: &str) -> Self {
        // These two say for which application a text is meant, and every application has the same keys.
        let text = cut_out(Cow::Borrowed(text), "{name:");
        let text = cut_out(text, "{profiles:");
        let mut rest = text.split_once(PLAIN).map_or(&*text, |(prefix, _)| prefix);
        let mut pairs = IndexMap::new();
        while let Some((token, after)) = rest.split_once('}') {
            if let Some(pair) = java_trimmed(token).strip_prefix('{') {
                let (key, value) = match pair.split_once(':') {
                    Some(split) if !pair.ends_with(':') => split,
                    _ => (pair, ""),
                };
                pairs.insert(key.to_owned(), value.to_owned());
            }
            rest = after;
        }
        Self(pairs)
    }

    /// The alias that is asked for.
    pub(super) fn key(&self) -> Option<&str> {
        self.0.get("key").map(String::as_str)
    }

    /// The secret of that alias.
    pub(super) fn secret(&self) -> Option<&str> {
        self.0.get("secret").map(String::as_str)
    }
}

/// As it is repeated before an encrypted text.
impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "name" | "profiles"))
            .try_for_each(|(key, value)| write!(f, "{{{key}:{value}}}"))
    }
}

/// The text behind its prefix. Only pairs with a colon are taken away: `{foo}bar` stays as it is.
pub(crate) fn without_prefix(text: &str) -> &str {
    if let Some((_, plain)) = text.split_once(PLAIN) {
        return plain;
    }
    let mut rest = text;
    while let Some(after) = behind_pair(rest) {
        rest = after;
    }
    rest
}

/// What stands behind `{…:…}` on one line.
fn behind_pair(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('{')?;
    behind_on_this_line(behind_on_this_line(inner, ':')?, '}')
}

/// What stands behind the first such character, unless the line ends before it.
fn behind_on_this_line(text: &str, wanted: char) -> Option<&str> {
    let at = text.find(|c| c == wanted || ends_line(c))?;
    text[at..].strip_prefix(wanted)
}

/// Removes what begins with `start` and ends with the last brace of that line, once.
fn cut_out<'t>(text: Cow<'t, str>, start: &str) -> Cow<'t, str> {
    let mut begin = 0;
    // By lines: where no brace follows the first `start`, none follows a later one.
    for line in text.split_inclusive(ends_line) {
        let found = line
            .find(start)
            .and_then(|from| Some((from, from + line[from..].rfind('}')? + 1)));
        if let Some((from, to)) = found {
            return Cow::Owned([&text[..begin + from], &text[begin + to..]].concat());
        }
        begin += line.len();
    }
    text
}

/// What a dot of Java's regular expressions does not match.
fn ends_line(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Without control characters and blanks around it.
fn java_trimmed(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_read_and_repeated_as_spring_does() {
        for (text, prefix, rest) in [
            ("x", "", "x"),
            ("{key:k}x", "{key:k}", "x"),
            ("{secret:s}{key:k}x", "{secret:s}{key:k}", "x"),
            ("{plain}{a:b}", "", "{a:b}"),
            ("{a:b}{plain}{c:d}e", "{a:b}", "{c:d}e"),
            ("q{plain}w", "", "w"),
            ("{foo}bar", "{foo:}", "{foo}bar"),
            ("{foo}a:b}c", "{foo:}", "c"),
            ("{key:a}{foo}a:b}c", "{key:a}{foo:}", "c"),
            ("{a}{b:}{c:d:e}t", "{a:}{b::}{c:d:e}", "t"),
            ("{a:1}{a:2}x", "{a:2}", "x"),
            ("{name:x}y", "", "y"),
            ("{name:x}{z:1}y", "", "y"),
            ("{profiles:q}{z:1}y", "", "y"),
            (
                "{name:x\n{name:y}{z:1}\n{a:b}t",
                "",
                "{name:x\n{name:y}{z:1}\n{a:b}t",
            ),
            (" {a:b}c", "{a:b}", " {a:b}c"),
            ("x{a:b}c", "", "x{a:b}c"),
            ("{a:\nb}c", "{a:\nb}", "{a:\nb}c"),
            ("}", "", "}"),
            ("{}x", "{:}", "{}x"),
            ("{:}x", "{::}", "x"),
            ("{:v}x", "{:v}", "x"),
            ("{a:b}", "{a:b}", ""),
        ] {
            assert_eq!(Prefix::of(text).to_string(), prefix, "{text}");
            assert_eq!(without_prefix(text), rest, "{text}");
        }
    }

    /// A text with a pair per few bytes takes as long per byte as any other.
    #[test]
    fn long_prefixes_take_no_longer_than_their_length() {
        for part in ["{name:", "{a:b}", "{{", "}", "{name:x\n"] {
            let text = part.repeat((1 << 20) / part.len());
            _ = (Prefix::of(&text), without_prefix(&text));
        }
    }

    #[test]
    fn key_and_secret_are_found() {
        let prefix = Prefix::of("{secret:s:t}{key:k}x");
        assert_eq!((prefix.key(), prefix.secret()), (Some("k"), Some("s:t")));
        assert_eq!(Prefix::of("{key}x").key(), Some(""));
        assert_eq!(Prefix::of("{key:}x").key(), None);
    }
}
