//! Certificates and private keys as they lie in files.

use std::path::PathBuf;

use p12_keystore::{KeyStore, KeyStoreEntry};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer,
    pem::{self, PemObject as _},
};

use super::Password;

/// A file with certificates, maybe with a private key: PEM or PKCS#12; which of them, the file itself says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// Where it lies.
    pub path: PathBuf,
    /// The password of a PKCS#12 store.
    pub password: Password,
}

/// What a [`KeyFile`] holds.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Keys {
    /// At least one: those of the private key, if there is one, its own first.
    pub certificates: Vec<CertificateDer<'static>>,
    /// The first private key.
    pub key: Option<PrivateKeyDer<'static>>,
}

/// A [`KeyFile`] that holds something else, or that its password does not open.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {problem}", path = path.display())]
pub struct UnusableKeys {
    path: PathBuf,
    problem: String,
}

const JAVA_KEY_STORES: [[u8; 4]; 2] = [[0xfe, 0xed, 0xfe, 0xed], [0xce, 0xce, 0xce, 0xce]];

impl KeyFile {
    /// The certificates and the key in what was read of the file.
    ///
    /// # Errors
    /// [`UnusableKeys`] for anything but PEM and PKCS#12, for a wrong password, and where there is no certificate.
    pub fn keys(&self, content: &[u8]) -> Result<Keys, UnusableKeys> {
        let path = self.path.display();
        let keys = if content.windows(11).any(|window| window == b"-----BEGIN ") {
            pem(content).map_err(|error| error.to_string())
        } else if JAVA_KEY_STORES
            .iter()
            .any(|magic| content.starts_with(magic))
        {
            Err(format!(
                "it is a key store of Java's own type: make one of PKCS#12 of it, with \
                 keytool -importkeystore -srckeystore {path} -destkeystore new.p12 -deststoretype PKCS12"
            ))
        } else {
            pkcs12(content, self.password.reveal()).map_err(|error| error.to_string())
        };
        let keys = keys.and_then(|keys| match keys.certificates.as_slice() {
            [] => Err("it holds no certificate".into()),
            _ => Ok(keys),
        });
        keys.map_err(|problem| UnusableKeys {
            path: self.path.clone(),
            problem,
        })
    }
}

fn pem(bytes: &[u8]) -> Result<Keys, pem::Error> {
    let certificates: Result<_, _> = CertificateDer::pem_slice_iter(bytes).collect();
    Ok(Keys {
        certificates: certificates?,
        key: PrivateKeyDer::from_pem_slice(bytes).ok(),
    })
}

/// All certificates of the store, or those of its first private key, and that key.
fn pkcs12(bytes: &[u8], password: &str) -> Result<Keys, p12_keystore::error::Error> {
    let store = KeyStore::from_pkcs12(bytes, password)?;
    if let Some((_, chain)) = store.private_key_chain() {
        let key = PrivatePkcs8KeyDer::from(chain.key().to_vec());
        return Ok(Keys {
            certificates: chain.chain().iter().map(der).collect(),
            key: Some(key.into()),
        });
    }
    let certificates = store.entries().filter_map(|(_, entry)| match entry {
        KeyStoreEntry::Certificate(certificate) => Some(der(certificate)),
        KeyStoreEntry::PrivateKeyChain(_) | KeyStoreEntry::Secret(_) => None,
    });
    Ok(Keys {
        certificates: certificates.collect(),
        key: None,
    })
}

fn der(certificate: &p12_keystore::Certificate) -> CertificateDer<'static> {
    certificate.as_der().to_vec().into()
}
