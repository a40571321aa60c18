use std::fmt;

/// One or more applications, as asked for: `orders` or `orders,billing`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Application(String);

/// One or more profiles, as asked for: `dev` or `dev,cloud`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Profiles(String);

/// What names a commit: a branch, a tag or a commit id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(String);

/// A full commit id: 40 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId([u8; 20]);

/// A coordinate that could climb out of its place or is no coordinate at all.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidName {
    /// `..`, `#` or a form that decodes to one of them.
    #[error("the {what} holds `..` or `#`")]
    Location {
        /// Which coordinate.
        what: &'static str,
    },
    /// Spring refuses such profiles because they are substituted into paths.
    #[error(
        "a profile is made of letters, digits and `-_.+@`, and begins and ends with a letter or digit"
    )]
    Profile,
    /// A wildcard would match files that were not asked for.
    #[error("the {what} holds a `*`")]
    Wildcard {
        /// Which coordinate.
        what: &'static str,
    },
}

impl Application {
    /// Checks a decoded path segment; `(_)` stands for `/`.
    ///
    /// # Errors
    /// [`InvalidName`] for text that could leave the repository, or a wildcard.
    pub fn parse(segment: &str) -> Result<Self, InvalidName> {
        check_location(segment, "application")?;
        if segment.contains('*') {
            return Err(InvalidName::Wildcard {
                what: "application",
            });
        }
        Ok(Self(segment.replace("(_)", "/")))
    }

    /// As asked for.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The single names, trimmed, in the order given.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        items(&self.0)
    }
}

impl Profiles {
    /// No profile at all, as in `/orders-.yml`; nothing is configured for it.
    #[must_use]
    pub fn none() -> Self {
        Self(String::new())
    }

    /// Checks a decoded path segment.
    ///
    /// # Errors
    /// [`InvalidName`] for text that could leave the repository, and for anything but the characters that Spring allows.
    pub fn parse(segment: &str) -> Result<Self, InvalidName> {
        check_location(segment, "profile")?;
        if segment.split(',').all(is_profile) {
            Ok(Self(segment.to_owned()))
        } else {
            Err(InvalidName::Profile)
        }
    }

    /// As asked for.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The single names in the order given.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        items(&self.0)
    }
}

impl Label {
    /// Checks a decoded path segment; `(_)` stands for `/`.
    ///
    /// # Errors
    /// [`InvalidName`] for text that could leave the repository.
    pub fn parse(segment: &str) -> Result<Self, InvalidName> {
        check_location(segment, "label")?;
        Ok(Self(segment.replace("(_)", "/")))
    }

    /// As asked for, with `(_)` replaced.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl CommitId {
    /// Wraps the bytes of an object id.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The bytes of the object id.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Reads 40 hex digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 40 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; 20];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The first seven digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(7);
        text
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 40];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 0xf)];
        }
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! display_as_text {
    ($($name:ty),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
display_as_text!(Application, Profiles, Label);

fn items(list: &str) -> impl DoubleEndedIterator<Item = &str> {
    list.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

fn is_profile(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    edge(name.chars().next())
        && edge(name.chars().next_back())
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '@'))
}

/// Refuses what could climb: as it stands, and as it would stand once more decoded.
fn check_location(text: &str, what: &'static str) -> Result<(), InvalidName> {
    let climbs = |text: &str| text.contains("..") || text.contains('#') || text.starts_with("(_)");
    if climbs(text) || (text.contains('%') && climbs(&decode_leniently(text))) {
        Err(InvalidName::Location { what })
    } else {
        Ok(())
    }
}

/// Percent-decodes what can be decoded and leaves the rest; only looked at, never used.
fn decode_leniently(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[3..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn climbing_is_refused_in_every_spelling() {
        for text in [
            "..",
            "a..b",
            "foo#",
            "%2e%2e",
            "..%2F..",
            "(_)etc",
            "..(_)..(_)etc",
            "%252e%2e#",
            "%23x",
        ] {
            assert!(Label::parse(text).is_err(), "{text}");
            assert!(Application::parse(text).is_err(), "{text}");
        }
        assert_eq!(Label::parse("feature(_)x").unwrap().as_str(), "feature/x");
    }

    #[test]
    fn profiles_are_letters_digits_and_a_few_signs() {
        for text in [
            "dev",
            "dev,cloud",
            "dév",
            "dev+x",
            "a@b",
            "a.b",
            "a_b",
            "中",
            "dev.yml",
        ] {
            assert!(Profiles::parse(text).is_ok(), "{text}");
        }
        for text in [
            "", "dev,,x", ",dev", "-dev", "dev-", "d!v", "a b", "@b", "a..b", "😀", "dev(_)x",
        ] {
            assert!(Profiles::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn commit_ids_round_trip() {
        let text = "9f2c1ab0c7d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7";
        assert_eq!(CommitId::parse(text).unwrap().to_string(), text);
        assert_eq!(CommitId::parse(text).unwrap().short(), "9f2c1ab");
        assert!(CommitId::parse("HEAD").is_none());
        assert!(CommitId::parse(&"g".repeat(40)).is_none());
    }
}
