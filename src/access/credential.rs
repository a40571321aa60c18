use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::SecretString;

/// How an `Authorization` header says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Basic,
    Bearer,
}

/// What an `Authorization` header says.
#[derive(Debug)]
pub(super) enum Credential {
    Basic {
        name: String,
        password: SecretString,
    },
    Bearer(SecretString),
}

/// Bytes of the longest header that is looked at: room for a token of 8 KiB.
const LONGEST: usize = 9 * 1024;

impl Scheme {
    /// What is said, apart from how: the same for all spellings of the same. Nothing for what is too long, or said in no
    /// known way.
    pub(super) fn split(header: &[u8]) -> Option<(Self, &str)> {
        let is_shown = |byte: &u8| matches!(byte, b' '..=b'~');
        if header.len() > LONGEST || !header.iter().all(is_shown) {
            return None;
        }
        let (scheme, said) = str::from_utf8(header).ok()?.split_once(' ')?;
        let said = said.trim();
        if said.is_empty() || said.contains(' ') {
            return None;
        }
        let schemes = [("basic", Self::Basic), ("bearer", Self::Bearer)];
        let mut schemes = schemes.into_iter();
        let (_, scheme) = schemes.find(|(name, _)| scheme.eq_ignore_ascii_case(name))?;
        Some((scheme, said))
    }
}

impl Credential {
    /// Nothing for what [`Scheme::split`] does not know, or what holds no name.
    pub(super) fn parse(header: &[u8]) -> Option<Self> {
        let (scheme, said) = Scheme::split(header)?;
        if scheme == Scheme::Bearer {
            return Some(Self::Bearer(said.into()));
        }
        let decoded = String::from_utf8(STANDARD.decode(said).ok()?).ok()?;
        let (name, password) = decoded.split_once(':')?;
        Some(Self::Basic {
            name: name.to_owned(),
            password: password.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn basic(text: &[u8]) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(text)).into_bytes()
    }

    #[test]
    fn the_same_is_the_same_in_all_its_spellings() {
        for header in ["Bearer abc", "bearer   abc ", "BEARER abc  "] {
            let split = Scheme::split(header.as_bytes());
            assert_eq!(split, Some((Scheme::Bearer, "abc")), "{header}");
        }
    }

    #[test]
    fn only_what_is_whole_is_taken() {
        let parsed = Credential::parse(&basic(b"u:p:w"));
        assert!(
            matches!(parsed, Some(Credential::Basic { name, password }) if name == "u" && password.expose_secret() == "p:w")
        );
        let parsed = Credential::parse(b"bEARER abc");
        assert!(
            matches!(parsed, Some(Credential::Bearer(token)) if token.expose_secret() == "abc")
        );
        for header in [
            basic(b"no colon"),
            basic(b"\xff:x"),
            b"Basic".into(),
            b"Basic !".into(),
            b"Basic dTpw\n".into(),
            b"Bearer ".into(),
            b"Bearer a b".into(),
            b"Basic dTpw dTpw".into(),
            b"Digest x".into(),
            b"Bearer \xc3\xa4".into(),
            basic(&[b'x'; LONGEST]),
        ] {
            assert!(Credential::parse(&header).is_none(), "{header:?}");
        }
    }
}
