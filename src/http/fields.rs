//! The header fields of a request, whoever has read them.

use http::HeaderMap;

/// Fields of a request: those that hyper has read, or those of a head that was read before hyper sees it.
pub(super) trait Fields {
    /// All of them in their order, names in whichever case.
    fn each(&self) -> impl Iterator<Item = (&str, &[u8])>;

    /// The values of this name that are text.
    fn texts<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.each()
            .filter(move |(given, _)| given.eq_ignore_ascii_case(name))
            .filter_map(|(_, value)| text(value))
    }
}

impl Fields for HeaderMap {
    fn each(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
    }
}

impl Fields for [httparse::Header<'_>] {
    fn each(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.iter().map(|field| (field.name, field.value))
    }
}

/// A value, if it is text: beyond ASCII nobody says what the bytes mean.
pub(super) fn text(value: &[u8]) -> Option<&str> {
    let is_shown = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~');
    let is_text = value.iter().all(is_shown);
    is_text.then(|| str::from_utf8(value).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_the_same_whoever_has_read_them() {
        let field = |name, value| httparse::Header { name, value };
        let read = [
            field("Accept", &b"a/b"[..]),
            field("ACCEPT", b"c/d"),
            field("accept", b"\xff"),
            field("Host", b"x"),
        ];
        let map: HeaderMap = read
            .iter()
            .map(|field| {
                let name: http::HeaderName = field.name.parse().unwrap();
                (name, http::HeaderValue::from_bytes(field.value).unwrap())
            })
            .collect();
        let texts = |fields: Vec<&str>| fields.join(" ");
        assert_eq!(texts(read.texts("accept").collect()), "a/b c/d");
        assert_eq!(texts(map.texts("accept").collect()), "a/b c/d");
    }
}
