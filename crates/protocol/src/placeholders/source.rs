//! A text taken apart into what it says itself and the placeholders in it, and those into keys and defaults.

use std::borrow::Cow;

/// A piece of a text.
pub(super) enum Part<'t> {
    Text(Cow<'t, str>),
    Placeholder(Span),
}

/// From the first byte to the one after the last.
#[derive(Clone, Copy)]
pub(super) struct Span {
    start: usize,
    end: usize,
}

/// A text in which every `{` knows its `}`.
pub(super) struct Source<'t> {
    text: &'t str,
    /// Pairs of positions, sorted by the first.
    braces: Vec<(usize, usize)>,
}

impl<'t> Source<'t> {
    pub(super) fn new(text: &'t str) -> Self {
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

    pub(super) fn whole(&self) -> Span {
        Span {
            start: 0,
            end: self.text.len(),
        }
    }

    pub(super) fn text(&self, span: Span) -> &'t str {
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
    pub(super) fn parts(&self, span: Span) -> Vec<Part<'t>> {
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
pub(super) fn split_default(text: &str) -> (Cow<'_, str>, Option<&str>) {
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

/// The parts of the key, and those of the default if there is one.
pub(super) fn split_parts<'t>(parts: Vec<Part<'t>>) -> (Vec<Part<'t>>, Option<Vec<Part<'t>>>) {
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
