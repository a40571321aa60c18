//! TLS on our own ports: who we say that we are, and whom we ask for a certificate.
//!
//! The files may be renewed at any time. What they hold is taken for new connections once it can be used; until then, and for
//! connections that are open, everything stays as it was.

mod files;
mod name;

use std::{path::PathBuf, sync::Arc, time::Duration};

use arc_swap::{ArcSwap, ArcSwapOption};
use confbus_bus::KeyFile;
use jiff::Timestamp;
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use files::{Files, Mark};
pub(super) use name::name;

/// How often the files are read. What two readings in a row have shown is complete: files are written one after the other.
const LOOK: Duration = Duration::from_secs(1);

/// How TLS is spoken on our ports.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `server.ssl.certificate` or `server.ssl.key-store`: our certificate and those that vouch for it.
    pub(crate) certificate: KeyFile,
    /// `server.ssl.certificate-private-key`: its key, unless it lies with the certificate.
    pub(crate) private_key: Option<PathBuf>,
    /// `server.ssl.trust-certificate` or `server.ssl.trust-store`: who vouches for those who ask us.
    pub(crate) trusted: Option<KeyFile>,
    /// `server.ssl.client-auth`; nobody is asked by default.
    pub(crate) client_auth: ClientAuth,
    /// `server.ssl.enabled-protocols`: TLS 1.2 and 1.3 by default.
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
}

/// Whether callers show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ClientAuth {
    /// `none`: they are not asked.
    #[default]
    None,
    /// `want`: they may. One that is not good ends the connection all the same.
    Want,
    /// `need`: they must.
    Need,
}

/// Why files cannot be used; for people.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TlsError(String);

/// TLS as it is spoken now; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Tls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    current: ArcSwap<Current>,
    /// Why the files are not what is spoken.
    trouble: ArcSwapOption<TlsError>,
}

/// What new connections are given.
#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    not_after: Option<Timestamp>,
}

/// What was seen of the files.
struct Seen {
    last: Mark,
    /// What is in service, or was found to be of no use.
    judged: Mark,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Where they do not hold what they should.
    pub(crate) fn open(settings: Settings) -> Result<Self, TlsError> {
        let current = Files::read(&settings)?.load(&settings)?;
        Ok(Self(Arc::new(Inner {
            settings,
            current: ArcSwap::from_pointee(current),
            trouble: ArcSwapOption::empty(),
        })))
    }

    /// What a new connection is given.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.current.load().config)
    }

    /// Whether callers may show a certificate.
    pub(crate) fn asks_for_certificates(&self) -> bool {
        self.0.settings.client_auth != ClientAuth::None
    }

    /// When our certificate ends.
    pub(super) fn not_after(&self) -> Option<Timestamp> {
        self.0.current.load().not_after
    }

    /// Why new files are not in use.
    pub(super) fn trouble(&self) -> Option<Arc<TlsError>> {
        self.0.trouble.load_full()
    }

    /// Takes what the files hold whenever they change, until `shutdown`.
    pub(crate) async fn follow(self, shutdown: CancellationToken) {
        let began = Files::mark(&Files::read(&self.0.settings));
        let mut seen = Seen {
            last: began,
            judged: began,
        };
        while shutdown.run_until_cancelled(sleep(LOOK)).await.is_some() {
            let tls = self.clone();
            // Files may lie on a disk that is away, and a key store takes its time.
            let look = tokio::task::spawn_blocking(move || tls.look(seen));
            let Ok(next) = look.await else { return };
            seen = next;
        }
    }

    fn look(&self, seen: Seen) -> Seen {
        let files = Files::read(&self.0.settings);
        let last = Files::mark(&files);
        if last != seen.last || last == seen.judged {
            return Seen { last, ..seen };
        }
        match files.and_then(|files| files.load(&self.0.settings)) {
            Ok(current) => {
                self.0.current.store(Arc::new(current));
                self.0.trouble.store(None);
                info!("the certificate was renewed");
            }
            Err(error) => {
                warn!(%error, "the new certificate cannot be used; the one before stays");
                self.0.trouble.store(Some(Arc::new(error)));
            }
        }
        Seen { last, judged: last }
    }
}
