//! TLS against a listener of our own, which shakes hands and then hangs up.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, path::Path, path::PathBuf, sync::Arc, time::Duration};

use confbus_bus::{Address, Bus, KeyFile, RabbitSettings, Status, TlsSettings, Verification};
use p12_keystore::{Certificate, KeyStore, KeyStoreEntry};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(20);

/// An authority, and files that it signed.
struct Certificates {
    folder: TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Certificates {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        let certificate = Certificate::from_der(authority.der()).unwrap();
        let mut store = KeyStore::new();
        store.add_entry("ca", KeyStoreEntry::Certificate(certificate));
        let store = store.writer("changeit").write().unwrap();
        fs::write(folder.path().join("ca.p12"), store).unwrap();
        fs::write(folder.path().join("ca.jks"), b"\xfe\xed\xfe\xed").unwrap();
        Self { folder, authority }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str) -> KeyFile {
        KeyFile {
            path: self.path(name),
            password: "changeit".into(),
        }
    }

    fn issue(&self, name: &str) -> (CertificateDer<'static>, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        fs::write(self.path("client.pem"), certificate.pem()).unwrap();
        fs::write(self.path("client.key"), key.serialize_pem()).unwrap();
        (certificate.der().clone(), key)
    }

    /// A listener with a certificate for this host, and a bell that rings for every handshake that succeeds.
    async fn listen(&self, host: &str, asks_for_certificates: bool) -> (u16, mpsc::Receiver<()>) {
        let (certificate, key) = self.issue(host);
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if asks_for_certificates {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = builder.with_single_cert(vec![certificate], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (ring, bell) = mpsc::channel(16);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                if acceptor.accept(stream).await.is_ok() {
                    _ = ring.try_send(());
                }
            }
        });
        (port, bell)
    }
}

/// Whether hands were shaken; otherwise what the status says.
async fn shakes_hands(
    port: u16,
    bell: &mut mpsc::Receiver<()>,
    tls: TlsSettings,
) -> Result<(), String> {
    let (bus, driver) = Bus::rabbit(RabbitSettings::default().with(|rabbit| {
        rabbit.addresses = vec![Address {
            host: "localhost".into(),
            port,
        }];
        rabbit.ssl = true;
        rabbit.tls = tls;
    }));
    let shutdown = CancellationToken::new();
    let failed = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        loop {
            ticks.tick().await;
            if let Status::Disconnected {
                error,
                attempts: 1..,
            } = bus.status()
                && (error.contains("TLS") || error.contains("cannot be read"))
            {
                return error;
            }
        }
    };
    let outcome = async {
        tokio::select! {
            Some(()) = bell.recv() => Ok(()),
            error = failed => Err(error),
            () = driver.run(shutdown) => unreachable!(),
        }
    };
    tokio::time::timeout(DEADLINE, outcome).await.unwrap()
}

fn trusting(file: Option<KeyFile>, verification: Verification) -> TlsSettings {
    TlsSettings {
        trusted: file,
        verification,
        ..TlsSettings::default()
    }
}

#[tokio::test]
async fn a_broker_is_believed_whom_our_authority_vouches_for() {
    let certificates = Certificates::new();
    let (port, mut bell) = certificates.listen("localhost", false).await;
    for (trusted, verification, expected) in [
        (Some("ca.pem"), Verification::Full, true),
        (Some("ca.p12"), Verification::Full, true),
        (None, Verification::Full, false),
        (None, Verification::AnyName, false),
        (None, Verification::Off, true),
    ] {
        let tls = trusting(trusted.map(|name| certificates.file(name)), verification);
        let shaken = shakes_hands(port, &mut bell, tls).await;
        assert_eq!(
            shaken.is_ok(),
            expected,
            "{trusted:?} {verification:?}: {shaken:?}"
        );
    }
}

#[tokio::test]
async fn a_broker_of_another_name_is_believed_when_names_do_not_count() {
    let certificates = Certificates::new();
    let (port, mut bell) = certificates.listen("broker.example", false).await;
    for (verification, expected) in [(Verification::Full, false), (Verification::AnyName, true)] {
        let tls = trusting(Some(certificates.file("ca.pem")), verification);
        let shaken = shakes_hands(port, &mut bell, tls).await;
        assert_eq!(shaken.is_ok(), expected, "{verification:?}: {shaken:?}");
    }
}

#[tokio::test]
async fn we_show_our_certificate_where_we_are_asked() {
    let certificates = Certificates::new();
    let (port, mut bell) = certificates.listen("localhost", true).await;
    let without = trusting(Some(certificates.file("ca.pem")), Verification::Full);
    let with = TlsSettings {
        certificate: Some(certificates.file("client.pem")),
        private_key: Some(certificates.path("client.key")),
        ..without.clone()
    };
    let shaken = shakes_hands(port, &mut bell, with).await;
    assert_eq!(shaken, Ok(()));
    let nothing = tokio::time::timeout(
        Duration::from_millis(500),
        shakes_hands(port, &mut bell, without),
    );
    assert!(
        !matches!(nothing.await, Ok(Ok(()))),
        "without a certificate"
    );
}

#[tokio::test]
async fn files_of_no_use_are_named() {
    let certificates = Certificates::new();
    let (port, mut bell) = certificates.listen("localhost", false).await;
    fs::write(certificates.path("empty.pem"), "-----BEGIN NOTHING-----\n").unwrap();
    let wrong = KeyFile {
        password: "s3cret".into(),
        ..certificates.file("ca.p12")
    };
    let missing = KeyFile {
        path: Path::new("/nowhere/ca.pem").into(),
        password: "".into(),
    };
    for (file, expected) in [
        (certificates.file("ca.jks"), "keytool"),
        (certificates.file("empty.pem"), "empty.pem"),
        (wrong, "ca.p12"),
        (missing, "/nowhere/ca.pem"),
    ] {
        let tls = trusting(Some(file), Verification::Full);
        let error = shakes_hands(port, &mut bell, tls).await.unwrap_err();
        assert!(
            error.contains(expected) && !error.contains("s3cret"),
            "{error}"
        );
    }
}
