use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};

/// A value that is bytes: `!!binary` in YAML.
///
/// JSON shows Base64; as text it reads like a Java array, which is of no use but what clients get from Spring.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes(Box<[u8]>);

impl Bytes {
    /// The bytes themselves.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The standard alphabet, padded.
    #[must_use]
    pub fn to_base64(&self) -> String {
        BASE64_STANDARD.encode(&self.0)
    }

    /// The elements of the array, as Spring converts it to text for a placeholder: `104,-23`.
    #[must_use]
    pub fn to_elements(&self) -> String {
        let elements: Vec<String> = self
            .0
            .iter()
            .map(|byte| byte.cast_signed().to_string())
            .collect();
        elements.join(",")
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

/// `[B@` and a number. Java takes one that changes with every start; ours depends on nothing but the bytes.
impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // FNV-1a
        let hash = self.0.iter().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        });
        write!(f, "[B@{hash:x}")
    }
}

/// The bytes may be a key store; only their number is shown.
impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_four_faces() {
        let bytes = Bytes::from(b"h\xE9".as_slice());
        assert_eq!(bytes.to_base64(), "aOk=");
        assert_eq!(bytes.to_elements(), "104,-23");
        assert_eq!(bytes.to_string(), "[B@e83bc01a");
        assert_eq!(format!("{bytes:?}"), "Bytes(2)");
        assert_eq!(Bytes::from(b"".as_slice()).to_elements(), "");
    }
}
