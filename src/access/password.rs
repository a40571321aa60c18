use argon2::{
    Argon2, PasswordHash, PasswordVerifier as _,
    password_hash::{Ident, PasswordHasher as _, SaltString},
};
use aws_lc_rs::rand;
use secrecy::{ExposeSecret as _, SecretString};

use crate::webhook::Secret;

/// What a password or a token is held against. A hash is a secret, too: one may try passwords against it at leisure.
#[derive(Debug, Clone)]
pub(crate) enum Password {
    Plain(Secret),
    /// A PHC string.
    Argon2(SecretString),
    /// `$2a$…`.
    Bcrypt(SecretString),
}

/// Why a text is no password to hold anything against.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum BadPassword {
    #[error("there is nothing in it")]
    Empty,
    #[error("its hash is none of Argon2id with up to 256 MiB, 16 rounds and 16 lanes")]
    Argon2,
    #[error("its hash is none of bcrypt with a cost up to 14")]
    Bcrypt,
    #[error(
        "it begins with the name of an encoder that is not known: only {{noop}}, {{argon2}} and {{bcrypt}} are"
    )]
    Encoder,
}

/// KiB that a hash may need: more would let a login take memory from the reads.
const MOST_MEMORY: u32 = 256 << 10;
const MOST_ROUNDS: u32 = 16;
const MOST_LANES: u32 = 16;
/// Half a second.
const HIGHEST_COST: u8 = 14;
/// Bytes of salt, as RFC 9106 recommends.
const SALT: usize = 16;

impl Password {
    /// Reads a password as Spring does: in clear, or with the name of its encoder in front. A bare `$argon2id$…` is a hash, too.
    ///
    /// # Errors
    /// [`BadPassword`] when nobody could ever log in with it.
    pub(crate) fn parse(text: &str) -> Result<Self, BadPassword> {
        let encoded = text.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        match encoded {
            None if text.starts_with("$argon2id$") => Self::argon2(text),
            None => Self::plain(text),
            Some(("noop", rest)) => Self::plain(rest),
            Some(("argon2" | "argon2@SpringSecurity_v5_8", hash)) => Self::argon2(hash),
            Some(("bcrypt", hash)) => Self::bcrypt(hash),
            Some(_) => Err(BadPassword::Encoder),
        }
    }

    /// Reads a hash that nothing but a secret of many random bytes leads to, or one that is slow enough for any.
    ///
    /// # Errors
    /// [`BadPassword`] when it is no hash of Argon2id.
    pub(crate) fn argon2(hash: &str) -> Result<Self, BadPassword> {
        let parsed = PasswordHash::new(hash).map_err(|_| BadPassword::Argon2)?;
        let parameter = |name: &str| parsed.params.get_decimal(name).unwrap_or(u32::MAX);
        let fits = parsed.algorithm == Ident::new_unwrap("argon2id")
            && parsed.hash.is_some()
            && parameter("m") <= MOST_MEMORY
            && parameter("t") <= MOST_ROUNDS
            && parameter("p") <= MOST_LANES;
        fits.then(|| Self::Argon2(hash.into()))
            .ok_or(BadPassword::Argon2)
    }

    fn bcrypt(hash: &str) -> Result<Self, BadPassword> {
        let cost = hash.split('$').nth(2).and_then(|cost| cost.parse().ok());
        let is_known = hash.is_ascii() && hash.len() == 60 && hash.starts_with("$2");
        let fits = is_known && cost.is_some_and(|cost: u8| cost <= HIGHEST_COST);
        fits.then(|| Self::Bcrypt(hash.into()))
            .ok_or(BadPassword::Bcrypt)
    }

    fn plain(text: &str) -> Result<Self, BadPassword> {
        Secret::new(text).map(Self::Plain).ok_or(BadPassword::Empty)
    }

    /// Whether this is the right one. With a hash it takes tens of milliseconds.
    pub(crate) fn matches(&self, given: &str) -> bool {
        match self {
            Self::Plain(secret) => secret.matches(given),
            Self::Argon2(hash) => PasswordHash::new(hash.expose_secret()).is_ok_and(|hash| {
                let verified = Argon2::default().verify_password(given.as_bytes(), &hash);
                verified.is_ok()
            }),
            Self::Bcrypt(hash) => bcrypt::verify(given, hash.expose_secret()).unwrap_or(false),
        }
    }

    /// Whether [`Self::matches`] takes longer than a core may wait.
    pub(crate) fn is_slow(&self) -> bool {
        !matches!(self, Self::Plain(_))
    }
}

/// The hash of a token or a password, for the settings: Argon2id with a salt of its own.
///
/// # Errors
/// When the system has no random bytes, or the text cannot be hashed.
pub fn hash_token(text: &str) -> Result<String, String> {
    let mut salt = [0; SALT];
    rand::fill(&mut salt).map_err(|error| error.to_string())?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| error.to_string())?;
    let hash = Argon2::default().hash_password(text.as_bytes(), &salt);
    hash.map(|hash| hash.to_string())
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_read_as_spring_reads_them() {
        let argon2 = hash_token("s3cret-word").unwrap();
        let bcrypt = bcrypt::hash("s3cret-word", 4).unwrap();
        for text in [
            "s3cret-word",
            "{noop}s3cret-word",
            &argon2,
            &format!("{{argon2}}{argon2}"),
            &format!("{{bcrypt}}{bcrypt}"),
        ] {
            let password = Password::parse(text).unwrap();
            assert!(password.matches("s3cret-word"), "{text}");
            assert!(!password.matches("s3cret-wor"), "{text}");
            assert!(!password.matches(""), "{text}");
            assert!(!format!("{password:?}").contains("s3cret"), "{password:?}");
        }
        assert_ne!(argon2, hash_token("s3cret-word").unwrap());
    }

    #[test]
    fn what_nobody_could_log_in_with_is_refused() {
        for (text, expected) in [
            ("", BadPassword::Empty),
            ("{noop}", BadPassword::Empty),
            ("{scrypt}x", BadPassword::Encoder),
            ("{argon2}x", BadPassword::Argon2),
            (
                "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ",
                BadPassword::Argon2,
            ),
            (
                "$argon2id$v=19$m=9999999,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
                BadPassword::Argon2,
            ),
            (
                "{argon2}$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
                BadPassword::Argon2,
            ),
            ("{bcrypt}x", BadPassword::Bcrypt),
            (
                "{bcrypt}$2a$31$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu",
                BadPassword::Bcrypt,
            ),
        ] {
            assert_eq!(Password::parse(text).unwrap_err(), expected, "{text}");
        }
    }
}
