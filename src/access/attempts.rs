use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::Unknown;
use crate::network::Network;

/// Attempts that may fail at once, from one address.
const BURST: u32 = 20;
/// After so long one more may.
const PAUSE: Duration = Duration::from_secs(3);
/// Addresses that are told apart. Where there are more, those that failed longest ago begin anew.
const MOST: usize = 8192;

/// How often somebody failed to prove who it is: of each address when all its attempts will be back. Clones count together.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts(Arc<Mutex<HashMap<Network, Instant>>>);

/// An attempt from one address. It goes where the check goes, which may outlive whoever asked for it.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    attempts: Attempts,
    address: IpAddr,
    is_excused: bool,
}

/// An attempt that has failed unless it turns out otherwise, also when nobody waits for that any more.
#[derive(Debug)]
pub(super) struct Suspect(Option<Attempt>);

impl Suspect {
    /// It is not to be counted, or was.
    pub(super) fn clear(mut self) {
        self.0 = None;
    }
}

impl Drop for Suspect {
    fn drop(&mut self) {
        if let Some(attempt) = &self.0 {
            attempt.failed();
        }
    }
}

impl Attempt {
    pub(super) fn suspect(&self) -> Suspect {
        Suspect(Some(self.clone()))
    }

    /// One that goes on however many others failed.
    pub(super) fn excused(self) -> Self {
        Self {
            is_excused: true,
            ..self
        }
    }

    /// Whether there have not been too many.
    ///
    /// # Errors
    /// [`Unknown::TooOften`] with how long to wait.
    pub(super) fn may_go_on(&self) -> Result<(), Unknown> {
        if self.is_excused {
            return Ok(());
        }
        let allowed = self.attempts.check(self.address, Instant::now());
        allowed.map_err(Unknown::TooOften)
    }

    /// Notes that it failed.
    pub(super) fn failed(&self) -> Unknown {
        self.attempts.failed(self.address, Instant::now());
        Unknown::NotBelieved
    }
}

impl Attempts {
    pub(super) fn of(&self, address: IpAddr) -> Attempt {
        Attempt {
            attempts: self.clone(),
            address,
            is_excused: false,
        }
    }

    /// Whether this address may try.
    ///
    /// # Errors
    /// How long to wait until it may.
    fn check(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let full_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = full_at.get(&Network::of(address));
        let missing = full.map_or(Duration::ZERO, |full| full.saturating_duration_since(now));
        match (missing + PAUSE).checked_sub(PAUSE * BURST) {
            None | Some(Duration::ZERO) => Ok(()),
            Some(wait) => Err(wait),
        }
    }

    /// Notes that it tried and failed.
    fn failed(&self, address: IpAddr, now: Instant) {
        let address = Network::of(address);
        let mut full_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= MOST && !full_at.contains_key(&address) {
            make_room(&mut full_at, now);
        }
        let full = full_at.entry(address).or_insert(now);
        // Those that failed at the same time count no more than a whole burst.
        *full = (*full).max(now).min(now + PAUSE * (BURST - 1)) + PAUSE;
    }
}

fn make_room(full_at: &mut HashMap<Network, Instant>, now: Instant) {
    full_at.retain(|_, full| *full > now);
    if full_at.len() >= MOST {
        let oldest = full_at.iter().min_by_key(|(_, full)| **full);
        let oldest = oldest.map(|(address, _)| *address);
        oldest.map(|oldest| full_at.remove(&oldest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries(attempts: &Attempts, address: &str, now: Instant) -> Result<(), Duration> {
        let address = address.parse().unwrap();
        attempts.check(address, now)?;
        attempts.failed(address, now);
        Ok(())
    }

    #[test]
    fn after_many_failures_somebody_waits() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for _ in 0..BURST {
            assert_eq!(tries(&attempts, "10.0.0.7", now), Ok(()));
        }
        assert_eq!(tries(&attempts, "10.0.0.7", now), Err(PAUSE));
        assert_eq!(
            tries(&attempts, "10.0.0.7", now + PAUSE / 2),
            Err(PAUSE / 2)
        );
        assert_eq!(tries(&attempts, "10.0.0.8", now), Ok(()));
        assert_eq!(tries(&attempts, "10.0.0.7", now + PAUSE), Ok(()));
        assert!(tries(&attempts, "10.0.0.7", now + PAUSE).is_err());
    }

    #[test]
    fn failures_at_the_same_time_lock_nobody_out_for_long() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        let address = "10.0.0.7".parse().unwrap();
        for _ in 0..1000 {
            attempts.failed(address, now);
        }
        assert_eq!(attempts.check(address, now), Err(PAUSE));
    }

    #[test]
    fn a_network_of_ipv6_counts_once() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for number in 0..BURST {
            assert_eq!(
                tries(&attempts, &format!("2001:db8::{number:x}"), now),
                Ok(())
            );
        }
        assert!(tries(&attempts, "2001:db8::ffff:1", now).is_err());
        assert!(tries(&attempts, "2001:db8:0:1::1", now).is_ok());
    }

    #[test]
    fn only_so_many_addresses_are_told_apart() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for number in 0..=u32::try_from(MOST).unwrap() {
            attempts.failed(IpAddr::V4(number.into()), now);
        }
        assert_eq!(attempts.0.lock().unwrap().len(), MOST);
    }
}
