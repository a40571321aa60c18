use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::Authority;

/// TLS in front of a server without, with a certificate that can be changed.
pub(crate) struct TlsFront {
    address: SocketAddr,
    authority: Authority,
    shown: Arc<Mutex<Shown>>,
    _runtime: Runtime,
}

/// To whom connects now, and until when that lasts.
#[derive(Clone)]
struct Shown {
    config: Arc<ServerConfig>,
    over: CancellationToken,
}

/// What the front shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shows {
    /// A certificate for `localhost` of the authority.
    Good,
    Expired,
    /// One for another name.
    AnotherHost,
    /// One that no authority signed.
    SignedByItself,
}

impl TlsFront {
    /// In front of the server of this `http://` address.
    pub(crate) fn before(url: &str) -> Self {
        let behind = url.trim_start_matches("http://").split('/').next();
        let behind = behind.unwrap().parse().unwrap();
        let authority = Authority::new();
        let shown = Arc::new(Mutex::new(Shown::new(&authority, Shows::Good)));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let now = Arc::clone(&shown);
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Shown { config, over } = now.lock().unwrap().clone();
                let passing = pass_on(stream, config, behind);
                tokio::spawn(over.run_until_cancelled_owned(passing));
            }
        });
        Self {
            address,
            authority,
            shown,
            _runtime: runtime,
        }
    }

    /// A file with the authority's certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.authority.path("ca.pem")
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// To whom connects from now on; connections that are open end.
    pub(crate) fn show(&self, shows: Shows) {
        let next = Shown::new(&self.authority, shows);
        let before = std::mem::replace(&mut *self.shown.lock().unwrap(), next);
        before.over.cancel();
    }
}

impl Shown {
    fn new(authority: &Authority, shows: Shows) -> Self {
        let config = config(authority, shows);
        let over = CancellationToken::new();
        Self { config, over }
    }
}

fn config(authority: &Authority, shows: Shows) -> Arc<ServerConfig> {
    let host = match shows {
        Shows::AnotherHost => "elsewhere.example",
        _ => "localhost",
    };
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    if shows == Shows::Expired {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
    }
    let (certificate, key) = if shows == Shows::SignedByItself {
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap(), key)
    } else {
        authority.signed(params)
    };
    let certificate = CertificateDer::from(certificate);
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = builder.with_no_client_auth();
    Arc::new(builder.with_single_cert(vec![certificate], key).unwrap())
}

/// Who does not believe the certificate goes away, and so does whoever had enough.
async fn pass_on(stream: TcpStream, config: Arc<ServerConfig>, behind: SocketAddr) {
    let Ok(mut front) = TlsAcceptor::from(config).accept(stream).await else {
        return;
    };
    let mut behind = TcpStream::connect(behind).await.unwrap();
    _ = tokio::io::copy_bidirectional(&mut front, &mut behind).await;
}
