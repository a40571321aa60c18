//! TLS to the broker: whom we believe, and who we say that we are.

use std::{path::PathBuf, sync::Arc};

use lapin::tcp::RustlsConnector;
use p12_keystore::{KeyStore, KeyStoreEntry};
use rustls::{
    ClientConfig, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{
        CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer,
        pem::{self, PemObject as _},
    },
};
use rustls_platform_verifier::Verifier;

use super::{
    Password, credentials,
    failure::Failure,
    verifier::{AnyName, Anyone},
};

/// How TLS is spoken with the broker. Files are read for every connection, so that they may be renewed at any time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// The certificates that vouch for the broker, instead of the system's.
    pub trusted: Option<KeyFile>,
    /// Our own certificate and those that vouch for it, for brokers that ask for one.
    pub certificate: Option<KeyFile>,
    /// Its private key in PEM, unless it lies with the certificate.
    pub private_key: Option<PathBuf>,
    /// How the broker's certificate is verified.
    pub verification: Verification,
}

/// A file with certificates, maybe with a private key: PEM or PKCS#12; which of them, the file itself says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// Where it lies.
    pub path: PathBuf,
    /// The password of a PKCS#12 store.
    pub password: Password,
}

/// How the broker's certificate is verified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verification {
    /// Somebody we trust vouches for it, and it names the host that we connect to.
    #[default]
    Full,
    /// Somebody we trust vouches for it, whatever it names.
    AnyName,
    /// Not at all: whoever answers is believed, and told our password.
    Off,
}

/// What a file holds.
#[derive(Default)]
struct Keys {
    certificates: Vec<CertificateDer<'static>>,
    key: Option<PrivateKeyDer<'static>>,
}

const JAVA_KEY_STORES: [[u8; 4]; 2] = [[0xfe, 0xed, 0xfe, 0xed], [0xce, 0xce, 0xce, 0xce]];

/// Reads the files.
pub(super) async fn connector(settings: &TlsSettings) -> Result<RustlsConnector, Failure> {
    let provider = CryptoProvider::get_default()
        .cloned()
        .unwrap_or_else(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    let verifier = verifier(settings, &provider).await?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match identity(settings).await? {
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .map_err(unusable)?,
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config).into())
}

async fn verifier(
    settings: &TlsSettings,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Failure> {
    if settings.verification == Verification::Off {
        return Ok(Arc::new(Anyone(Arc::clone(provider))));
    }
    let verifier: Arc<dyn ServerCertVerifier> = match &settings.trusted {
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for certificate in keys(file).await?.certificates {
                roots.add(certificate).map_err(unusable)?;
            }
            let builder =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
            builder
                .build()
                .map_err(|error| Failure::Keys(error.to_string()))?
        }
        None => Arc::new(Verifier::new(Arc::clone(provider)).map_err(unusable)?),
    };
    Ok(match settings.verification {
        Verification::AnyName => Arc::new(AnyName(verifier)),
        Verification::Full | Verification::Off => verifier,
    })
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

async fn identity(settings: &TlsSettings) -> Result<Option<Identity>, Failure> {
    let Some(file) = &settings.certificate else {
        return Ok(None);
    };
    let Keys { certificates, key } = keys(file).await?;
    let key = match &settings.private_key {
        Some(path) => {
            let key = PrivateKeyDer::from_pem_slice(&credentials::read(path).await?);
            let named = |error| Failure::Keys(format!("{}: {error}", path.display()));
            Some(key.map_err(named)?)
        }
        None => key,
    };
    let missing = || Failure::Keys(format!("{} holds no private key", file.path.display()));
    Ok(Some((certificates, key.ok_or_else(missing)?)))
}

async fn keys(file: &KeyFile) -> Result<Keys, Failure> {
    let bytes = credentials::read(&file.path).await?;
    let path = file.path.display();
    let unusable = |problem: String| Failure::Keys(format!("{path}: {problem}"));
    let keys = if bytes.windows(11).any(|window| window == b"-----BEGIN ") {
        pem(&bytes).map_err(|error| unusable(error.to_string()))?
    } else if JAVA_KEY_STORES.iter().any(|magic| bytes.starts_with(magic)) {
        return Err(unusable(format!(
            "it is a key store of Java's own type: make one of PKCS#12 of it, with \
             keytool -importkeystore -srckeystore {path} -destkeystore new.p12 -deststoretype PKCS12"
        )));
    } else {
        pkcs12(&bytes, file.password.reveal()).map_err(|error| unusable(error.to_string()))?
    };
    if keys.certificates.is_empty() {
        return Err(unusable("it holds no certificate".into()));
    }
    Ok(keys)
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

fn unusable(error: rustls::Error) -> Failure {
    Failure::Keys(error.to_string())
}
