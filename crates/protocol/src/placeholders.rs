use std::borrow::Cow;

/// How much text all values together may add; a chain of doublings reaches it before it hurts.
const GROWTH_LIMIT: usize = 1 << 20;

/// How deeply placeholders may stand in each other and values may refer to values.
const DEPTH_LIMIT: usize = 64;

/// Stands for `${` while escaped placeholders are hidden.
const MASK: &str = "$_{";

/// Why placeholders could not be replaced.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlaceholderError {
    /// A placeholder leads back to itself.
    #[error("the placeholder `{key}` leads back to itself")]
    Circular {
        /// The key that was met again.
        key: String,
    },
    /// The values add too much text, or refer to each other too deeply.
    #[error("placeholders add more than {limit} bytes, or stand in each other too deeply")]
    TooLarge {
        /// The most that values may add, in bytes.
        limit: usize,
    },
}

/// The keys that placeholders of a text name by themselves. A key that placeholders within it put together holds values, which
/// may be secret; of such a one only the begin that is written is given.
///
/// ```
/// # use confbus_protocol::placeholder_keys;
/// let keys: Vec<_> = placeholder_keys("${host}:${port:80} ${at.${region}}").collect();
/// assert_eq!(keys, ["host", "port", "at.", "region"]);
/// ```
pub fn placeholder_keys(text: &str) -> impl Iterator<Item = &str> {
    let placeholders = text.split("${").skip(1);
    placeholders.filter_map(|rest| rest.split(['}', ':', '$']).next())
}

/// Replaces `${key}` and `${key:default}` in a text by what `lookup` knows; values are resolved in turn.
///
/// The whole of `key:default` is tried as a key first. Keys and defaults may hold placeholders.
/// What nobody knows stays as it is written; `\${key}` becomes `${key}`. Keys are not trimmed.
///
/// ```
/// # use confbus_protocol::resolve_placeholders;
/// let lookup = |key: &str| (key == "host").then(|| "example.org".into());
/// let text = r"http://${host}:${port:80}/${path} \${host}";
/// assert_eq!(resolve_placeholders(text, &lookup)?, "http://example.org:80/${path} ${host}");
/// # Ok::<(), confbus_protocol::PlaceholderError>(())
/// ```
///
/// # Errors
/// [`PlaceholderError`] when a value refers to itself, or the values add too much.
///
/// Source: `EnvironmentPropertySource` of Spring Cloud Config Server, `PlaceholderParser` of Spring.
pub fn resolve_placeholders<'a>(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<Cow<'a, str>>,
) -> Result<String, PlaceholderError> {
    if !text.contains("${") && !text.contains(MASK) {
        return Ok(text.to_owned());
    }
    let mut resolver = Resolver {
        lookup,
        visited: Vec::new(),
        depth: 0,
        added: 0,
    };
    Ok(resolver.value(&mask(text))?.replace(MASK, "${"))
}

/// Hides `\${` and `\\${` (the first as JSON writes it).
fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let before = &rest[..at];
        let backslashes = before.len() - before.trim_end_matches('\\').len();
        masked.push_str(&before[..at - backslashes.min(2)]);
        masked.push_str(if backslashes == 0 { "${" } else { MASK });
        rest = &rest[at + 2..];
    }
    masked.push_str(rest);
    masked
}

/// A piece of a text.
enum Part<'t> {
    Text(Cow<'t, str>),
    Placeholder(Span),
}

/// From the first byte to the one after the last.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
}

/// A text in which every `{` knows its `}`.
struct Source<'t> {
    text: &'t str,
    /// Pairs of positions, sorted by the first.
    braces: Vec<(usize, usize)>,
}

impl<'t> Source<'t> {
    fn new(text: &'t str) -> Self {
        let (mut braces, mut open) = (Vec::new(), Vec::new());
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'{' => open.push(at),
                b'}' => braces.extend(open.pop().map(|start| (start, at))),
                _ => {}
            }
        }
        braces.sort_unstable();
        Self { text, braces }
    }

    fn whole(&self) -> Span {
        Span {
            start: 0,
            end: self.text.len(),
        }
    }

    fn text(&self, span: Span) -> &'t str {
        &self.text[span.start..span.end]
    }

    /// Where the placeholder whose `${` is at `start` ends.
    fn closing(&self, start: usize) -> Option<usize> {
        let pair = self
            .braces
            .binary_search_by_key(&(start + 1), |pair| pair.0)
            .ok()?;
        Some(self.braces[pair].1)
    }

    /// Splits into texts and placeholders; a `${` that does not end is text, and so is an escaped one.
    fn parts(&self, span: Span) -> Vec<Part<'t>> {
        let mut parts = Vec::new();
        let mut position = span.start;
        let mut next = self.find(position, span.end);
        while let Some(start) = next {
            let escaped = start > span.start && self.text.as_bytes()[start - 1] == b'\\';
            position = match self.closing(start) {
                Some(_) if escaped => {
                    push_text(&mut parts, &self.text[position..start - 1]);
                    push_text(&mut parts, "${");
                    start + 2
                }
                Some(end) => {
                    push_text(&mut parts, &self.text[position..start]);
                    parts.push(Part::Placeholder(Span {
                        start: start + 2,
                        end,
                    }));
                    end + 1
                }
                None => {
                    push_text(&mut parts, &self.text[position..start + 2]);
                    start + 2
                }
            };
            next = self.find(position, span.end);
        }
        push_text(&mut parts, &self.text[position..span.end]);
        parts
    }

    fn find(&self, from: usize, to: usize) -> Option<usize> {
        self.text[from..to].find("${").map(|at| from + at)
    }
}

