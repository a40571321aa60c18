use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretSlice};

/// What opens a Vault. It is sent there and shown nowhere.
#[derive(Debug, Clone)]
pub(crate) struct Token(SecretSlice<u8>);

impl Token {
    /// `None` when this is empty, or cannot stand in a header.
    pub(crate) fn new(text: &str) -> Option<Self> {
        Self::of_header(&HeaderValue::from_str(text).ok()?)
    }

    /// What a request brings along; `None` when it is empty.
    pub(crate) fn of_header(value: &HeaderValue) -> Option<Self> {
        (!value.is_empty()).then(|| Self(value.as_bytes().to_vec().into()))
    }

    pub(super) fn header(&self) -> HeaderValue {
        let value = HeaderValue::from_bytes(self.0.expose_secret());
        let mut value = value.expect("it was one, or could be");
        value.set_sensitive(true);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_never_shown() {
        let token = Token::new("s.opensesame").unwrap();
        for shown in [format!("{token:?}"), format!("{:?}", token.header())] {
            // Bytes would be shown as numbers.
            let is_told = shown.contains("sesame") || shown.contains("115, 46, 111");
            assert!(!is_told, "{shown}");
        }
        assert!(Token::new("").is_none());
        assert!(Token::new("a\nb").is_none());
    }
}
