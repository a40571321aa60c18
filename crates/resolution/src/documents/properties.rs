//! `.properties` files with several documents, as Spring Boot's `OriginTrackedPropertiesLoader` reads them.
//!
//! The reader keeps that loader's way of counting columns, for clients see it: an escape counts as one column, and a
//! value that is empty at the end of a line stands at column 0 of the next, at the end of the file on a line that is not there.

use confbus_protocol::{Position, Properties, Property, PropertyValue};

use super::{Flaw, KEY_LIMIT, KEY_TEXT_LIMIT};
use crate::Cause;

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Properties>, Flaw> {
    let mut loader = Loader {
        reader: Reader::new(bytes),
        documents: Vec::new(),
        document: Properties::new(),
        keys: 0,
        key_text: 0,
    };
    while loader.reader.read()? {
        match loader.reader.character {
            Some(sign @ (b'#' | b'!')) => loader.comment(sign)?,
            _ => loader.key_and_value()?,
        }
    }
    let Loader {
        mut documents,
        document,
        ..
    } = loader;
    documents.extend(Some(document).filter(|document| !document.is_empty()));
    Ok(documents)
}

struct Loader<'b> {
    reader: Reader<'b>,
    documents: Vec<Properties>,
    document: Properties,
    keys: usize,
    key_text: usize,
}

impl Loader<'_> {
    /// A comment, or the end of a document; a comment right after such an end takes it back.
    fn comment(&mut self, sign: u8) -> Result<(), Flaw> {
        if self.reader.at_separator(sign)? {
            let ended = std::mem::take(&mut self.document);
            self.documents
                .extend(Some(ended).filter(|document| !document.is_empty()));
            return Ok(());
        }
        if self.document.is_empty() {
            self.document = self.documents.pop().unwrap_or_default();
        }
        self.reader.last_comment = Some(sign);
        self.reader.skip_line();
        Ok(())
    }

    fn key_and_value(&mut self) -> Result<(), Flaw> {
        self.reader.last_comment = None;
        let key = self.reader.key()?;
        let key = key.trim_matches(|c| c <= ' ');
        let Some(list) = key.strip_suffix("[]") else {
            let value = self.reader.value(false)?;
            return self.put(key.to_owned(), value);
        };
        for index in 0.. {
            let value = self.reader.value(true)?;
            self.put(format!("{list}[{index}]"), value)?;
            if !self.reader.at_line_end() {
                self.reader.read()?;
            }
            if self.reader.at_line_end() {
                break;
            }
        }
        Ok(())
    }

    fn put(&mut self, key: String, value: Property) -> Result<(), Flaw> {
        self.keys += 1;
        if self.keys > KEY_LIMIT {
            return Err(Flaw::new(
                Cause::Limit,
                value.origin,
                format!("the file holds more than {KEY_LIMIT} keys"),
            ));
        }
        self.key_text += key.len();
        if self.key_text > KEY_TEXT_LIMIT {
            return Err(Flaw::new(
                Cause::Limit,
                value.origin,
                format!("the keys of the file take more than {KEY_TEXT_LIMIT} bytes"),
            ));
        }
        if !key.is_empty() {
            self.document.insert(key, value);
        }
        Ok(())
    }
}

/// One character at a time, in ISO-8859-1, with line ends made alike.
struct Reader<'b> {
    bytes: std::iter::Peekable<std::slice::Iter<'b, u8>>,
    /// Counted from 0, as is `column`, which is -1 after a line end.
    line: u32,
    column: i64,
    /// Whether anything was read since the last line end.
    in_line: bool,
    /// What was read last; `None` at the end. Above a byte only after `\u`.
    unit: Option<u16>,
    character: Option<u8>,
    escaped: bool,
    last_comment: Option<u8>,
}