fn push_text<'t>(parts: &mut Vec<Part<'t>>, text: &'t str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(last)) => last.to_mut().push_str(text),
        _ => parts.push(Part::Text(text.into())),
    }
}

/// Splits at the first `:` that no `\` escapes; the escapes before it go.
fn split_default(text: &str) -> (Cow<'_, str>, Option<&str>) {
    let mut key = String::new();
    let mut position = 0;
    while let Some(at) = text[position..].find(':').map(|at| position + at) {
        if !text[position..at].ends_with('\\') {
            key.push_str(&text[position..at]);
            return (key.into(), Some(&text[at + 1..]));
        }
        key.push_str(&text[position..at - 1]);
        key.push(':');
        position = at + 1;
    }
    (
        if position == 0 {
            text.into()
        } else {
            (key + &text[position..]).into()
        },
        None,
    )
}

/// Evaluates one text with all that it refers to.
struct Resolver<'l, 'a> {
    lookup: &'l dyn Fn(&str) -> Option<Cow<'a, str>>,
    /// The keys whose values are being resolved.
    visited: Vec<String>,
    depth: usize,
    added: usize,
}

impl Resolver<'_, '_> {
    fn value(&mut self, text: &str) -> Result<String, PlaceholderError> {
        let source = Source::new(text);
        self.all(&source, source.parts(source.whole()))
    }

    fn all(
        &mut self,
        source: &Source<'_>,
        parts: Vec<Part<'_>>,
    ) -> Result<String, PlaceholderError> {
        let mut resolved = String::new();
        for part in parts {
            match part {
                Part::Text(text) => resolved.push_str(&text),
                Part::Placeholder(span) => resolved.push_str(&self.placeholder(source, span)?),
            }
        }
        Ok(resolved)
    }

    fn placeholder(&mut self, source: &Source<'_>, span: Span) -> Result<String, PlaceholderError> {
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            return Err(TOO_LARGE);
        }
        let text = source.text(span);
        let resolved = if text.contains("${") {
            self.nested(source, span)
        } else {
            self.simple(text)
        }?;
        self.depth -= 1;
        Ok(resolved)
    }

    /// A placeholder without others in it: all of it may be the key.
    fn simple(&mut self, text: &str) -> Result<String, PlaceholderError> {
        let (key, default) = split_default(text);
        if key != text
            && let Some(value) = self.lookup(text)?
        {
            return Ok(value);
        }
        Ok(match (self.lookup(&key)?, default) {
            (Some(value), _) => value,
            (None, Some(default)) => default.to_owned(),
            (None, None) => format!("${{{key}}}"),
        })
    }

    fn nested(&mut self, source: &Source<'_>, span: Span) -> Result<String, PlaceholderError> {
        let (key, default) = split_parts(source.parts(span));
        let key = self.all(source, key)?;
        match (self.lookup(&key)?, default) {
            (Some(value), _) => Ok(value),
            (None, Some(default)) => self.all(source, default),
            (None, None) => Ok(format!("${{{key}}}")),
        }
    }

    fn lookup(&mut self, key: &str) -> Result<Option<String>, PlaceholderError> {
        let Some(value) = (self.lookup)(key) else {
            return Ok(None);
        };
        if self.visited.iter().any(|visited| visited == key) {
            return Err(PlaceholderError::Circular {
                key: key.to_owned(),
            });
        }
        // Both lengths count: a long value that resolves to nothing costs as much as one that grows.
        self.added += value.len() + 1;
        self.visited.push(key.to_owned());
        let value = if value.contains("${") {
            self.value(&value)?
        } else {
            value.into_owned()
        };
        self.visited.pop();
        self.added += value.len();
        if self.added > GROWTH_LIMIT {
            Err(TOO_LARGE)
        } else {
            Ok(Some(value))
        }
    }
}

