//! TLS on our own ports: who we say that we are, and whom we ask for a certificate.
//!
//! The files may be renewed at any time. What they hold is taken for new connections once it can be used; until then, and for
//! connections that are open, everything stays as it was. Only who was trusted by its certificate has to come again when it changes
//! whom we trust.

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
        let began = Files::mark(&files);
        let current = files?.load(&settings)?;
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
    pub(super) fn not_after(&self) -> Option<Timestamp> {
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
            (Files::mark(&files), files)
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
        let load = move || files.and_then(|files| files.load(&tls.0.settings));
        // Whoever can write these files is not to end the server with them.
        let broken = |_| Err(TlsError("the files cannot be understood".into()));
        let waits = match spawn_blocking(load).await.unwrap_or_else(broken) {
            Ok(next) => Some(Arc::new(next)).filter(|next| !self.take(next)),
            Err(error) => {
                self.refuse(error);
                None
            }
        };
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
            info!("others are trusted; those who showed a certificate have to show it again");
            before.trust.withdrawn.cancel();
        }
        true
    }

    fn refuse(&self, error: TlsError) {
        if self.trouble().is_none_or(|known| *known != error) {
            warn!(%error, "the new certificate cannot be used; the one before stays");
            self.0.trouble.store(Some(Arc::new(error)));
        }
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
mod tests {
    use std::{fs, path::Path, time::SystemTime};

    use rcgen::{CertificateParams, KeyPair};
    use rustls::version::TLS13;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// Writes a certificate that begins and ends so many days after the first of all.
    fn write(path: &Path, begins: u32, ends: u32) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = (SystemTime::UNIX_EPOCH + DAY * begins).into();
        params.not_after = (SystemTime::UNIX_EPOCH + DAY * ends).into();
        let certificate = params.self_signed(&key).unwrap();
        fs::write(path, certificate.pem() + &key.serialize_pem()).unwrap();
    }

    fn open(path: &Path) -> Tls {
        open_trusting(path, None)
    }

    fn open_trusting(path: &Path, trusted: Option<&Path>) -> Tls {
        let file = |path: &Path| KeyFile {
            path: path.to_owned(),
            password: String::new().into(),
        };
        let settings = Settings {
            certificate: file(path),
            private_key: None,
            trusted: trusted.map(file),
            client_auth: match trusted {
                None => ClientAuth::None,
                Some(_) => ClientAuth::Want,
            },
            versions: vec![&TLS13],
        };
        Tls::open(settings).unwrap()
    }

    /// What is seen to be complete takes two looks.
    async fn look(tls: &Tls, seen: Seen) -> Seen {
        let seen = tls.look(seen).await;
        tls.look(seen).await
    }

    #[tokio::test]
    async fn what_was_renewed_before_anybody_followed_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.pem");
        write(&path, 1, 40_000);
        let tls = open(&path);
        let before = tls.not_after();
        write(&path, 1, 40_001);
        look(&tls, tls.seen_at_start()).await;
        assert_ne!(tls.not_after(), before);
    }

    #[tokio::test]
    async fn another_trust_ends_the_one_before_and_another_certificate_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("own.pem");
        let trusted = folder.path().join("trusted.pem");
        write(&own, 1, 40_000);
        write(&trusted, 1, 40_000);
        let tls = open_trusting(&own, Some(&trusted));
        let first = tls.terms().withdrawn;
        write(&own, 1, 40_001);
        let seen = look(&tls, tls.seen_at_start()).await;
        assert!(!first.is_cancelled());
        write(&trusted, 1, 40_001);
        look(&tls, seen).await;
        assert!(first.is_cancelled() && !tls.terms().withdrawn.is_cancelled());
    }

    #[tokio::test]
    async fn a_certificate_whose_time_is_not_now_replaces_none_whose_time_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.pem");
        write(&path, 1, 40_000);
        let tls = open(&path);
        let before = tls.not_after();
        let mut seen = tls.seen_at_start();
        for (begins, ends, reason) in [(1, 2, "has run out"), (40_000, 40_001, "has not begun")] {
            write(&path, begins, ends);
            seen = look(&tls, seen).await;
            assert_eq!(tls.not_after(), before);
            let trouble = tls.trouble().unwrap().to_string();
            assert!(trouble.ends_with(reason), "{trouble}");
        }
        // Once what is in service has run out as well, the newest counts.
        let out = Current {
            config: tls.terms().config,
            trust: tls.0.current.load().trust.clone(),
            not_before: None,
            not_after: Some(Timestamp::UNIX_EPOCH),
        };
        tls.0.current.store(Arc::new(out));
        tls.look(seen).await;
        assert!(tls.trouble().is_none() && tls.not_after() > before);
    }
}
