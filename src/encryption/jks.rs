//! Java's own type of key store: entries in clear, private keys each under a secret, a digest over all with the password.

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{Context, Digest, SHA1_FOR_LEGACY_USE_ONLY},
};

use super::{KeyError, der};

const JKS: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];
const JCEKS: [u8; 4] = [0xce, 0xce, 0xce, 0xce];
const DIGEST: usize = 20;
/// What Java mixes into the digest.
const WHITENER: &[u8] = b"Mighty Aphrodite";
/// More than anybody keeps in one store.
const MAX_ENTRIES: u32 = 10_000;
/// A certificate chain is rarely longer than four.
const MAX_CHAIN: u32 = 100;

/// A private key that a secret opens.
pub(super) struct Sealed(Vec<u8>);

/// Whether these bytes begin like a store of this type, or of the one that we do not read.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(&JKS) || bytes.starts_with(&JCEKS)
}

/// The private keys with their aliases, after the whole store was checked.
pub(super) fn read(bytes: &[u8], password: &str) -> Result<Vec<(String, Sealed)>, KeyError> {
    if bytes.starts_with(&JCEKS) {
        return Err(KeyError::Jceks);
    }
    let (content, digest) = bytes
        .split_last_chunk::<DIGEST>()
        .ok_or(KeyError::Damaged)?;
    let expected = sha1(&[&utf16(password), WHITENER, content]);
    verify_slices_are_equal(expected.as_ref(), digest).map_err(|_| KeyError::WrongPassword)?;
    entries(content).ok_or(KeyError::Damaged)
}

fn entries(content: &[u8]) -> Option<Vec<(String, Sealed)>> {
    let mut rest = Rest(content.strip_prefix(&JKS)?);
    let version = rest.number()?;
    let count = rest.number()?;
    if !(1..=2).contains(&version) || count > MAX_ENTRIES {
        return None;
    }
    let mut keys = Vec::new();
    for _ in 0..count {
        let kind = rest.number()?;
        let alias = rest.text()?;
        // When it was made.
        rest.take(8)?;
        match kind {
            1 => {
                keys.push((alias, Sealed(rest.block()?.to_vec())));
                let chain = rest.number().filter(|length| *length <= MAX_CHAIN)?;
                (0..chain).try_for_each(|_| rest.certificate(version))?;
            }
            2 => rest.certificate(version)?,
            _ => return None,
        }
    }
    rest.0.is_empty().then_some(keys)
}

impl Sealed {
    /// The key in the form of PKCS#8. Java hides it behind a stream of digests, each of the secret and the one before.
    pub(super) fn open(&self, secret: &str) -> Result<Vec<u8>, KeyError> {
        let secret = utf16(secret);
        let parts = self.parts().ok_or(KeyError::Damaged)?;
        let mut stream = parts.salt.to_vec();
        let mut key = Vec::with_capacity(parts.hidden.len());
        for block in parts.hidden.chunks(DIGEST) {
            stream = sha1(&[&secret, &stream]).as_ref().to_vec();
            key.extend(
                block
                    .iter()
                    .zip(&stream)
                    .map(|(hidden, mask)| hidden ^ mask),
            );
        }
        let check = sha1(&[&secret, &key]);
        verify_slices_are_equal(check.as_ref(), parts.check).map_err(|_| KeyError::WrongSecret)?;
        Ok(key)
    }

    fn parts(&self) -> Option<Parts<'_>> {
        let info = der::only(&self.0, der::SEQUENCE)?;
        // Java has one algorithm for these, so its name is not looked at.
        let (_, protected) = der::element(info, der::SEQUENCE)?;
        let protected = der::only(protected, der::OCTET_STRING)?;
        let (salt, rest) = protected.split_at_checked(DIGEST)?;
        let (hidden, check) = rest.split_at_checked(rest.len().checked_sub(DIGEST)?)?;
        Some(Parts {
            salt,
            hidden,
            check,
        })
    }
}

struct Parts<'s> {
    salt: &'s [u8],
    hidden: &'s [u8],
    check: &'s [u8],
}

/// What is left to read.
struct Rest<'c>(&'c [u8]);

impl<'c> Rest<'c> {
    fn take(&mut self, count: usize) -> Option<&'c [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        let bytes = self.take(4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    }

    /// Bytes after their length.
    fn block(&mut self) -> Option<&'c [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    fn text(&mut self) -> Option<String> {
        let length = u16::from_be_bytes(self.take(2)?.try_into().ok()?);
        let text = self.take(usize::from(length))?;
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// Since version 2 the type of a certificate stands before it.
    fn certificate(&mut self, version: u32) -> Option<()> {
        if version == 2 {
            self.text()?;
        }
        self.block().map(|_| ())
    }
}

fn sha1(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    parts.iter().for_each(|part| context.update(part));
    context.finish()
}

/// As Java counts characters, high byte first.
fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}
