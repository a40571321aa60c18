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
    ConfigBuilder, RootCertStore, ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
    server::{
        NoServerSessionStorage, WantsServerCert, WebPkiClientVerifier, danger::ClientCertVerifier,
    },
};
use secrecy::{ExposeSecret as _, SecretSlice};
use tokio_util::sync::CancellationToken;
use x509_parser::{parse_x509_certificate, time::ASN1Time};

use super::{ClientAuth, Current, Settings, TlsError, Trust};

/// More than any certificate chain or key store of this use.
const LARGEST: u64 = 1024 * 1024;

/// The contents of all files, or why there are none.
#[derive(Hash)]
pub(super) struct Files {
    certificate: Result<Content, TlsError>,
    private_key: Option<Result<Content, TlsError>>,
    trusted: Option<Result<Content, TlsError>>,
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
    pub(super) fn read(settings: &Settings) -> Self {
        let trusted = settings.trusted.as_ref();
        Self {
            certificate: read(&settings.certificate.path),
            private_key: settings.private_key.as_deref().map(read),
            trusted: trusted.map(|file| read(&file.path)),
        }
    }

    /// Differs where contents do, or the reasons why there are none.
    pub(super) fn mark(&self) -> Mark {
        mark(self)
    }

    pub(super) fn load(&self, settings: &Settings) -> Result<Current, TlsError> {
        let certificate = self.certificate.as_ref().map_err(Clone::clone)?;
        let Keys {
            certificates, key, ..
        } = keys(&settings.certificate, certificate)?;
        let key = match (&settings.private_key, &self.private_key) {
            (Some(path), Some(bytes)) => {
                let bytes = bytes.as_ref().map_err(Clone::clone)?;
                Some(
                    PrivateKeyDer::from_pem_slice(bytes.0.expose_secret())
                        .map_err(|error| of(path, error))?,
                )
            }
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
        let config = self
            .builder(settings)?
            .with_single_cert(certificates, key)
            .map_err(|error| of(&settings.certificate.path, error))?;
        Ok(Current {
            config: finished(config, settings),
            trust: self.trust(),
            not_before,
            not_after,
        })
    }

    /// What is spoken now, but for whom we trust.
    pub(super) fn trusting(&self, settings: &Settings, now: &Current) -> Result<Current, TlsError> {
        let own = Arc::clone(&now.config.cert_resolver);
        let config = self.builder(settings)?.with_cert_resolver(own);
        Ok(Current {
            config: finished(config, settings),
            trust: self.trust(),
            ..*now
        })
    }

    fn builder(
        &self,
        settings: &Settings,
    ) -> Result<ConfigBuilder<ServerConfig, WantsServerCert>, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&settings.versions)
            .map_err(|error| of(&settings.certificate.path, error))?;
        Ok(match self.verifier(settings)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        })
    }

    fn trust(&self) -> Trust {
        Trust {
            of: mark(&self.trusted),
            withdrawn: CancellationToken::new(),
        }
    }

    fn verifier(
        &self,
        settings: &Settings,
    ) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
        let (Some(file), Some(bytes)) = (&settings.trusted, &self.trusted) else {
            return Ok(None);
        };
        let bytes = bytes.as_ref().map_err(Clone::clone)?;
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

/// The same for all certificates of ours.
fn finished(mut config: ServerConfig, settings: &Settings) -> Arc<ServerConfig> {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    if settings.http2 {
        config.alpn_protocols.insert(0, b"h2".to_vec());
    }
    if settings.client_auth != ClientAuth::None {
        // Who comes back shows the certificate again: it may have run out.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Arc::new(config)
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
