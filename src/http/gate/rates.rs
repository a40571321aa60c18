use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::traffic::Traffic;
use crate::{
    http::{Limits, settings},
    network::Network,
};

/// What a rate counts in; after so long a pause all of it may be used at once.
const MINUTE: Duration = Duration::from_secs(60);
/// Addresses that are told apart; those beyond them count as one.
const ADDRESSES: usize = 4096;

/// How often addresses asked for what costs something.
#[derive(Debug)]
pub(in crate::http) struct Rates {
    rates: settings::Rates,
    counts_this_machine: bool,
    /// Locked only for what is bounded.
    used: Mutex<HashMap<(Traffic, Option<Network>), Instant>>,
}

impl Rates {
    pub(in crate::http) fn new(limits: &Limits) -> Self {
        Self {
            rates: limits.rates.clone(),
            counts_this_machine: limits.this_machine,
            used: Mutex::default(),
        }
    }

    /// Takes one of what an address has left; `Err` with how long it has to wait.
    pub(super) fn take(&self, traffic: Traffic, network: Option<Network>) -> Result<(), Duration> {
        let is_here = network.is_some_and(Network::is_this_machine);
        match self.a_minute(traffic) {
            0 => Ok(()),
            _ if is_here && !self.counts_this_machine => Ok(()),
            rate => self.take_at(Instant::now(), traffic, network, MINUTE / rate),
        }
    }

    fn a_minute(&self, traffic: Traffic) -> u32 {
        match traffic {
            Traffic::Encryption => self.rates.encryption,
            Traffic::Webhook => self.rates.webhooks,
            Traffic::Refresh => self.rates.refreshes,
            Traffic::Decision => self.rates.decisions,
            Traffic::Read | Traffic::Health | Traffic::Probe | Traffic::Look => 0,
        }
    }

    /// Each use moves the time on until which the address has used what it may.
    fn take_at(
        &self,
        now: Instant,
        traffic: Traffic,
        network: Option<Network>,
        each: Duration,
    ) -> Result<(), Duration> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = (traffic, network);
        if used.len() >= ADDRESSES && !used.contains_key(&key) {
            used.retain(|_, until| *until > now);
            if used.len() >= ADDRESSES {
                key.1 = None;
            }
        }
        let until = used.get(&key).map_or(now, |until| *until.max(&now)) + each;
        let ahead = until.duration_since(now);
        if ahead > MINUTE {
            return Err(ahead - MINUTE);
        }
        used.insert(key, until);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(number: u32) -> Option<Network> {
        Some(Network::of(
            std::net::Ipv4Addr::from(0x0a00_0000 + number).into(),
        ))
    }

    #[test]
    fn what_is_used_up_comes_back_bit_by_bit() {
        let rates = Rates::new(&Limits::default());
        let (began, each) = (Instant::now(), MINUTE / 60);
        let take = |seconds| {
            let now = began + Duration::from_secs(seconds);
            rates.take_at(now, Traffic::Webhook, network(1), each)
        };
        assert!((0..60).all(|_| take(0).is_ok()));
        assert_eq!(take(0), Err(Duration::from_secs(1)));
        assert!(take(2).is_ok() && take(2).is_ok());
        assert_eq!(take(2), Err(Duration::from_secs(1)));
        assert!((0..60).all(|_| take(100).is_ok()));
        assert!(take(100).is_err());
    }

    #[test]
    fn a_flood_of_addresses_takes_no_more_room() {
        let rates = Rates::new(&Limits::default());
        let (now, each) = (Instant::now(), MINUTE / 2);
        let take = |number| rates.take_at(now, Traffic::Webhook, network(number), each);
        let most = u32::try_from(ADDRESSES).unwrap();
        assert!((0..most + 2).all(|number| take(number).is_ok()));
        // Those that found no room of their own share one.
        assert!(take(most + 3).is_err());
        assert!(take(1).is_ok());
        assert_eq!(rates.used.lock().unwrap().len(), ADDRESSES + 1);
        let later = now + 2 * MINUTE;
        assert!(
            rates
                .take_at(later, Traffic::Webhook, network(most + 3), each)
                .is_ok()
        );
        assert_eq!(rates.used.lock().unwrap().len(), 1);
    }
}
