//! RSA for a random secret, AES made of that secret for the text; encrypted texts are base64.
//!
//! `length (2 bytes, big-endian) ‖ RSA(16 random bytes) ‖ AES(text)`. The AES key comes from the random bytes, written
//! as hexadecimal, and a salt.

use aws_lc_rs::{
    rand,
    rsa::{
        KeyPair, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
        Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey, PrivateDecryptingKey,
    },
    signature::KeyPair as _,
};
use base64::{
    Engine as _,
    alphabet::STANDARD as ALPHABET,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};

use super::{
    CipherError, KeyError,
    aes::{Aes, Mode},
    der,
};

/// Bytes that the AES key is made of.
const SECRET: usize = 16;
/// As Java's decoder: padding may be left out.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// How texts are encrypted with an RSA key: `encrypt.rsa.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scheme {
    pub(crate) algorithm: Algorithm,
    /// `strong` is GCM.
    pub(crate) strong: bool,
    pub(crate) salt: Vec<u8>,
}

/// The padding of the RSA part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// PKCS#1 v1.5.
    Pkcs1,
    /// OAEP with SHA-1 and MGF1 with SHA-1.
    Oaep,
}

impl Default for Scheme {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Pkcs1,
            strong: false,
            salt: vec![0xde, 0xad, 0xbe, 0xef],
        }
    }
}

/// A private key with its public half.
pub(crate) struct RsaKey {
    padded: Padded,
    mode: Mode,
    salt: Vec<u8>,
    /// `ssh-rsa … application`.
    public_key: String,
    /// Bytes of the RSA part.
    size: usize,
}

enum Padded {
    Pkcs1(Pkcs1PublicEncryptingKey, Pkcs1PrivateDecryptingKey),
    Oaep(OaepPublicEncryptingKey, OaepPrivateDecryptingKey),
}

impl RsaKey {
    /// Takes a key in the form of PKCS#8 (DER).
    pub(crate) fn new(pkcs8: &[u8], scheme: &Scheme) -> Result<Self, KeyError> {
        let private = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| KeyError::NotRsa)?;
        let pair = KeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError::NotRsa)?;
        let size = private.key_size_bytes();
        Ok(Self {
            public_key: open_ssh(pair.public_key().as_ref()).ok_or(KeyError::NotRsa)?,
            padded: Padded::new(private, scheme.algorithm).ok_or(KeyError::NotRsa)?,
            mode: if scheme.strong { Mode::Gcm } else { Mode::Cbc },
            salt: scheme.salt.clone(),
            size,
        })
    }

    /// The public half as OpenSSH writes it, with the comment `application`.
    pub(super) fn public_key(&self) -> &str {
        &self.public_key
    }

    pub(super) fn encrypt(&self, plain: &str) -> Result<String, CipherError> {
        let mut secret = [0; SECRET];
        rand::fill(&mut secret).map_err(|_| CipherError::Failed)?;
        let sealed = self.padded.encrypt(&secret).ok_or(CipherError::Failed)?;
        let length = u16::try_from(sealed.len()).map_err(|_| CipherError::Failed)?;
        let text = self.aes(&secret).encrypt(plain.as_bytes())?;
        Ok(STANDARD.encode([&length.to_be_bytes(), sealed.as_slice(), &text].concat()))
    }

    pub(super) fn decrypt(&self, cipher: &str) -> Result<String, CipherError> {
        let bytes = LENIENT.decode(cipher).map_err(|_| CipherError::Foreign)?;
        let (length, rest) = bytes.split_first_chunk::<2>().ok_or(CipherError::Foreign)?;
        // Any other length cannot come from this key.
        if usize::from(u16::from_be_bytes(*length)) != self.size {
            return Err(CipherError::Foreign);
        }
        let (sealed, text) = rest
            .split_at_checked(self.size)
            .ok_or(CipherError::Foreign)?;
        let secret = self.padded.decrypt(sealed).ok_or(CipherError::Foreign)?;
        let plain = self.aes(&secret).decrypt(text)?;
        Ok(String::from_utf8_lossy(&plain).into_owned())
    }

    fn aes(&self, secret: &[u8]) -> Aes {
        Aes::derived(&crate::hex::encoded(secret), &self.salt, self.mode)
    }
}

impl Padded {
    fn new(private: PrivateDecryptingKey, algorithm: Algorithm) -> Option<Self> {
        let public = private.public_key();
        Some(match algorithm {
            Algorithm::Pkcs1 => Self::Pkcs1(
                Pkcs1PublicEncryptingKey::new(public).ok()?,
                Pkcs1PrivateDecryptingKey::new(private).ok()?,
            ),
            Algorithm::Oaep => Self::Oaep(
                OaepPublicEncryptingKey::new(public).ok()?,
                OaepPrivateDecryptingKey::new(private).ok()?,
            ),
        })
    }

