//! Java's XML form of properties: `<properties><entry key="name">value</entry></properties>`.
//!
//! Only what that form needs; entities of a document type are refused, for they could expand without end.

use confbus_protocol::{Position, Properties, PropertyValue};

use super::{Flaw, java_map::sort_as_properties};
use crate::Cause;

pub(super) fn parse(bytes: &[u8]) -> Result<Properties, Flaw> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| Flaw::new(Cause::Xml, None, "expected UTF-8"))?;
    let mut reader = Reader {
        text,
        at: if text.starts_with('\u{feff}') { 3 } else { 0 },
    };
    let mut entries = reader.document()?;
    let mut properties = Properties::new();
    for (key, value) in entries.drain(..) {
        properties.insert(key, PropertyValue::from(value).into());
    }
    let mut sorted: Vec<_> = properties.into_iter().collect();
    sort_as_properties(&mut sorted, |(key, _)| key);
    Ok(sorted.into_iter().collect())
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn document(&mut self) -> Result<Vec<(String, String)>, Flaw> {
        self.skip_misc()?;
        self.skip_doctype()?;
        self.skip_misc()?;
        let mut comments = 0;
        let mut entries = Vec::new();
        if self.open("properties")?.is_leaf {
            return self.end(entries);
        }
        loop {
            self.skip_text()?;
            if self.take("</properties") {
                self.close_tag()?;
                return self.end(entries);
            }
            if self.rest().starts_with("<comment") {
                comments += 1;
                if comments > 1 {
                    return Err(self.flaw("expected one `comment` at most"));
                }
                self.element("comment")?;
                continue;
            }
            let (key, value) = self.element("entry")?;
            entries.push((
                key.ok_or_else(|| self.flaw("expected an `entry` with a `key`"))?,
                value,
            ));
        }
    }

    fn end(&mut self, entries: Vec<(String, String)>) -> Result<Vec<(String, String)>, Flaw> {
        self.skip_misc()?;
        if self.rest().is_empty() {
            Ok(entries)
        } else {
            Err(self.flaw("expected nothing after `properties`"))
        }
    }

    /// An element that holds only text, and its `key`.
    fn element(&mut self, name: &str) -> Result<(Option<String>, String), Flaw> {
        let tag = self.open(name)?;
        if tag.is_leaf {
            return Ok((tag.key, String::new()));
        }
        let mut value = String::new();
        loop {
            let text = self.until("<", "the end of an element")?;
            value.push_str(&self.unescape(&line_ends_alike(text))?);
            if self.take("![CDATA[") {
                value.push_str(&line_ends_alike(self.until("]]>", "`]]>`")?));
            } else if self.take("!--") {
                self.until("-->", "`-->`")?;
            } else if self.take("/") && self.take(name) {
                self.close_tag()?;
                return Ok((tag.key, value));
            } else {
                return Err(self.flaw(format!("expected the end of `{name}`")));
            }
        }
    }

    fn open(&mut self, name: &str) -> Result<Tag, Flaw> {
        if !(self.take("<") && self.take(name)) {
            return Err(self.flaw(format!("expected `<{name}>`")));
        }
        let mut key = None;
        loop {
            self.skip_blanks();
            if self.take("/>") {
                return Ok(Tag { key, is_leaf: true });
            }
            if self.take(">") {
                return Ok(Tag {
                    key,
                    is_leaf: false,
                });
            }
            let (name, value) = self.attribute()?;
            if name == "key" {
                key = key.or(Some(value));
            }
        }
    }

    fn attribute(&mut self) -> Result<(&'t str, String), Flaw> {
        let name = self
            .until("=", "`=` after the name of an attribute")?
            .trim();
        self.skip_blanks();
        let quote = if self.take("\"") { "\"" } else { "'" };
        if quote == "'" && !self.take("'") {
            return Err(self.flaw("expected a quoted value"));
        }
        let value = self.until(quote, "the closing quote")?;
        if value.contains('<') {
            return Err(self.flaw("expected `&lt;` in a quoted value"));
        }
        let value = line_ends_alike(value).replace(['\n', '\t'], " ");
        Ok((name, self.unescape(&value)?))
    }

    fn close_tag(&mut self) -> Result<(), Flaw> {
        self.skip_blanks();
        if self.take(">") {
            Ok(())
        } else {
            Err(self.flaw("expected `>`"))
        }
    }

    /// White space, comments and processing instructions.
    fn skip_misc(&mut self) -> Result<(), Flaw> {
        loop {
            self.skip_blanks();
            if self.take("<!--") {
                self.until("-->", "`-->`")?;
            } else if self.take("<?") {
                self.until("?>", "`?>`")?;
            } else {
                return Ok(());
            }
        }
    }

    /// Text between entries means nothing to Java, and is passed over like white space.
    fn skip_text(&mut self) -> Result<(), Flaw> {
        loop {
            self.skip_misc()?;
            if self.rest().is_empty() || self.rest().starts_with('<') {
                return Ok(());
            }
            let rest = self.rest();
            self.at += rest.find('<').unwrap_or(rest.len());
        }
    }

    fn skip_doctype(&mut self) -> Result<(), Flaw> {
        if !self.take("<!DOCTYPE") {
            return Err(self.flaw("expected a document type").with_hint(DOCTYPE));
        }
        let declaration = self.until(">", "the end of the document type")?;
        if declaration.contains('[') {
            Err(self.flaw("a document type cannot declare anything here"))
        } else {
            Ok(())
        }
    }

    fn unescape(&self, text: &str) -> Result<String, Flaw> {
        let mut unescaped = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('&') {
            let (entity, after) = after
                .split_once(';')
                .ok_or_else(|| self.flaw("expected `;` after an entity"))?;
            unescaped.push_str(before);
            unescaped.push(character(entity).ok_or_else(|| self.flaw("an unknown entity"))?);
            rest = after;
        }
        unescaped.push_str(rest);
        Ok(unescaped)
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    /// What stands before `token`, which is passed over.
    fn until(&mut self, token: &str, expected: &str) -> Result<&'t str, Flaw> {
        let Some((before, _)) = self.rest().split_once(token) else {
            return Err(self.flaw(format!("expected {expected}")));
        };
        self.at += before.len() + token.len();
        Ok(before)
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len()
            - self
                .rest()
                .trim_start_matches([' ', '\t', '\r', '\n'])
                .len();
    }

    fn flaw(&self, problem: impl Into<String>) -> Flaw {
        let before = &self.text[..self.at];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let position = Position {
            line: count(before.matches('\n').count() + 1),
            column: count(before[line_start..].chars().count() + 1),
        };
        Flaw::new(Cause::Xml, Some(position), problem)
    }
}

/// Java refuses a file without it.
const DOCTYPE: &str =
    "begin with <!DOCTYPE properties SYSTEM \"http://java.sun.com/dtd/properties.dtd\">";

/// As every reader of XML makes them.
fn line_ends_alike(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

struct Tag {
    key: Option<String>,
    is_leaf: bool,
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}
