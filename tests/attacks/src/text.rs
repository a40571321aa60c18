//! How bytes are written down that no editor shows, and texts that nobody would type.

use std::fmt::Write as _;

use anyhow::{Context as _, bail};

/// More than any attack needs.
const LONGEST: usize = 64 << 20;

/// Looks up what only a run knows, such as a commit.
pub type Known<'k> = &'k dyn Fn(&str) -> Option<String>;

/// Knows nothing.
#[must_use]
pub fn nothing(_: &str) -> Option<String> {
    None
}

/// What a text stands for: `\xNN`, `\u{NNNN}`, `\n`, `\r`, `\t`, `\s` (a space) and `\\` are escapes, `«text×9»` is a text nine
/// times, in which `{i}` counts from 1 and `{i-1}` from 0, and `«name»` is what the run calls so.
///
/// # Errors
/// For escapes and names that nobody knows.
///
/// ```
/// use confbus_attacks::text::{expand, nothing};
/// assert_eq!(expand(r"a\x00«b{i}×2»", &nothing).unwrap(), b"a\0b1b2");
/// ```
pub fn expand(text: &str, known: Known<'_>) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('«') {
        let (inside, after) = after.split_once('»').context("« without »")?;
        unescape(before, &mut bytes)?;
        bytes.extend(replaced(inside, known)?);
        rest = after;
    }
    unescape(rest, &mut bytes)?;
    Ok(bytes)
}

fn replaced(inside: &str, known: Known<'_>) -> anyhow::Result<Vec<u8>> {
    let Some((text, times)) = inside.rsplit_once('×') else {
        let value = known(inside).with_context(|| format!("nobody knows «{inside}»"))?;
        return Ok(value.into_bytes());
    };
    let times: usize = times.parse().context("«text×number»")?;
    let mut once = Vec::new();
    if !text.contains("{i") {
        unescape(text, &mut once)?;
        anyhow::ensure!(once.len().saturating_mul(times) <= LONGEST, "too long");
        return Ok(once.repeat(times));
    }
    let mut all = Vec::new();
    for number in 1..=times {
        let text = text
            .replace("{i-1}", &(number - 1).to_string())
            .replace("{i}", &number.to_string());
        unescape(&text, &mut all)?;
        anyhow::ensure!(all.len() <= LONGEST, "too long");
    }
    Ok(all)
}

fn unescape(text: &str, bytes: &mut Vec<u8>) -> anyhow::Result<()> {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend(before.as_bytes());
        let mut chars = after.chars();
        let mut length = 1;
        match chars.next() {
            Some('n') => bytes.push(b'\n'),
            Some('r') => bytes.push(b'\r'),
            Some('t') => bytes.push(b'\t'),
            Some('s') => bytes.push(b' '),
            Some('\\') => bytes.push(b'\\'),
            Some('x') => {
                let digits = after.get(1..3).context("\\x needs two digits")?;
                bytes.push(u8::from_str_radix(digits, 16)?);
                length = 3;
            }
            Some('u') => {
                let digits = after.get(1..).and_then(|rest| rest.strip_prefix('{'));
                let (digits, _) = digits
                    .and_then(|rest| rest.split_once('}'))
                    .context("\\u{…} is not complete")?;
                let letter = char::from_u32(u32::from_str_radix(digits, 16)?);
                let letter = letter.context("no character has this number")?;
                bytes.extend(letter.to_string().as_bytes());
                length = digits.len() + 3;
            }
            other => bail!("unknown escape: {other:?}"),
        }
        rest = &after[length..];
    }
    bytes.extend(rest.as_bytes());
    Ok(())
}

/// Percent-encodes everything but letters and digits.
#[must_use]
pub fn encoded(bytes: &[u8]) -> Vec<u8> {
    let mut text = String::new();
    for byte in bytes {
        if byte.is_ascii_alphanumeric() {
            text.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            _ = write!(text, "%{byte:02X}");
        }
    }
    text.into_bytes()
}

/// The beginning of some bytes, for people.
#[must_use]
pub fn shown(bytes: &[u8], most: usize) -> String {
    let beginning = &bytes[..bytes.len().min(most)];
    let text = beginning.escape_ascii().to_string();
    if bytes.len() > most {
        format!("{text}… ({} bytes)", bytes.len())
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_expanded() {
        let known = |name: &str| (name == "commit").then(|| "c1".to_owned());
        for (text, expected) in [
            (r"a\x00\n\s\\b", &b"a\0\n \\b"[..]),
            ("«ab×3»!", b"ababab!"),
            ("«k{i}: {i-1},×2»", b"k1: 0,k2: 1,"),
            ("/«commit»/x", b"/c1/x"),
            (r"\u{202e}", "\u{202e}".as_bytes()),
        ] {
            assert_eq!(expand(text, &known).unwrap(), expected, "{text}");
        }
        for text in [r"\q", "«x", "«nobody»", "«a×b»", r"\x4"] {
            assert!(expand(text, &nothing).is_err(), "{text}");
        }
        assert!(expand("«abc×99999999»", &nothing).is_err());
    }

    #[test]
    fn everything_but_letters_is_encoded() {
        assert_eq!(encoded(b"../a%"), b"%2E%2E%2Fa%25");
    }
}
