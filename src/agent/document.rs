//! A TOML file with the places of what stands in it, and of what is wrong there.

use std::{cell::RefCell, fmt::Display, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use confbus::closest;

use crate::exit::Complaint;

const UNKNOWN: &str = "CB8001";
const UNUSABLE: &str = "CB8002";
const UNREADABLE: &str = "CB8006";

/// One file, and every mistake in it.
pub(super) struct Document<'t> {
    name: String,
    text: &'t str,
    mistakes: RefCell<Vec<(usize, Complaint)>>,
}

/// One table of it.
pub(super) struct Section<'d, 't> {
    document: &'d Document<'t>,
    table: &'d DeTable<'t>,
    place: usize,
}

/// A value, and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said<T> {
    pub(super) value: T,
    pub(super) place: usize,
}

impl<'t> Document<'t> {
    /// `name` is shown.
    pub(super) fn new(name: String, text: &'t str) -> Self {
        Self {
            name,
            text,
            mistakes: RefCell::default(),
        }
    }

    /// The whole as a table; `None` when it is no TOML.
    pub(super) fn parse(&self) -> Option<Spanned<DeTable<'t>>> {
        let error = match DeTable::parse(self.text) {
            Ok(table) => return Some(table),
            Err(error) => error,
        };
        let place = error.span().unwrap_or_default().start;
        self.complain(UNREADABLE, place, format!("no TOML: {}", error.message()));
        None
    }

    /// The section that is the whole.
    pub(super) fn section<'d>(&'d self, table: &'d DeTable<'t>) -> Section<'d, 't> {
        Section {
            document: self,
            table,
            place: 0,
        }
    }

    /// A value that cannot be used.
    pub(super) fn refuse(&self, place: usize, sentence: impl Display) {
        self.complain(UNUSABLE, place, sentence.to_string());
    }

    pub(super) fn has_mistakes(&self) -> bool {
        !self.mistakes.borrow().is_empty()
    }

    /// Every mistake, in the order of the file.
    pub(super) fn mistakes(self) -> Vec<Complaint> {
        let mut mistakes = self.mistakes.into_inner();
        mistakes.sort_by_key(|(place, _)| *place);
        mistakes.into_iter().map(|(_, mistake)| mistake).collect()
    }

    fn complain(&self, code: &'static str, place: usize, sentence: String) {
        let complaint = Complaint {
            code: Some(code),
            place: Some(self.place(place)),
            ..Complaint::new(sentence)
        };
        self.mistakes.borrow_mut().push((place, complaint));
    }

    /// `agent.toml:3:9`, counted as an editor counts.
    fn place(&self, at: usize) -> String {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .map_or(0, |line| line.chars().count())
            + 1;
        format!("{}:{line}:{column}", self.name)
    }
}

impl<'d, 't> Section<'d, 't> {
    /// Names what is none of these keys, with the one that may be meant.
    pub(super) fn knows(&self, keys: &[&str]) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if keys.contains(&name) {
                continue;
            }
            let sentence = format!("`{name}` is none of its settings");
            self.document.complain(UNKNOWN, key.span().start, sentence);
            let help = match closest(name, keys.iter().copied()) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("there are: {}", keys.join(", ")),
            };
            if let Some((_, last)) = self.document.mistakes.borrow_mut().last_mut() {
                last.help.push(help);
            }
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Where it begins.
    pub(super) fn place(&self) -> usize {
        self.place
    }

    pub(super) fn text(&self, key: &str) -> Option<Said<&'d str>> {
        let value = self.table.get(key)?;
        let text = value.get_ref().as_str();
        self.expected(key, "a text in quotes", value.span(), text)
    }

    /// A text that is read further.
    pub(super) fn read<T, E: Display>(
        &self,
        key: &str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Said<T>> {
        let text = self.text(key)?;
        self.usable(key, text, read)
    }

    /// One text or a list of texts, each read further.
    pub(super) fn read_all<T, E: Display>(
        &self,
        key: &str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<Said<T>> {
        let Some(value) = self.table.get(key) else {
            return Vec::new();
        };
        let elements = match value.get_ref() {
            DeValue::Array(elements) => elements.iter().collect(),
            _ => vec![value],
        };
        let said = elements.into_iter().filter_map(|element| {
            let text = element.get_ref().as_str();
            let text = self.expected(key, "texts in quotes", element.span(), text)?;
            self.usable(key, text, &read)
        });
        said.collect()
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        let value = self.table.get(key)?;
        let flag = value.get_ref().as_bool();
        Some(
            self.expected(key, "true or false", value.span(), flag)?
                .value,
        )
    }

    /// A table below this one.
    pub(super) fn below(&self, key: &str) -> Option<Self> {
        let value = self.table.get(key)?;
        let table = value.get_ref().as_table();
        let table = self.expected(key, "a table", value.span(), table)?;
        Some(self.at(table))
    }

    /// Every table of a list, as `[[deliver]]` makes them.
    pub(super) fn each_below(&self, key: &str) -> Vec<Self> {
        let Some(value) = self.table.get(key) else {
            return Vec::new();
        };
        let wanted = format!("tables, each under [[{key}]]");
        let elements = value.get_ref().as_array();
        let Some(elements) = self.expected(key, &wanted, value.span(), elements) else {
            return Vec::new();
        };
        let tables = elements.value.iter().filter_map(|element| {
            let table = element.get_ref().as_table();
            Some(self.at(self.expected(key, &wanted, element.span(), table)?))
        });
        tables.collect()
    }

    fn at(&self, table: Said<&'d DeTable<'t>>) -> Self {
        Self {
            document: self.document,
            table: table.value,
            place: table.place,
        }
    }

    fn expected<T>(
        &self,
        key: &str,
        what: &str,
        at: Range<usize>,
        value: Option<T>,
    ) -> Option<Said<T>> {
        let place = at.start;
        if value.is_none() {
            self.document.refuse(place, format!("{key}: write {what}"));
        }
        value.map(|value| Said { value, place })
    }

    fn usable<T, E: Display>(
        &self,
        key: &str,
        text: Said<&str>,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Said<T>> {
        let Said { value, place } = text;
        match read(value) {
            Ok(value) => Some(Said { value, place }),
            Err(error) => {
                self.document.refuse(place, format!("{key}: {error}"));
                None
            }
        }
    }
}
