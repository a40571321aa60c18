//! Bytes as hexadecimal text.

use std::fmt::Write as _;

/// Two lower-case digits per byte.
pub(crate) fn encoded(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            _ = write!(text, "{byte:02x}");
            text
        })
}

/// The bytes of a text of hexadecimal digits in either case; `None` when it is none.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let [high, low] = *pair else { return None };
            u8::try_from(digit(high)? << 4 | digit(low)?).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive() {
        assert_eq!(encoded(&[0, 0xde, 0xff]), "00deff");
        assert_eq!(decoded("00DeFf"), Some(vec![0, 0xde, 0xff]));
        assert_eq!(decoded(""), Some(Vec::new()));
        for text in ["0", "0g", "é", " 0", "+1"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
