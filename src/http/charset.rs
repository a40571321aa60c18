//! From the bytes of a file to text, by the charset that a caller names.

/// The name is none, such as a list or one with a weight.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IllegalCharset;

/// Reads bytes in the named charset; without a name, and for one that is not known, as UTF-8. Bytes that mean nothing
/// become U+FFFD.
pub(super) fn decode(bytes: &[u8], charset: Option<&str>) -> Result<String, IllegalCharset> {
    let Some(name) = charset else {
        return Ok(utf8(bytes));
    };
    if !is_legal(name) {
        return Err(IllegalCharset);
    }
    Ok(match name.to_ascii_lowercase().as_str() {
        "iso-8859-1" | "iso8859_1" | "iso8859-1" | "iso_8859-1" | "latin1" | "l1" | "8859_1" => {
            bytes.iter().copied().map(char::from).collect()
        }
        "us-ascii" | "ascii" | "iso646-us" => bytes
            .iter()
            .map(|byte| {
                if byte.is_ascii() {
                    char::from(*byte)
                } else {
                    char::REPLACEMENT_CHARACTER
                }
            })
            .collect(),
        "utf-16" | "utf16" => match bytes {
            [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
            _ => utf16(bytes, u16::from_be_bytes),
        },
        "utf-16le" => utf16(bytes, u16::from_le_bytes),
        "utf-16be" => utf16(bytes, u16::from_be_bytes),
        _ => utf8(bytes),
    })
}

/// Whether [`decode`] reads this charset as what it is.
pub(super) fn is_known(name: &str) -> bool {
    const NAMES: [&str; 17] = [
        "utf-8",
        "utf8",
        "iso-8859-1",
        "iso8859_1",
        "iso8859-1",
        "iso_8859-1",
        "latin1",
        "l1",
        "8859_1",
        "us-ascii",
        "ascii",
        "iso646-us",
        "utf-16",
        "utf16",
        "utf-16le",
        "utf-16be",
        "unicode-1-1-utf-8",
    ];
    NAMES.contains(&name.to_ascii_lowercase().as_str())
}

fn utf8(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes
        .chunks(2)
        .map(|pair| unit([pair[0], pair.get(1).copied().unwrap_or_default()]));
    char::decode_utf16(units)
        .map(|decoded| decoded.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// Java's rule for names of charsets.
fn is_legal(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-+.:_".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets_are_known_or_utf8() {
        for (bytes, charset, expected) in [
            (&b"caf\xe9"[..], None, "caf\u{fffd}"),
            (b"caf\xe9", Some("ISO-8859-1"), "café"),
            ("é".as_bytes(), Some("iso-8859-1"), "Ã©"),
            ("é".as_bytes(), Some("nonsense"), "é"),
            (b"a\xe9", Some("US-ASCII"), "a\u{fffd}"),
            (b"\xff\xfea\0", Some("UTF-16"), "a"),
            (b"\0a", Some("utf-16be"), "a"),
        ] {
            assert_eq!(
                decode(bytes, charset).as_deref(),
                Ok(expected),
                "{charset:?}"
            );
        }
        for name in ["utf-8;q=0.7", "utf-8, iso-8859-1", "", " utf-8", "-x"] {
            assert_eq!(decode(b"", Some(name)), Err(IllegalCharset), "{name}");
        }
    }
}
