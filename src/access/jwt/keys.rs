use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::{
    issuer::Place,
    keeper::{self, Keeper},
};

/// How long keys are used when their issuer cannot be asked for them.
const LONGEST_USE: Duration = Duration::from_secs(24 * 60 * 60);
/// How often a key that is not at hand makes us ask at most.
const PAUSE: Duration = Duration::from_secs(10);
/// How long a token waits for the answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Keys that are looked at.
const MOST: usize = 64;

/// The keys of an issuer, read without waiting; whoever misses one may have them fetched.
#[derive(Debug, Clone)]
pub(in crate::access) struct Keys {
    set: Arc<ArcSwapOption<Set>>,
    asking: Arc<Mutex<Asking>>,
    ring: mpsc::Sender<()>,
    fetched: watch::Receiver<u64>,
}

/// What one answer of the issuer brought.
#[derive(Debug)]
pub(in crate::access) struct Set {
    keys: Vec<Key>,
    since: Instant,
}

#[derive(Debug)]
struct Key {
    id: Option<String>,
    /// The only one that it is for.
    algorithm: Option<Algorithm>,
    key: DecodingKey,
}

/// What became of the wish for other keys than those at hand.
#[derive(Debug)]
pub(in crate::access) enum Others {
    These(Arc<Set>),
    /// The issuer answered lately, and has no others.
    None,
    /// It did not answer, or not in time: nobody knows.
    Unknown,
}

#[derive(Debug)]
struct Asking {
    under_way: bool,
    /// The last fetch brought keys.
    is_answered: bool,
    /// Nobody makes us ask before.
    next: Instant,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl Set {
    /// Reads what an issuer publishes. Keys of other kinds, or for something else, are left out.
    ///
    /// # Errors
    /// When there is none that could have signed a token.
    pub(super) fn parse(document: &[u8], since: Instant) -> Result<Self, String> {
        let document: Document =
            serde_json::from_slice(document).map_err(|error| format!("no set of keys: {error}"))?;
        let keys = document.keys.into_iter().take(MOST);
        let keys: Vec<_> = keys.filter_map(Key::read).collect();
        if keys.is_empty() {
            return Err("there is no key that tokens may be signed with".to_owned());
        }
        Ok(Self { keys, since })
    }

    /// Those that may have signed a token which names this one, or none.
    pub(super) fn candidates<'s>(
        &'s self,
        id: Option<&'s str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'s DecodingKey> {
        let is_meant = move |key: &&Key| {
            key.key.family() == algorithm.family()
                && key.algorithm.is_none_or(|only| only == algorithm)
                && id.is_none_or(|id| key.id.as_deref() == Some(id))
        };
        self.keys.iter().filter(is_meant).map(|key| &key.key)
    }

    fn is_good(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < LONGEST_USE
    }
}

impl Key {
    fn read(value: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        let is_public = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => true,
            AlgorithmParameters::EllipticCurve(curve) => {
                matches!(curve.curve, EllipticCurve::P256 | EllipticCurve::P384)
            }
            AlgorithmParameters::OctetKeyPair(pair) => pair.curve == EllipticCurve::Ed25519,
            _ => false,
        };
        let signs = jwk.common.public_key_use.as_ref();
        let signs = signs.is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
        let algorithm = match &jwk.common.key_algorithm {
            None => None,
            Some(only) => Some(only.to_string().parse().ok()?),
        };
        (is_public && signs).then_some(())?;
        Some(Self {
            key: DecodingKey::from_jwk(&jwk).ok()?,
            id: jwk.common.key_id,
            algorithm,
        })
    }
}

impl Keys {
    pub(super) fn new(place: Place, issuer: Box<str>) -> (Self, Keeper) {
        let (ring, rung) = mpsc::channel(1);
        let (round, fetched) = watch::channel(0);
        let keys = Self {
            set: Arc::default(),
            asking: Arc::new(Mutex::new(Asking {
                // The keeper begins with it.
                under_way: true,
                is_answered: false,
                next: Instant::now() + PAUSE,
            })),
            ring,
            fetched,
        };
        let keeper = Keeper::new(keeper::Parts {
            place,
            issuer,
            keys: keys.clone(),
            rung,
            round,
        });
        (keys, keeper)
    }

    /// The keys at hand, unless they are too old.
    pub(in crate::access) fn load(&self) -> Option<Arc<Set>> {
        self.set
            .load_full()
            .filter(|set| set.is_good(Instant::now()))
    }

    /// Other keys than these: such as were fetched meanwhile, or are now, if that was not done lately.
    pub(in crate::access) async fn others(&self, than: Option<&Arc<Set>>) -> Others {
        let mut fetched = self.fetched.clone();
        fetched.mark_unchanged();
        let is_other = |set: &Arc<Set>| than.is_none_or(|than| !Arc::ptr_eq(set, than));
        let others = self.load().filter(is_other);
        let mut is_answered = false;
        if others.is_none() {
            if self.ask() {
                // Whatever came of it shows in the keys.
                _ = tokio::time::timeout(PATIENCE, fetched.changed()).await;
            } else {
                is_answered = self.asking().is_answered;
            }
        }
        // One that was under way may have ended in between.
        match others.or_else(|| self.load().filter(is_other)) {
            Some(others) => Others::These(others),
            None if is_answered => Others::None,
            None => Others::Unknown,
        }
    }

    /// Asks for it; whether an answer will come.
    fn ask(&self) -> bool {
        let now = Instant::now();
        let mut asking = self.asking();
        if asking.under_way {
            return true;
        }
        if now < asking.next {
            return false;
        }
        asking.under_way = true;
        asking.next = now + PAUSE;
        // Full means that it was rung already.
        _ = self.ring.try_send(());
        true
    }

    /// The keeper begins to fetch.
    pub(super) fn begins(&self) {
        self.asking().under_way = true;
    }

    /// The keeper has fetched, or failed to.
    pub(in crate::access) fn ends(&self, set: Option<Set>) {
        let is_answered = set.is_some();
        if let Some(set) = set {
            self.set.store(Some(Arc::new(set)));
        }
        let mut asking = self.asking();
        asking.is_answered = is_answered;
        asking.under_way = false;
    }

    fn asking(&self) -> MutexGuard<'_, Asking> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl Set {
    pub(in crate::access) fn empty() -> Self {
        Self {
            keys: Vec::new(),
            since: Instant::now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keys_that_were_fetched_meanwhile_are_others() {
        let place = Place::Keys("https://idp.example/keys".parse().unwrap());
        let (keys, _keeper) = Keys::new(place, "https://idp.example".into());
        keys.ends(Some(Set::empty()));
        let held = keys.load();
        // Asked a moment ago, so nobody is asked now.
        assert!(matches!(keys.others(held.as_ref()).await, Others::None));
        keys.ends(None);
        assert!(matches!(keys.others(held.as_ref()).await, Others::Unknown));
        keys.ends(Some(Set::empty()));
        assert!(matches!(keys.others(held.as_ref()).await, Others::These(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_issuer_that_does_not_answer_in_time_says_nothing() {
        let place = Place::Keys("https://idp.example/keys".parse().unwrap());
        let (keys, _keeper) = Keys::new(place, "https://idp.example".into());
        keys.ends(Some(Set::empty()));
        keys.begins();
        let held = keys.load();
        assert!(matches!(keys.others(held.as_ref()).await, Others::Unknown));
    }
}
