use std::fmt;

use http::HeaderValue;

/// What opens a Vault. It is sent there and shown nowhere.
#[derive(Clone)]
pub(crate) struct Token(HeaderValue);

impl Token {
    /// `None` when this is empty, or cannot stand in a header.
    pub(crate) fn new(text: &str) -> Option<Self> {
        Self::of_header(&HeaderValue::from_str(text).ok()?)
    }

    /// What a request brings along; `None` when it is empty.
    pub(crate) fn of_header(value: &HeaderValue) -> Option<Self> {
        let mut value = value.clone();
        value.set_sensitive(true);
        (!value.is_empty()).then_some(Self(value))
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_never_shown() {
        let token = Token::new("s.opensesame").unwrap();
        assert_eq!(format!("{token:?}"), "Token(…)");
        assert!(!format!("{:?}", token.header()).contains("sesame"));
        assert!(Token::new("").is_none());
        assert!(Token::new("a\nb").is_none());
    }
}
