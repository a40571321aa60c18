mod source;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use source::{Part, Source, Span, split_default, split_parts};

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

const TOO_LARGE: PlaceholderError = PlaceholderError::TooLarge {
    limit: GROWTH_LIMIT,
};

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
