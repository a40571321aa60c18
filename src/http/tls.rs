//! TLS on our own ports: who we say that we are, and whom we ask for a certificate.
//!
//! The files may be renewed at any time. What they hold is taken for new connections once it can be used; until then, and for
//! connections that are open, everything stays as it was. Only who was trusted by its certificate has to come again when it changes
//! whom we trust, which does not wait for a certificate of ours that cannot be used yet.

mod files;
mod name;

use std::{path::PathBuf, sync::Arc, time::Duration};

use arc_swap::{ArcSwap, ArcSwapOption};
use confbus_bus::KeyFile;
use jiff::Timestamp;
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::{task::spawn_blocking, time::sleep};
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
    /// `server.http2.enabled`: whether HTTP/2 is offered, before HTTP/1.1. Off by default.
    pub(crate) http2: bool,
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
    /// What was read at the start.
    began: Mark,
    current: ArcSwap<Current>,
    /// Why the files are not what is spoken.
    trouble: ArcSwapOption<TlsError>,
}

/// What new connections are given.
#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    trust: Trust,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
}

/// Whom we believe about those who ask us, for as long as that stays so.
#[derive(Debug, Clone)]
struct Trust {
    /// Tells the certificates of those apart.
    of: Mark,
    withdrawn: CancellationToken,
}

/// What a new connection is given.
pub(super) struct Terms {
    pub(super) config: Arc<ServerConfig>,
    /// Cancelled when another trust takes the place of that by which certificates are judged.
    pub(super) withdrawn: CancellationToken,
}

/// What was seen of the files.
struct Seen {
    last: Mark,
    /// What is in service, or was found to be of no use.
    judged: Mark,
    /// What is good but for its time, while what is in service is good.
    waits: Option<Arc<Current>>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Where they do not hold what they should.
    pub(crate) fn open(settings: Settings) -> Result<Self, TlsError> {
        let files = Files::read(&settings);
        let began = files.mark();
        let current = files.load(&settings)?;
        Ok(Self(Arc::new(Inner {
            settings,
            began,
            current: ArcSwap::from_pointee(current),
            trouble: ArcSwapOption::empty(),
        })))
    }

    /// What a new connection is given.
    pub(super) fn terms(&self) -> Terms {
        let current = self.0.current.load();
        Terms {
            config: Arc::clone(&current.config),
            withdrawn: current.trust.withdrawn.clone(),
        }
    }

    /// Whether callers may show a certificate.
    pub(crate) fn asks_for_certificates(&self) -> bool {
        self.0.settings.client_auth != ClientAuth::None
    }

    /// When our certificate ends.
    pub(crate) fn not_after(&self) -> Option<Timestamp> {
        self.0.current.load().not_after
    }

    /// Why new files are not in use.
    pub(super) fn trouble(&self) -> Option<Arc<TlsError>> {
        self.0.trouble.load_full()
    }

    /// Takes what the files hold whenever they change, until `shutdown`.
    pub(crate) async fn follow(self, shutdown: CancellationToken) {
        let mut seen = self.seen_at_start();
        while shutdown.run_until_cancelled(sleep(LOOK)).await.is_some() {
            seen = self.look(seen).await;
        }
    }

    /// Files that were changed since are new ones.
    fn seen_at_start(&self) -> Seen {
        Seen {
            last: self.0.began,
            judged: self.0.began,
            waits: None,
        }
    }

    async fn look(&self, seen: Seen) -> Seen {
        let tls = self.clone();
        // Files may lie on a disk that is away, and a key store takes its time.
        let read = spawn_blocking(move || {
            let files = Files::read(&tls.0.settings);
            (files.mark(), files)
        });
        let Ok((last, files)) = read.await else {
            return seen;
        };
        if last == seen.judged {
            let waits = seen.waits.filter(|next| !self.take(next));
            return Seen {
                last,
                waits,
                ..seen
            };
        }
        if last != seen.last {
            return Seen { last, ..seen };
        }
        let tls = self.clone();
        let load = move || {
            let (settings, now) = (&tls.0.settings, tls.0.current.load_full());
            (files.load(settings), files.trusting(settings, &now))
        };
        // Whoever can write these files is not to end the server with them.
        let broken = || TlsError("the files cannot be understood".into());
        let loaded = spawn_blocking(load).await;
        let (next, trusting) = loaded.unwrap_or_else(|_| (Err(broken()), Err(broken())));
        let waits = match next {
            Ok(next) => Some(Arc::new(next)).filter(|next| !self.take(next)),
            Err(error) => {
                self.refuse(error);
                None
            }
        };
        // Why it cannot be trusted has been told: the certificate cannot be used with it, either.
        if let Ok(trusting) = trusting {
            self.trust(trusting);
        }
        Seen {
            last,
            judged: last,
            waits,
        }
    }

    /// Takes what is to be in service, unless its time is not now while that of what is there is; whether it did.
    fn take(&self, next: &Arc<Current>) -> bool {
        let now = Timestamp::now();
        if let Err(reason) = next.is_in_force(now)
            && self.0.current.load().is_in_force(now).is_ok()
        {
            self.refuse(files::of(&self.0.settings.certificate.path, reason));
            return false;
        }
        let before = self.0.current.load_full();
        self.0.current.store(Arc::new(next.after(&before)));
        self.0.trouble.store(None);
        info!("the certificate was renewed");
        if before.trust.of != next.trust.of {
            before.trust.withdraw();
        }
        true
    }

    /// Takes another trust without another certificate of ours.
    fn trust(&self, trusting: Current) {
        let before = self.0.current.load_full();
        if before.trust.of != trusting.trust.of {
            self.0.current.store(Arc::new(trusting));
            before.trust.withdraw();
        }
    }

    fn refuse(&self, error: TlsError) {
        if self.trouble().is_none_or(|known| *known != error) {
            warn!(%error, "the new certificate cannot be used; the one before stays");
            self.0.trouble.store(Some(Arc::new(error)));
        }
    }
}

impl Trust {
    fn withdraw(&self) {
        info!("others are trusted; those who showed a certificate have to show it again");
        self.withdrawn.cancel();
    }
}

impl Current {
    /// The same, under the trust that is there unless it is another.
    fn after(&self, before: &Self) -> Self {
        let trust = if self.trust.of == before.trust.of {
            &before.trust
        } else {
            &self.trust
        };
        Self {
            config: Arc::clone(&self.config),
            trust: trust.clone(),
            ..*self
        }
    }

    /// Whether now is the time of our certificate, or why not.
    fn is_in_force(&self, now: Timestamp) -> Result<(), &'static str> {
        if self.not_before.is_some_and(|begin| now < begin) {
            return Err("the time of the certificate has not begun");
        }
        if self.not_after.is_some_and(|end| now > end) {
            return Err("the certificate has run out");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
