//! TLS of our own clients, of HTTP and of what else speaks it, and what errors of the former say.

use std::{error::Error as _, sync::Arc};

use reqwest::{ClientBuilder, redirect::Policy};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// Whose certificates are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Nobody's, where no TLS is spoken: a container without root certificates is fine then.
    Nobody,
    /// Those that this machine trusts.
    Machine,
    /// Anybody's, by a setting.
    Anybody,
}

/// A configuration of our own that names no protocol, because a process-wide one may not be there, and building without one would panic.
///
/// # Errors
/// When this machine trusts nobody.
pub(crate) fn config(trust: Trust) -> Result<ClientConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = match trust {
        Trust::Nobody => builder.with_root_certificates(RootCertStore::empty()),
        Trust::Machine => builder.with_platform_verifier()?,
        Trust::Anybody => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider))),
    };
    Ok(builder.with_no_client_auth())
}

/// The same for HTTP.
///
/// # Errors
/// When this machine trusts nobody.
pub(crate) fn http_config(trust: Trust) -> Result<ClientConfig, Error> {
    let mut config = config(trust)?;
    // Not HTTP/2: there one dead connection would let every call run into its time-out.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// A client for one address, to be set up further. It follows no redirect: that would carry what it sends to somebody that no
/// setting names.
///
/// # Errors
/// When TLS is wanted and this machine trusts nobody.
pub(crate) fn client(is_https: bool) -> Result<ClientBuilder, String> {
    let trust = if is_https {
        Trust::Machine
    } else {
        Trust::Nobody
    };
    let tls = http_config(trust).map_err(|error| error.to_string())?;
    Ok(reqwest::Client::builder()
        .user_agent(concat!("confbus/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .tls_backend_preconfigured(tls))
}

/// Why a request failed, without its address. The first cause says most: `Connection refused`.
pub(crate) fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| error.to_string(), ToString::to_string)
}

/// Accepts every certificate, but only signatures that are made with it.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
