use std::{
    fs::File,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read as _},
    path::Path,
    sync::Arc,
};

use confbus_bus::{KeyFile, Keys};
use jiff::Timestamp;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
};
use secrecy::{ExposeSecret as _, SecretSlice};
use tokio_util::sync::CancellationToken;
use x509_parser::{parse_x509_certificate, time::ASN1Time};

use super::{ClientAuth, Current, Settings, TlsError, Trust};

/// More than any certificate chain or key store of this use.
const LARGEST: u64 = 1024 * 1024;

/// The contents of all files.
#[derive(Hash)]
pub(super) struct Files {
    certificate: Content,
    private_key: Option<Content>,
    trusted: Option<Content>,
}

/// What lies in a file: a private key may lie with any certificate.
struct Content(SecretSlice<u8>);

/// Tells contents apart without keeping them.
pub(super) type Mark = u64;

impl Hash for Content {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.expose_secret().hash(hasher);
    }
}

impl Files {
    pub(super) fn read(settings: &Settings) -> Result<Self, TlsError> {
        let optional = |path: Option<&Path>| path.map(read).transpose();
        let trusted = settings.trusted.as_ref();
        Ok(Self {
            certificate: read(&settings.certificate.path)?,
            private_key: optional(settings.private_key.as_deref())?,
            trusted: optional(trusted.map(|file| file.path.as_path()))?,
        })
    }

    /// Differs where contents do, or the reasons why there are none.
    pub(super) fn mark(files: &Result<Self, TlsError>) -> Mark {
        mark(files)
    }

    pub(super) fn load(&self, settings: &Settings) -> Result<Current, TlsError> {
        let Keys {
            certificates, key, ..
        } = keys(&settings.certificate, &self.certificate)?;
        let key = match (&settings.private_key, &self.private_key) {
            (Some(path), Some(bytes)) => Some(
                PrivateKeyDer::from_pem_slice(bytes.0.expose_secret())
                    .map_err(|error| of(path, error))?,
            ),
            _ => key,
        };
        let no_key = || of(&settings.certificate.path, "it holds no private key");
        let key = key.ok_or_else(no_key)?;
        let own = certificates.first();
        let own = own.and_then(|own| parse_x509_certificate(own).ok());
        let validity = own.as_ref().map(|(_, own)| own.validity());
        let time = |time: ASN1Time| Timestamp::from_second(time.timestamp()).ok();
        let not_before = validity.and_then(|validity| time(validity.not_before));
        let not_after = validity.and_then(|validity| time(validity.not_after));
        let provider = Arc::new(default_provider());
        let unusable = |error: rustls::Error| of(&settings.certificate.path, error);
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&settings.versions)
            .map_err(unusable)?;
        let builder = match self.verifier(settings)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder
            .with_single_cert(certificates, key)
            .map_err(unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if settings.client_auth != ClientAuth::None {
            // Who comes back shows the certificate again: it may have run out.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(Current {
            config: Arc::new(config),
            trust: Trust {
                of: mark(&self.trusted),
                withdrawn: CancellationToken::new(),
            },
            not_before,
            not_after,
        })
    }

    fn verifier(
        &self,
        settings: &Settings,
    ) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
        let (Some(file), Some(bytes)) = (&settings.trusted, &self.trusted) else {
            return Ok(None);
        };
        let mut roots = RootCertStore::empty();
        for certificate in keys(file, bytes)?.certificates {
            roots
                .add(certificate)
                .map_err(|error| of(&file.path, error))?;
        }
        let builder = WebPkiClientVerifier::builder_with_provider(
            Arc::new(roots),
            Arc::new(default_provider()),
        );
        let builder = match settings.client_auth {
            ClientAuth::None => return Ok(None),
            ClientAuth::Want => builder.allow_unauthenticated(),
            ClientAuth::Need => builder,
        };
        builder
            .build()
            .map(Some)
            .map_err(|error| of(&file.path, error))
    }
}

fn mark(contents: &impl Hash) -> Mark {
    let mut hasher = DefaultHasher::new();
    contents.hash(&mut hasher);
    hasher.finish()
}

fn keys(file: &KeyFile, content: &Content) -> Result<Keys, TlsError> {
    file.keys(content.0.expose_secret())
        .map_err(|error| TlsError(error.to_string()))
}

fn read(path: &Path) -> Result<Content, TlsError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    match read {
        Ok(length) if length as u64 > LARGEST => Err(of(path, io::ErrorKind::FileTooLarge)),
        Ok(_) => Ok(Content(bytes.into())),
        Err(error) => Err(of(path, error)),
    }
}

pub(super) fn of(path: &Path, problem: impl std::fmt::Display) -> TlsError {
    TlsError(format!("{}: {problem}", path.display()))
}
