use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use aws_lc_rs::{
    digest::SHA256_OUTPUT_LEN,
    hmac::{self, HMAC_SHA256},
    rand::SystemRandom,
};

use super::principal::Principal;

/// Credentials that are remembered at a time: those of some thousand instances with a token each.
const MOST: usize = 4096;
/// How long a credential is taken for good without another look: as long may somebody go on who was struck off.
const LONGEST: Duration = Duration::from_secs(300);

/// How long afterwards it is known that it was good: whoever comes again with it is not guessing.
const AFTERWARDS: Duration = Duration::from_secs(3600);

/// What a credential is known by: made with a key of this process, so that it says nothing about the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest([u8; SHA256_OUTPUT_LEN]);

/// Who has proved what. Readers wait for nobody; whoever adds copies the table.
pub(super) struct Remembered {
    key: hmac::Key,
    known: ArcSwap<HashMap<Digest, Entry>>,
    adding: Mutex<()>,
}

#[derive(Debug, Clone)]
struct Entry {
    principal: Arc<Principal>,
    until: Instant,
}

impl Remembered {
    pub(super) fn new() -> Self {
        Self {
            key: hmac::Key::generate(HMAC_SHA256, &SystemRandom::new())
                .expect("the system has random bytes, or no TLS would work"),
            known: ArcSwap::default(),
            adding: Mutex::new(()),
        }
    }

    /// `sort` keeps apart what is said in different ways.
    pub(super) fn digest(&self, sort: u8, credential: &[u8]) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&[sort]);
        context.update(credential);
        let mut digest = Digest([0; SHA256_OUTPUT_LEN]);
        digest.0.copy_from_slice(context.sign().as_ref());
        digest
    }

    /// What `read` makes of whoever has proved this. Nothing is written that another core reads.
    pub(super) fn with<T>(
        &self,
        digest: &Digest,
        now: Instant,
        read: impl FnOnce(&Arc<Principal>) -> T,
    ) -> Option<T> {
        let known = self.known.load();
        let entry = known.get(digest).filter(|entry| entry.until > now)?;
        Some(read(&entry.principal))
    }

    /// Whether this was proved lately, be it good no longer.
    pub(super) fn was_good(&self, digest: &Digest) -> bool {
        self.known.load().contains_key(digest)
    }

    /// Remembers somebody, but not beyond `most`.
    pub(super) fn add(
        &self,
        digest: Digest,
        principal: Arc<Principal>,
        now: Instant,
        most: Option<Duration>,
    ) {
        let until = now + most.map_or(LONGEST, |most| most.min(LONGEST));
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = HashMap::clone(&self.known.load());
        known.retain(|_, entry| entry.until + AFTERWARDS > now);
        if known.len() >= MOST && !known.contains_key(&digest) {
            let oldest = known.iter().min_by_key(|(_, entry)| entry.until);
            let oldest = oldest.map(|(digest, _)| *digest);
            oldest.map(|oldest| known.remove(&oldest));
        }
        known.insert(digest, Entry { principal, until });
        self.known.store(Arc::new(known));
    }
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.load().len();
        f.debug_struct("Remembered").field("known", &known).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{principal::Proof, rules::Grants};

    fn principal(name: &str) -> Arc<Principal> {
        Arc::new(Principal::new(name, Proof::Token, Grants::Everything))
    }

    #[test]
    fn a_credential_is_known_for_a_while() {
        let (remembered, now) = (Remembered::new(), Instant::now());
        let digest = remembered.digest(0, b"one");
        assert_ne!(digest, remembered.digest(1, b"one"));
        assert_ne!(digest, Remembered::new().digest(0, b"one"));
        remembered.add(digest, principal("ana"), now, None);
        let name = |digest, at| remembered.with(&digest, at, |known| known.name().to_owned());
        assert_eq!(name(digest, now).as_deref(), Some("ana"));
        assert_eq!(name(remembered.digest(0, b"other"), now), None);
        assert_eq!(name(digest, now + LONGEST), None);
        let later = now + LONGEST;
        remembered.add(remembered.digest(0, b"two"), principal("jo"), later, None);
        assert!(remembered.was_good(&digest));
        let later = later + AFTERWARDS;
        remembered.add(remembered.digest(0, b"two"), principal("jo"), later, None);
        assert!(!remembered.was_good(&digest));
        remembered.add(digest, principal("ana"), now, Some(Duration::from_secs(5)));
        assert_eq!(name(digest, now + Duration::from_secs(5)), None);
    }

    #[test]
    fn only_so_many_are_known() {
        let (remembered, now) = (Remembered::new(), Instant::now());
        let digest = |number: usize| remembered.digest(0, &number.to_le_bytes());
        for number in 0..=MOST {
            let later = Duration::from_millis(number as u64);
            remembered.add(digest(number), principal("ana"), now + later, None);
        }
        let is_known = |number| remembered.with(&digest(number), now, |_| ()).is_some();
        assert!(!is_known(0) && is_known(1) && is_known(MOST));
    }
}
