//! A text that was sent as a form, although a text was meant: `curl -d` adds an `=` and encodes the rest.

use super::text::{Received, url_decoded_bytes};

/// What the text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Cipher,
}

/// A `%` without two digits behind it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The text that was meant. Whatever ends in `=` and did not come as plain `text/plain` counts as a form.
pub(super) fn unwrapped(received: &Received, kind: Kind) -> Result<String, Malformed> {
    let text = received.text.as_str();
    if received.is_verbatim || !text.ends_with('=') {
        return Ok(text.to_owned());
    }
    let decoded = url_decoded_bytes(text).ok_or(Malformed)?;
    let decoded = String::from_utf8_lossy(&decoded);
    Ok(match kind {
        Kind::Plain => without_last(&decoded).to_owned(),
        Kind::Cipher => cipher(decoded.replace(' ', "+")),
    })
}

/// The `=` at the end may be base64's own.
fn cipher(text: String) -> String {
    let candidate = without_last(&text);
    let is_cipher = text.ends_with('=')
        && text.encode_utf16().count() % 2 == 1
        && (crate::hex::decoded(candidate).is_some() || is_base64(candidate));
    if is_cipher {
        candidate.to_owned()
    } else {
        text
    }
}

/// Whether Java's decoder takes it.
fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    digits.bytes().all(is_digit)
        && digits.len() % 4 != 1
        && (padding == 0 || padding <= 2 && text.len().is_multiple_of(4))
}

fn without_last(text: &str) -> &str {
    let mut characters = text.chars();
    characters.next_back();
    characters.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, kind: Kind, expected: &str) {
        let received = Received {
            text: text.into(),
            is_verbatim: false,
        };
        assert_eq!(
            unwrapped(&received, kind).as_deref(),
            Ok(expected),
            "{text}"
        );
    }

    #[test]
    fn what_ends_like_a_form_is_decoded() {
        check("mysecret=", Kind::Plain, "mysecret");
        check("a%2Bb%2Fc+=", Kind::Plain, "a+b/c ");
        check("a=&b=", Kind::Plain, "a=&b");
        check("a=b+c", Kind::Plain, "a=b+c");
        check("plain", Kind::Plain, "plain");
        let verbatim = Received {
            text: "a%20b=".into(),
            is_verbatim: true,
        };
        assert_eq!(unwrapped(&verbatim, Kind::Plain).as_deref(), Ok("a%20b="));
        let malformed = Received {
            text: "100%=".into(),
            is_verbatim: false,
        };
        assert_eq!(unwrapped(&malformed, Kind::Plain), Err(Malformed));
    }

    #[test]
    fn the_last_equals_sign_of_base64_stays() {
        check("00ff=", Kind::Cipher, "00ff");
        check("QUJD=", Kind::Cipher, "QUJD");
        check("QUI%2B=", Kind::Cipher, "QUI+");
        check("Q+JD=", Kind::Cipher, "Q+JD");
        check("QUI=", Kind::Cipher, "QUI=");
        check("{a}=", Kind::Cipher, "{a}=");
    }
}