    fn encrypt(&self, secret: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Pkcs1(public, _) => {
                let mut sealed = vec![0; public.ciphertext_size()];
                let length = public.encrypt(secret, &mut sealed).ok()?.len();
                sealed.truncate(length);
                Some(sealed)
            }
            Self::Oaep(public, _) => {
                let mut sealed = vec![0; public.ciphertext_size()];
                let length = public
                    .encrypt(&OAEP_SHA1_MGF1SHA1, secret, &mut sealed, None)
                    .ok()?
                    .len();
                sealed.truncate(length);
                Some(sealed)
            }
        }
    }

    fn decrypt(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Pkcs1(_, private) => {
                let mut secret = vec![0; private.min_output_size()];
                private
                    .decrypt(sealed, &mut secret)
                    .ok()
                    .map(|secret| secret.to_vec())
            }
            Self::Oaep(_, private) => {
                let mut secret = vec![0; private.min_output_size()];
                private
                    .decrypt(&OAEP_SHA1_MGF1SHA1, sealed, &mut secret, None)
                    .ok()
                    .map(|secret| secret.to_vec())
            }
        }
    }
}

/// A public key of PKCS#1 as one line of OpenSSH: each part after its length.
fn open_ssh(public: &[u8]) -> Option<String> {
    let numbers = der::only(public, der::SEQUENCE)?;
    let (modulus, rest) = der::element(numbers, der::INTEGER)?;
    let exponent = der::only(rest, der::INTEGER)?;
    let mut line = Vec::new();
    for part in [b"ssh-rsa", exponent, modulus] {
        line.extend(u32::try_from(part.len()).ok()?.to_be_bytes());
        line.extend(part);
    }
    Some(format!("ssh-rsa {} application", STANDARD.encode(line)))
}

#[cfg(test)]
mod tests {
    use super::{super::testing, *};

    fn key(scheme: &Scheme) -> RsaKey {
        let (_, pkcs8) = super::super::private_key(testing::PEM).unwrap().unwrap();
        RsaKey::new(&pkcs8, scheme).unwrap()
    }

    #[test]
    fn recorded_texts_and_public_keys_are_read() {
        let key = key(&Scheme::default());
        let cipher = testing::recorded("pem");
        assert_eq!(key.decrypt(cipher).as_deref(), Ok(testing::PLAIN));
        assert_eq!(key.public_key(), testing::recorded("pem-public"));
        // Padding may be left out, as in Java.
        let bare = cipher.trim_end_matches('=');
        assert_eq!(key.decrypt(bare).as_deref(), Ok(testing::PLAIN));
    }

    #[test]
    fn every_scheme_reads_what_it_wrote_and_nothing_else() {
        let schemes: Vec<_> = [Algorithm::Pkcs1, Algorithm::Oaep]
            .into_iter()
            .flat_map(|algorithm| [false, true].map(|strong| (algorithm, strong)))
            .flat_map(|(algorithm, strong)| {
                [b"one".to_vec(), b"two".to_vec()].map(|salt| Scheme {
                    algorithm,
                    strong,
                    salt,
                })
            })
            .collect();
        for writer in &schemes {
            let cipher = key(writer).encrypt("a text").unwrap();
            for reader in &schemes {
                let read = key(reader).decrypt(&cipher);
                // Without a tag, the wrong key shows by its padding only most of the time.
                let is_read = read.as_deref() == Ok("a text");
                assert_eq!(is_read, reader == writer, "{reader:?} {writer:?}: {read:?}");
            }
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let key = key(&Scheme::default());
        let bytes = LENIENT.decode(testing::recorded("pem")).unwrap();
        let check = |bytes: &[u8], error| {
            assert_eq!(
                key.decrypt(&STANDARD.encode(bytes)),
                Err(error),
                "{bytes:?}"
            );
        };
        for length in [0, 1, 2, 100, 257] {
            check(&bytes[..length], CipherError::Foreign);
        }
        check(&bytes[..258], CipherError::TooShort);
        check(&bytes[..258 + 15], CipherError::TooShort);
        let longer: Vec<_> = [2, 0].into_iter().chain([0; 600]).collect();
        check(&longer, CipherError::Foreign);
        for text in ["not base64!", "é", " AQB3", "AQB3\n"] {
            assert_eq!(key.decrypt(text), Err(CipherError::Foreign), "{text}");
        }
    }
}
