//! TLS to the brokers, in the terms of librdkafka: files are handed over as PEM, whatever they are.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rdkafka::ClientConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use super::failure::Failure;
use crate::{KeyFile, Keys, TlsSettings, Verification, broker};

/// Reads the files, which may be renewed at any time.
pub(super) async fn configure(
    config: &mut ClientConfig,
    settings: &TlsSettings,
) -> Result<(), Failure> {
    match &settings.trusted {
        Some(file) => config.set("ssl.ca.pem", certificates(&keys(file).await?.certificates)),
        // Our OpenSSL is not the system's, and does not know where that has its certificates.
        None => config.set("ssl.ca.location", "probe"),
    };
    let (verifies, algorithm) = match settings.verification {
        Verification::Full => ("true", "https"),
        Verification::AnyName => ("true", "none"),
        Verification::Off => ("false", "none"),
    };
    config.set("enable.ssl.certificate.verification", verifies);
    config.set("ssl.endpoint.identification.algorithm", algorithm);
    if let Some(file) = &settings.certificate {
        let keys = keys(file).await?;
        let key = match &settings.private_key {
            Some(path) => {
                let bytes = broker::read(path).await.map_err(Failure::file(path))?;
                let key = PrivateKeyDer::from_pem_slice(&bytes);
                Some(key.map_err(|error| Failure::Keys(format!("{}: {error}", path.display())))?)
            }
            None => keys.key,
        };
        let missing = || Failure::Keys(format!("{} holds no private key", file.path.display()));
        config.set("ssl.certificate.pem", certificates(&keys.certificates));
        config.set("ssl.key.pem", private_key(&key.ok_or_else(missing)?));
    }
    Ok(())
}

async fn keys(file: &KeyFile) -> Result<Keys, Failure> {
    let bytes = broker::read(&file.path)
        .await
        .map_err(Failure::file(&file.path))?;
    file.keys(&bytes)
        .map_err(|error| Failure::Keys(error.to_string()))
}

fn certificates(certificates: &[CertificateDer<'_>]) -> String {
    let certificates = certificates.iter();
    certificates
        .map(|certificate| pem("CERTIFICATE", certificate))
        .collect()
}

fn private_key(key: &PrivateKeyDer<'_>) -> String {
    let label = match key {
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
        _ => "PRIVATE KEY",
    };
    pem(label, key.secret_der())
}

/// Lines of 48 bytes, which are 64 characters.
fn pem(label: &str, der: &[u8]) -> String {
    let lines: Vec<_> = der.chunks(48).map(|line| STANDARD.encode(line)).collect();
    let lines = lines.join("\n");
    format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let made = rcgen::generate_simple_self_signed(vec!["broker".to_owned()]).unwrap();
        let written = certificates(&[made.cert.der().clone(), made.cert.der().clone()]);
        let read: Vec<_> = CertificateDer::pem_slice_iter(written.as_bytes())
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(read, [made.cert.der().clone(), made.cert.der().clone()]);
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let read = PrivateKeyDer::from_pem_slice(private_key(&key).as_bytes()).unwrap();
        assert_eq!(read.secret_der(), key.secret_der());
    }
}