const TOO_LARGE: PlaceholderError = PlaceholderError::TooLarge {
    limit: GROWTH_LIMIT,
};

/// The parts of the key, and those of the default if there is one.
fn split_parts<'t>(parts: Vec<Part<'t>>) -> (Vec<Part<'t>>, Option<Vec<Part<'t>>>) {
    let (mut keys, mut default) = (Vec::new(), None::<Vec<Part<'t>>>);
    for part in parts {
        match (&mut default, part) {
            (Some(default), part) => default.push(part),
            (None, Part::Text(text)) => {
                let (key, rest) = split_default(&text);
                default = rest.map(|rest| vec![Part::Text(rest.to_owned().into())]);
                keys.push(Part::Text(key.into_owned().into()));
            }
            (None, placeholder) => keys.push(placeholder),
        }
    }
    (keys, default)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str, known: &[(&str, &str)]) -> Result<String, PlaceholderError> {
        let lookup = |key: &str| {
            known
                .iter()
                .find(|pair| pair.0 == key)
                .map(|pair| Cow::Borrowed(pair.1))
        };
        resolve_placeholders(text, &lookup)
    }

    #[track_caller]
    fn check(known: &[(&str, &str)], cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            assert_eq!(resolve(text, known).as_deref(), Ok(*expected), "{text}");
        }
    }

    #[test]
    fn keys_and_defaults() {
        let known = [
            ("num", "8080"),
            ("name", "svc"),
            ("me_suffix", "me"),
            ("a:b", "exact"),
            ("my key", "spaced"),
        ];
        check(
            &known,
            &[
                ("http://${name}:${num}/x", "http://svc:8080/x"),
                ("${missing:d}|${missing:}|${missing:a:b}", "d||a:b"),
                ("${missing:${name}}|${missing:${missing2:zz}}", "svc|zz"),
                ("${na${me_suffix}}", "svc"),
                ("${ name }|${my key}", "${ name }|spaced"),
                ("${a:b}", "exact"),
                (
                    "$${name}|${name}}|${${name}}|$name",
                    "$svc|svc}|${svc}|$name",
                ),
                ("${}|${:x}|${:}|${x::}|${x:{}}", "${}|x||:|{}"),
                (r"${x:l\:m}", r"l\:m"),
                (
                    "${a:${b:${c:deep}}}|${a:x${name}y}|${a:b${c}",
                    "deep|xsvcy|${a:b${c}",
                ),
            ],
        );
    }

    #[test]
    fn a_backslash_or_two_protect() {
        check(
            &[("name", "svc"), ("escaped", r"\${c}")],
            &[
                (
                    r"\${name}|\\${name}|\\\\${name}",
                    r"${name}|${name}|\\${name}",
                ),
                (
                    r"\${name:x}|x\${a}y${name}|\${a${name}}",
                    "${name:x}|x${a}ysvc|${asvc}",
                ),
                (r"$\{name}|\$\{name}", r"$\{name}|\$\{name}"),
                ("${escaped}", "${c}"),
            ],
        );
    }

    #[test]
    fn values_are_resolved_in_turn() {
        check(
            &[("a", "${b}"), ("b", "x${c:y}"), ("d", "${nope}")],
            &[("${a}", "xy"), ("${d:z}", "${nope}")],
        );
    }

    #[test]
    fn what_does_not_end_is_text() {
        check(
            &[("c", "}${")],
            &[(
                "a: ${b\nb: ${c:${d}\nc: '}${'\nd: ${e:${f:x}\n",
                "a: ${b\nb: }${${'\nd: ${e:x\n",
            )],
        );
        check(&[], &[(&"${".repeat(100_000), &"${".repeat(100_000))]);
    }

    #[test]
    fn circles_are_refused_even_with_a_default() {
        for known in [
            &[("a", "${b}"), ("b", "${a}")][..],
            &[("a", "${a:own}")],
            &[("a", "${c:${a}}")],
        ] {
            assert_eq!(
                resolve("${a}", known),
                Err(PlaceholderError::Circular { key: "a".into() }),
                "{known:?}"
            );
        }
    }

    #[test]
    fn bombs_are_refused() {
        let keys: Vec<String> = (0..40).map(|index| format!("k{index}")).collect();
        let values: Vec<String> = (1..=40)
            .map(|index| format!("${{k{index}}}${{k{index}}}"))
            .collect();
        let mut known: Vec<(&str, &str)> = keys
            .iter()
            .zip(&values)
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        for last in ["boom", ""] {
            known.push(("k40", last));
            assert_eq!(resolve("${k0}", &known), Err(TOO_LARGE));
            known.pop();
        }
        assert_eq!(
            resolve(&format!("{}{}", "${".repeat(1000), "}".repeat(1000)), &[]),
            Err(TOO_LARGE)
        );
    }
}
