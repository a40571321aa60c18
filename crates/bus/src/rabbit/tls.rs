//! TLS to the broker: whom we believe, and who we say that we are.

use std::sync::Arc;

use lapin::tcp::RustlsConnector;
use rustls::{
    ClientConfig, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;

use super::{
    credentials,
    failure::Failure,
    verifier::{AnyName, Anyone},
};
use crate::{KeyFile, Keys, TlsSettings, Verification};

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
    file.keys(&bytes)
        .map_err(|error| Failure::Keys(error.to_string()))
}

fn unusable(error: rustls::Error) -> Failure {
    Failure::Keys(error.to_string())
}
