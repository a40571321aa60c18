mod front;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    sync::Arc,
};

use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKeyChain};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
    version::{TLS12, TLS13},
};
use tempfile::TempDir;

use super::{Answer, DEADLINE};
pub(crate) use front::{Shows, TlsFront};

/// An authority, and the files that it signed.
pub(crate) struct Authority {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

/// A client of TLS that trusts one authority.
pub(crate) struct TlsClient {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    port: u16,
}

/// A connection that has agreed on TLS.
pub(crate) type Secured = StreamOwned<ClientConnection, TcpStream>;

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Or whoever signs by itself would be called the same.
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "an authority of its own");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        let authority = Self { folder, issuer };
        authority.renew();
        authority
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes another certificate of the server, and its key.
    pub(crate) fn renew(&self) -> CertificateDer<'static> {
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let (certificate, key) = self.signed(CertificateParams::new(names).unwrap());
        fs::write(self.path("server.pem"), certificate.pem()).unwrap();
        fs::write(self.path("server.key"), key.serialize_pem()).unwrap();
        let chain = [Certificate::from_der(certificate.der()).unwrap()];
        let chain = PrivateKeyChain::new(key.serialize_der(), [1], chain);
        let mut store = KeyStore::new();
        store.add_entry("server", KeyStoreEntry::PrivateKeyChain(chain));
        let store = store.writer("changeit").write().unwrap();
        fs::write(self.path("server.p12"), store).unwrap();
        certificate.der().clone()
    }

    /// A certificate for a caller.
    pub(crate) fn issue(&self, name: &str) -> Identity {
        self.identity(CertificateParams::new(vec![name.to_owned()]).unwrap())
    }

    /// One that has run out.
    pub(crate) fn issue_expired(&self, name: &str) -> Identity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
        self.identity(params)
    }

    fn identity(&self, params: CertificateParams) -> Identity {
        let (certificate, key) = self.signed(params);
        Identity {
            certificate: certificate.der().clone(),
            key,
        }
    }

    fn signed(&self, params: CertificateParams) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// The settings of a server that speaks TLS with these files.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        let file = |name| self.path(name).display().to_string();
        vec![
            ("server.ssl.certificate", file("server.pem")),
            ("server.ssl.certificate-private-key", file("server.key")),
        ]
    }

    /// A client that names no host: it knows an address alone.
    pub(crate) fn client(&self, port: u16) -> TlsClient {
        self.client_with(port, None, &[&TLS12, &TLS13])
    }

    pub(crate) fn client_with(
        &self,
        port: u16,
        identity: Option<&Identity>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> TlsClient {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
                let chain = vec![certificate.clone()];
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        TlsClient {
            config: Arc::new(config),
            name: ServerName::try_from("127.0.0.1").unwrap(),
            port,
        }
    }
}

impl TlsClient {
    pub(crate) fn naming(self, host: &'static str) -> Self {
        let name = ServerName::try_from(host).unwrap();
        Self { name, ..self }
    }

    /// A connection; whether the server agrees shows with the first answer.
    pub(crate) fn open(&self) -> Secured {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.config), self.name.clone());
        StreamOwned::new(connection.unwrap(), stream)
    }

    /// Asks over a connection of its own, which the server has to end properly.
    pub(crate) fn get(&self, path: &str) -> std::io::Result<Answer> {
        let mut connection = self.open();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes())?;
        let mut bytes = Vec::new();
        connection.read_to_end(&mut bytes)?;
        Ok(Answer::parse(&bytes))
    }
}
