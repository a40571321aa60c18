//! AES-256 as Spring Security uses it: a key made of a pass phrase, and 16 random bytes in front of each encrypted text.

use std::num::NonZeroU32;

use aes_gcm::{
    AesGcm, KeyInit as _,
    aead::{Aead as _, consts::U16},
    aes::Aes256,
};
use aws_lc_rs::{
    cipher::{
        AES_256, DecryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
        UnboundCipherKey,
    },
    iv::FixedLength,
    pbkdf2, rand,
};

use super::CipherError;

const IV: usize = 16;
/// As many as Spring's; more would make other keys.
const ROUNDS: NonZeroU32 = NonZeroU32::new(1024).expect("1024 is not zero");

/// How blocks are chained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Without a tag: a wrong key shows by its padding, usually.
    Cbc,
    /// With a tag of 128 bits. The IV has 16 bytes instead of the usual 12.
    Gcm,
}

/// A key of 256 bits.
pub(super) struct Aes(Cipher);

enum Cipher {
    Cbc(Box<CbcKeys>),
    Gcm(Box<AesGcm<Aes256, U16>>),
}

/// One per direction.
struct CbcKeys {
    encrypting: PaddedBlockEncryptingKey,
    decrypting: PaddedBlockDecryptingKey,
}

impl Aes {
    /// PBKDF2 with HMAC-SHA1 over the pass phrase.
    pub(super) fn derived(pass_phrase: &str, salt: &[u8], mode: Mode) -> Self {
        let mut key = [0; 32];
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA1,
            ROUNDS,
            salt,
            pass_phrase.as_bytes(),
            &mut key,
        );
        let bound = || UnboundCipherKey::new(&AES_256, &key).expect("the key has 32 bytes");
        Self(match mode {
            Mode::Cbc => Cipher::Cbc(Box::new(CbcKeys {
                encrypting: PaddedBlockEncryptingKey::cbc_pkcs7(bound())
                    .expect("AES has a CBC mode"),
                decrypting: PaddedBlockDecryptingKey::cbc_pkcs7(bound())
                    .expect("AES has a CBC mode"),
            })),
            Mode::Gcm => Cipher::Gcm(Box::new(AesGcm::new(&key.into()))),
        })
    }

    /// The IV, and the encrypted bytes behind it.
    pub(super) fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>, CipherError> {
        match &self.0 {
            Cipher::Cbc(keys) => {
                let mut bytes = plain.to_vec();
                let context = keys
                    .encrypting
                    .encrypt(&mut bytes)
                    .map_err(|_| CipherError::Failed)?;
                let DecryptionContext::Iv128(iv) = context else {
                    return Err(CipherError::Failed);
                };
                Ok([iv.as_ref(), bytes.as_slice()].concat())
            }
            Cipher::Gcm(key) => {
                let mut iv = [0; IV];
                rand::fill(&mut iv).map_err(|_| CipherError::Failed)?;
                let bytes = key
                    .encrypt(&iv.into(), plain)
                    .map_err(|_| CipherError::Failed)?;
                Ok([&iv, bytes.as_slice()].concat())
            }
        }
    }

    /// What [`Self::encrypt`] was given.
    pub(super) fn decrypt(&self, encrypted: &[u8]) -> Result<Vec<u8>, CipherError> {
        let (iv, bytes) = encrypted
            .split_first_chunk::<IV>()
            .ok_or(CipherError::TooShort)?;
        match &self.0 {
            // Java's decryption of nothing is nothing.
            Cipher::Cbc(_) if bytes.is_empty() => Ok(Vec::new()),
            Cipher::Cbc(keys) => {
                let mut bytes = bytes.to_vec();
                let context = DecryptionContext::Iv128(FixedLength::from(*iv));
                keys.decrypting
                    .decrypt(&mut bytes, context)
                    .map(|plain| plain.to_vec())
                    .map_err(|_| CipherError::Foreign)
            }
            Cipher::Gcm(key) => key
                .decrypt(&(*iv).into(), bytes)
                .map_err(|_| CipherError::Foreign),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_modes_read_what_they_wrote() {
        for mode in [Mode::Cbc, Mode::Gcm] {
            let key = Aes::derived("s3crét", &[0xde, 0xad], mode);
            for plain in ["", "a", "sixteen letters.", "a text of more than one block"] {
                let encrypted = key.encrypt(plain.as_bytes()).unwrap();
                assert_eq!(
                    key.decrypt(&encrypted).as_deref(),
                    Ok(plain.as_bytes()),
                    "{mode:?}"
                );
                assert_ne!(encrypted, key.encrypt(plain.as_bytes()).unwrap());
            }
        }
    }

    #[test]
    fn what_ends_early_or_was_changed_is_told_apart() {
        let cbc = Aes::derived("p", b"salt", Mode::Cbc);
        assert_eq!(cbc.decrypt(&[0; 15]), Err(CipherError::TooShort));
        assert_eq!(cbc.decrypt(&[0; 16]), Ok(Vec::new()));
        assert_eq!(cbc.decrypt(&[0; 17]), Err(CipherError::Foreign));
        let gcm = Aes::derived("p", b"salt", Mode::Gcm);
        assert_eq!(gcm.decrypt(&[0; 15]), Err(CipherError::TooShort));
        assert_eq!(gcm.decrypt(&[0; 16]), Err(CipherError::Foreign));
        let mut encrypted = gcm.encrypt(b"plain").unwrap();
        encrypted[17] ^= 1;
        assert_eq!(gcm.decrypt(&encrypted), Err(CipherError::Foreign));
    }
}
