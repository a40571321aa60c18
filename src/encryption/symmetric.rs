//! One pass phrase for both directions; encrypted texts are hexadecimal.

use super::{
    CipherError,
    aes::{Aes, Mode},
};

/// A key made of a pass phrase.
pub(crate) struct SymmetricKey(Aes);

impl SymmetricKey {
    /// Derives the key, which takes about a millisecond.
    pub(crate) fn new(pass_phrase: &str, salt: &[u8]) -> Self {
        Self(Aes::derived(pass_phrase, salt, Mode::Cbc))
    }

    pub(super) fn encrypt(&self, plain: &str) -> Result<String, CipherError> {
        Ok(crate::hex::encoded(&self.0.encrypt(plain.as_bytes())?))
    }

    pub(super) fn decrypt(&self, cipher: &str) -> Result<String, CipherError> {
        let encrypted = crate::hex::decoded(cipher).ok_or(CipherError::Foreign)?;
        // What a wrong key makes by chance of something is hardly ever UTF-8.
        String::from_utf8(self.0.decrypt(&encrypted)?).map_err(|_| CipherError::Foreign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Spring Security wrote.
    const RECORDED: [(&str, &str, &str, &str); 8] = [
        (
            "foo",
            "deadbeef",
            "682bc583f4641835fa2db009355293665d2647dade3375c0ee201de2a49f7bda",
            "mysecret",
        ),
        (
            "foo",
            "deadbeef",
            "2c796e7746c4721f0b489106edc5cd53c5766eae0ea4e75c523604da2ca18bdc",
            "mysecret",
        ),
        (
            "foo",
            "deadbeef",
            "2C796E7746C4721F0B489106EDC5CD53C5766EAE0EA4E75C523604DA2CA18BDC",
            "mysecret",
        ),
        (
            "foo",
            "deadbeef",
            "d1b2458ccede07c856ff952bd841638ff4dd12ed1d36812663c3c7262d57bf46",
            "SUPER SECRET",
        ),
        (
            "foo",
            "deadbeef",
            "c11cdc77c9eb24f9557714b288eed488ae77fe755d49308cd978a5974103206a",
            "",
        ),
        (
            "foo",
            "deadbeef",
            "7d8dec2c6d7a03905a1de13d856d3bee0874cb5f36d7a08a705a85ec7fc1f726",
            "café 中文",
        ),
        (
            "bar",
            "4567890a12345678",
            "e910285c6d00220fb7829fefeb0627d07e25ac7e0b18253c1feccea662e3a42b",
            "mysecret",
        ),
        (
            "s3cr3t-ключ",
            "deadbeef",
            "1e850ae5407a86a996c751c870b68c66fde852d2430b427d14da66cded7664ad",
            "mysecret",
        ),
    ];

    #[test]
    fn recorded_texts_are_read() {
        for (pass_phrase, salt, cipher, plain) in RECORDED {
            let key = SymmetricKey::new(pass_phrase, &crate::hex::decoded(salt).unwrap());
            assert_eq!(key.decrypt(cipher).as_deref(), Ok(plain), "{cipher}");
            let again = key.encrypt(plain).unwrap();
            assert_eq!(key.decrypt(&again).as_deref(), Ok(plain), "{again}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let key = SymmetricKey::new("foo", &[0xde, 0xad, 0xbe, 0xef]);
        let good = RECORDED[0].2;
        for (cipher, error) in [
            (String::new(), CipherError::TooShort),
            ("deadbeef".into(), CipherError::TooShort),
            ("secret".into(), CipherError::Foreign),
            (format!(" {good}"), CipherError::Foreign),
            (format!("{good}\n"), CipherError::Foreign),
            (good[..34].into(), CipherError::Foreign),
            (RECORDED[6].2.into(), CipherError::Foreign),
        ] {
            assert_eq!(key.decrypt(&cipher), Err(error), "{cipher}");
        }
        assert_eq!(key.decrypt(&good[..32]).as_deref(), Ok(""));
    }
}
