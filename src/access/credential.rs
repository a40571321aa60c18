use base64::{Engine as _, engine::general_purpose::STANDARD};

/// What an `Authorization` header says.
#[derive(PartialEq, Eq)]
pub(super) enum Credential {
    Basic { name: String, password: String },
    Bearer(String),
}

/// Bytes of the longest header that is looked at: room for a token of 8 KiB.
const LONGEST: usize = 9 * 1024;

impl Credential {
    /// Nothing for what is too long, or said in no known way.
    pub(super) fn parse(header: &[u8]) -> Option<Self> {
        let is_shown = |byte: &u8| matches!(byte, b' '..=b'~');
        if header.len() > LONGEST || !header.iter().all(is_shown) {
            return None;
        }
        let (scheme, said) = str::from_utf8(header).ok()?.split_once(' ')?;
        let said = said.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return (!said.is_empty()).then(|| Self::Bearer(said.to_owned()));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(said).ok()?).ok()?;
        let (name, password) = decoded.split_once(':')?;
        Some(Self::Basic {
            name: name.to_owned(),
            password: password.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(text: &[u8]) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(text)).into_bytes()
    }

    #[test]
    fn only_what_is_whole_is_taken() {
        let parsed = Credential::parse(&basic(b"u:p:w"));
        assert!(
            matches!(parsed, Some(Credential::Basic { name, password }) if name == "u" && password == "p:w")
        );
        assert!(Credential::parse(b"bEARER abc") == Some(Credential::Bearer("abc".into())));
        for header in [
            basic(b"no colon"),
            basic(b"\xff:x"),
            b"Basic".into(),
            b"Basic !".into(),
            b"Basic dTpw\n".into(),
            b"Bearer ".into(),
            b"Digest x".into(),
            b"Bearer \xc3\xa4".into(),
            basic(&[b'x'; LONGEST]),
        ] {
            assert!(Credential::parse(&header).is_none(), "{header:?}");
        }
    }
}
