//! How many connections there may be, in all and from one address.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::{Limits, network::Network};

/// Connections beyond the limit that may still ask how the server is.
const RESERVE: usize = 64;

/// Room for connections, shared by all threads.
pub(super) struct Room {
    all: Arc<Semaphore>,
    reserve: Arc<Semaphore>,
    per_address: usize,
    counts_this_machine: bool,
    /// Locked when a connection begins and when it ends, never for a request.
    addresses: Mutex<HashMap<Network, usize>>,
}

/// What a connection that was accepted may do.
pub(super) enum Admission {
    Welcome(Place),
    /// There is no room: all it hears is how the server is, and that it is to come again.
    Health(Place),
    Refused,
}

/// One connection's place until it is dropped.
pub(super) struct Place {
    room: Arc<Room>,
    network: Option<Network>,
    _permit: OwnedSemaphorePermit,
}

impl Room {
    pub(super) fn new(connections: usize, limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            all: Arc::new(Semaphore::new(connections)),
            reserve: Arc::new(Semaphore::new(RESERVE)),
            per_address: limits.connections_per_address,
            counts_this_machine: limits.this_machine,
            addresses: Mutex::default(),
        })
    }

    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Admission {
        let network = Network::of(address);
        let counts =
            self.per_address > 0 && (self.counts_this_machine || !network.is_this_machine());
        let place = |permit, network| Place {
            room: Arc::clone(self),
            network,
            _permit: permit,
        };
        let Ok(permit) = Arc::clone(&self.all).try_acquire_owned() else {
            return match Arc::clone(&self.reserve).try_acquire_owned() {
                Ok(permit) => Admission::Health(place(permit, None)),
                Err(_) => Admission::Refused,
            };
        };
        let network = counts.then_some(network);
        if network.is_some_and(|network| !self.has_room_for(network)) {
            return Admission::Refused;
        }
        Admission::Welcome(place(permit, network))
    }

    fn has_room_for(&self, network: Network) -> bool {
        let mut addresses = self.addresses();
        let count = addresses.entry(network).or_default();
        let has_room = *count < self.per_address;
        *count += usize::from(has_room);
        has_room
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<Network, usize>> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(network) = self.network else { return };
        if let Entry::Occupied(mut count) = self.room.addresses().entry(network) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(connections: usize, per_address: usize) -> Arc<Room> {
        let limits = Limits {
            connections_per_address: per_address,
            ..Limits::default()
        };
        Room::new(connections, &limits)
    }

    fn admit(room: &Arc<Room>, address: &str) -> Admission {
        room.admit(address.parse().unwrap())
    }

    #[test]
    fn an_address_has_room_for_so_many_and_others_for_theirs() {
        let room = room(10, 2);
        let two = [(); 2].map(|()| admit(&room, "10.0.0.7"));
        assert!(two.iter().all(|one| matches!(one, Admission::Welcome(_))));
        assert!(matches!(admit(&room, "10.0.0.7"), Admission::Refused));
        assert!(matches!(admit(&room, "10.0.0.8"), Admission::Welcome(_)));
        let mine = [(); 4].map(|()| admit(&room, "127.0.0.1"));
        assert!(mine.iter().all(|one| matches!(one, Admission::Welcome(_))));
        drop(two);
        assert!(matches!(admit(&room, "10.0.0.7"), Admission::Welcome(_)));
        drop(mine);
        assert!(room.addresses().is_empty());
    }

    #[test]
    fn a_few_more_than_there_is_room_for_hear_how_the_server_is() {
        let room = room(1, 0);
        let first = admit(&room, "10.0.0.7");
        let reserve: Vec<_> = (0..RESERVE).map(|_| admit(&room, "10.0.0.7")).collect();
        assert!(
            reserve
                .iter()
                .all(|one| matches!(one, Admission::Health(_)))
        );
        assert!(matches!(admit(&room, "10.0.0.7"), Admission::Refused));
        drop(first);
        assert!(matches!(admit(&room, "10.0.0.7"), Admission::Welcome(_)));
    }
}