impl<'b> Reader<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        Self {
            bytes: bytes.iter().peekable(),
            line: 0,
            column: -1,
            in_line: false,
            unit: None,
            character: None,
            escaped: false,
            last_comment: None,
        }
    }

    /// Reads one character with its escapes; false at the end.
    fn read(&mut self) -> Result<bool, Flaw> {
        self.escaped = false;
        loop {
            self.advance();
            if self.column == 0 {
                self.skip_blanks();
            }
            match self.character {
                Some(b'\\') => {
                    self.escaped = true;
                    if self.read_escaped()? {
                        break;
                    }
                    self.escaped = false;
                    self.column = -1;
                }
                Some(b'\n') => {
                    self.column = -1;
                    break;
                }
                _ => break,
            }
        }
        Ok(self.unit.is_some())
    }

    fn advance(&mut self) {
        self.next_raw();
        self.column += 1;
    }

    fn next_raw(&mut self) {
        let byte = match self.bytes.next() {
            Some(b'\r') => {
                self.bytes.next_if(|next| **next == b'\n');
                Some(b'\n')
            }
            byte => byte.copied(),
        };
        // Java's reader counts a last line without an end when it meets the end of the file.
        let ends_line = match byte {
            Some(byte) => byte == b'\n',
            None => self.in_line,
        };
        self.in_line = byte.is_some() && !ends_line;
        self.line += u32::from(ends_line);
        self.set(byte.map(u16::from));
    }

    fn set(&mut self, unit: Option<u16>) {
        self.unit = unit;
        self.character = unit.and_then(|unit| u8::try_from(unit).ok());
    }

    /// What follows a backslash; false when that was a line end, and the line goes on.
    fn read_escaped(&mut self) -> Result<bool, Flaw> {
        self.next_raw();
        match self.character {
            Some(b'\n') => return Ok(false),
            Some(b't') => self.set(Some(u16::from(b'\t'))),
            Some(b'r') => self.set(Some(u16::from(b'\r'))),
            Some(b'n') => self.set(Some(u16::from(b'\n'))),
            Some(b'f') => self.set(Some(0x0c)),
            Some(b'u') => self.read_unicode()?,
            _ => {}
        }
        Ok(true)
    }

    fn read_unicode(&mut self) -> Result<(), Flaw> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self
                .bytes
                .next()
                .and_then(|byte| char::from(*byte).to_digit(16))
                .and_then(|digit| u16::try_from(digit).ok());
            let malformed = || {
                Flaw::new(
                    Cause::Escape,
                    Some(self.position()),
                    "expected four hex digits after `\\u`",
                )
            };
            unit = unit << 4 | digit.ok_or_else(malformed)?;
        }
        self.set(Some(unit));
        Ok(())
    }

    fn skip_blanks(&mut self) {
        while self.at_blank() {
            self.advance();
        }
    }

    fn skip_line(&mut self) {
        while !matches!(self.character, Some(b'\n')) && self.unit.is_some() {
            self.next_raw();
        }
        self.column = -1;
    }

    fn at_blank(&self) -> bool {
        !self.escaped && matches!(self.character, Some(b' ' | b'\t' | 0x0c))
    }

    fn at_line_end(&self) -> bool {
        self.unit.is_none() || self.at(b'\n')
    }

    /// Whether this very sign was read, not an escape of it.
    fn at(&self, sign: u8) -> bool {
        !self.escaped && self.character == Some(sign)
    }

    fn position(&self) -> Position {
        Position {
            line: self.line + 1,
            column: u32::try_from(self.column + 1).unwrap_or(u32::MAX),
        }
    }

    /// After a comment sign: whether `---` and nothing else follows, and the line before was no comment of the same sign.
    fn at_separator(&mut self, sign: u8) -> Result<bool, Flaw> {
        if self.last_comment == Some(sign) {
            return Ok(false);
        }
        let at_start = self.column == 0;
        let mut dashes = 0;
        while at_start && dashes < 3 {
            self.read()?;
            if self.character != Some(b'-') {
                break;
            }
            dashes += 1;
        }
        if !self.at_line_end() {
            self.read()?;
            self.skip_blanks();
        }
        Ok(dashes == 3 && self.at_line_end())
    }

    /// Up to an unescaped `=` or `:`, or to what follows white space.
    fn key(&mut self) -> Result<String, Flaw> {
        let mut units = Vec::new();
        let mut blank = false;
        while !self.at_line_end() {
            if self.at(b'=') || self.at(b':') {
                self.read()?;
                break;
            }
            if blank && !self.at_blank() {
                break;
            }
            blank = self.at_blank();
            units.extend(self.unit);
            self.read()?;
        }
        Ok(String::from_utf16_lossy(&units))
    }

    /// Up to the end of the line, or to an unescaped `,` in a list.
    fn value(&mut self, in_list: bool) -> Result<Property, Flaw> {
        while self.at_blank() {
            self.read()?;
        }
        let origin = Some(self.position());
        let mut units = Vec::new();
        while !(self.at_line_end() || in_list && self.at(b',')) {
            units.extend(self.unit);
            self.read()?;
        }
        Ok(Property {
            value: PropertyValue::from(String::from_utf16_lossy(&units)),
            origin,
        })
    }
}
