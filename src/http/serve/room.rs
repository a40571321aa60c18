//! How many connections there may be, in all and from one address.

use std::{net::IpAddr, sync::Arc};

use crate::{
    http::{
        Gateways, Limits,
        places::{Place, Places},
    },
    network::Network,
};

/// Connections beyond the limits that may still ask how the server is.
pub(super) const RESERVE: usize = 64;
/// Those of one network: probes come one by one, and nobody is to keep them from the others.
const RESERVE_EACH: usize = 8;

/// Room for connections, shared by all threads.
pub(super) struct Room {
    places: Arc<Places>,
    reserve: Arc<Places>,
    counts_this_machine: bool,
    /// They speak for everybody.
    gateways: Gateways,
}

/// What a connection that was accepted may do.
pub(super) enum Admission {
    Welcome(Place),
    /// There is no room: all it hears is how the server is, and that it is to come again.
    Health(Place),
    Refused,
}

impl Room {
    pub(super) fn new(connections: usize, limits: &Limits, gateways: &Gateways) -> Self {
        Self {
            places: Places::new(connections, limits.connections_per_address),
            reserve: Places::new(RESERVE, RESERVE_EACH),
            counts_this_machine: limits.this_machine,
            gateways: gateways.clone(),
        }
    }

    pub(super) fn admit(&self, address: IpAddr) -> Admission {
        if let Some(place) = self.beside(address) {
            return Admission::Welcome(place);
        }
        let reserved = self.reserve.take(Some(Network::of(address)));
        reserved.map_or(Admission::Refused, Admission::Health)
    }

    /// A place for a connection, or for what counts as one.
    pub(super) fn beside(&self, address: IpAddr) -> Option<Place> {
        let network = Network::of(address);
        let is_here = network.is_this_machine();
        let counts = (self.counts_this_machine || !is_here) && !self.gateways.trust(address);
        self.places.take(counts.then_some(network))
    }

    /// Whether others wait for those who are here.
    pub(super) fn is_full(&self) -> bool {
        self.places.are_taken()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ForwardHeaders;

    fn room(connections: usize, per_address: usize) -> Room {
        let limits = Limits {
            connections_per_address: per_address,
            ..Limits::default()
        };
        let gateways = Gateways {
            headers: ForwardHeaders::Native,
            trusted: vec!["10.9.0.0/16".parse().unwrap()],
            on_socket: false,
        };
        Room::new(connections, &limits, &gateways)
    }

    fn admit(room: &Room, address: &str) -> Admission {
        room.admit(address.parse().unwrap())
    }

    #[test]
    fn an_address_has_room_for_so_many_and_then_hears_how_the_server_is() {
        let room = room(10, 2);
        let two = [(); 2].map(|()| admit(&room, "10.0.0.7"));
        assert!(two.iter().all(|one| matches!(one, Admission::Welcome(_))));
        let more = [(); RESERVE_EACH].map(|()| admit(&room, "10.0.0.7"));
        assert!(more.iter().all(|one| matches!(one, Admission::Health(_))));
        assert!(matches!(admit(&room, "10.0.0.7"), Admission::Refused));
        assert!(matches!(admit(&room, "10.0.0.8"), Admission::Welcome(_)));
        let mine = [(); 4].map(|()| admit(&room, "127.0.0.1"));
        assert!(mine.iter().all(|one| matches!(one, Admission::Welcome(_))));
        drop(mine);
        let others = [(); 4].map(|()| admit(&room, "10.9.0.1"));
        assert!(
            others
                .iter()
                .all(|one| matches!(one, Admission::Welcome(_)))
        );
        drop(two);
        assert!(matches!(admit(&room, "10.0.0.7"), Admission::Welcome(_)));
    }

    #[test]
    fn nobody_keeps_others_from_hearing_how_the_server_is() {
        let room = room(1, 0);
        let first = admit(&room, "10.0.0.7");
        assert!(room.is_full());
        let hears =
            |address: u8| matches!(room.admit([10, 0, 0, address].into()), Admission::Health(_));
        assert!(hears(7));
        let reserve: Vec<_> = (0..=u8::MAX)
            .filter_map(
                |network| match room.admit([10, 0, 0, network / 16].into()) {
                    Admission::Health(place) => Some(place),
                    _ => None,
                },
            )
            .collect();
        assert_eq!(reserve.len(), RESERVE);
        assert!(!hears(99));
        drop(first);
        assert!(matches!(admit(&room, "10.0.0.99"), Admission::Welcome(_)));
    }
}
