//! The servers there are: those that the settings name, or those that a registry names now, each with its breaker.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use arc_swap::ArcSwap;

use crate::{
    balance::{Asker, Balance, Candidate, order},
    breaker::Breaker,
    error::Failure,
    health::{BreakerState, ServerHealth},
    settings::{FailOver, Server},
    store::lock,
};

/// A list that is replaced as a whole. Who stays on it keeps its number, its breaker and its count.
pub(crate) struct Servers {
    all: ArcSwap<Vec<Arc<Known>>>,
    /// Numbers are never given twice, so that a server that is gone is not taken for another one.
    next: AtomicUsize,
    turn: AtomicUsize,
    fail_over: FailOver,
    balance: Balance,
    /// Who asks.
    instance: String,
}

/// A server of the list.
pub(crate) struct Known {
    pub(crate) id: usize,
    pub(crate) server: Server,
    breaker: Mutex<Breaker>,
    outstanding: AtomicUsize,
}

/// A request without an answer yet.
pub(crate) struct Outstanding<'a>(&'a Known);

impl Drop for Outstanding<'_> {
    fn drop(&mut self) {
        self.0.outstanding.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Servers {
    pub(crate) fn new(
        servers: &[Server],
        fail_over: FailOver,
        balance: Balance,
        instance: &str,
    ) -> Self {
        let all = Self {
            all: ArcSwap::default(),
            next: AtomicUsize::new(0),
            turn: AtomicUsize::new(0),
            fail_over,
            balance,
            instance: instance.to_owned(),
        };
        all.replace(servers);
        all
    }

    /// Puts others in their place; whether that changed anything.
    pub(crate) fn replace(&self, servers: &[Server]) -> bool {
        let before = self.all();
        let known = |server: &Server| before.iter().find(|known| known.server == *server);
        let all: Vec<_> = servers
            .iter()
            .map(|server| match known(server) {
                Some(known) => Arc::clone(known),
                None => Arc::new(self.meet(server)),
            })
            .collect();
        let is_same = all.len() == before.len() && servers.iter().all(|one| known(one).is_some());
        self.all.store(Arc::new(all));
        !is_same
    }

    fn meet(&self, server: &Server) -> Known {
        Known {
            id: self.next.fetch_add(1, Ordering::Relaxed),
            server: server.clone(),
            breaker: Mutex::new(Breaker::new(server.to_string())),
            outstanding: AtomicUsize::new(0),
        }
    }

    pub(crate) fn all(&self) -> Arc<Vec<Arc<Known>>> {
        self.all.load_full()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.load().is_empty()
    }

    /// `None` when it is not on the list any more.
    pub(crate) fn get(&self, id: usize) -> Option<Arc<Known>> {
        let all = self.all.load();
        all.iter().find(|known| known.id == id).cloned()
    }

    /// The servers to ask, in order.
    pub(crate) fn in_turn(&self) -> Vec<Arc<Known>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.ordered(self.balance, turn, Known::is_open)
    }

    /// The one behind another, round and round; whom to stay with for long.
    pub(crate) fn behind(&self, id: Option<usize>) -> Option<Arc<Known>> {
        let balance = match self.balance {
            Balance::InOrder => Balance::InOrder,
            _ => Balance::Spread,
        };
        let all = self.ordered(balance, 0, |_| false);
        let at = id.and_then(|id| all.iter().position(|known| known.id == id));
        let next = at.map_or(0, |at| at + 1);
        all.get(next).or_else(|| all.first()).cloned()
    }

    fn ordered(
        &self,
        balance: Balance,
        turn: usize,
        is_open: impl Fn(&Known) -> bool,
    ) -> Vec<Arc<Known>> {
        let all = self.all();
        let candidates: Vec<_> = all
            .iter()
            .map(|known| Candidate {
                id: known.id,
                address: known.server.to_string(),
                is_open: is_open(known),
                outstanding: known.outstanding.load(Ordering::Relaxed),
            })
            .collect();
        let asker = Asker {
            instance: &self.instance,
            turn,
            chance: RandomState::new().hash_one(0_u8),
        };
        let ids = order(balance, &candidates, asker).into_iter();
        ids.filter_map(|id| all.iter().find(|known| known.id == id).cloned())
            .collect()
    }

    /// Notes how a request ended.
    pub(crate) fn note(&self, known: &Known, failure: Option<&Failure>) {
        let mut breaker = lock(&known.breaker);
        let is_broken = |failure: &&Failure| match self.fail_over {
            FailOver::Always => failure.is_of_server(),
            // What a server says is final, 503 too.
            FailOver::ConnectionFailure => failure.is_of_connection(),
        };
        match failure.filter(is_broken) {
            Some(failure) => breaker.failed(failure),
            // Whatever it says, it answers.
            None => breaker.answered(),
        }
    }

    pub(crate) fn health(&self) -> Vec<ServerHealth> {
        let all = self.all.load();
        all.iter()
            .map(|known| lock(&known.breaker).health())
            .collect()
    }
}

impl Known {
    /// Counts a request until its answer is there.
    pub(crate) fn asked(&self) -> Outstanding<'_> {
        self.outstanding.fetch_add(1, Ordering::Relaxed);
        Outstanding(self)
    }

    fn is_open(&self) -> bool {
        lock(&self.breaker).state() == BreakerState::Open
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn servers() -> Servers {
        with(FailOver::Always, Balance::InOrder)
    }

    fn parsed(addresses: &[&str]) -> Vec<Server> {
        let servers = addresses.iter();
        servers
            .map(|url| Server::parse(url, None, None).unwrap())
            .collect()
    }

    fn with(fail_over: FailOver, balance: Balance) -> Servers {
        Servers::new(
            &parsed(&["http://a", "http://b"]),
            fail_over,
            balance,
            "orders:1:x",
        )
    }

    fn note(servers: &Servers, id: usize, failure: Option<&Failure>) {
        servers.note(&servers.get(id).unwrap(), failure);
    }

    fn in_turn(servers: &Servers) -> Vec<usize> {
        servers.in_turn().iter().map(|known| known.id).collect()
    }

    fn state(servers: &Servers) -> BreakerState {
        servers.health()[0].breaker
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_fails_three_times_is_left_alone_for_growing_pauses() {
        let servers = servers();
        let fail = || note(&servers, 0, Some(&Failure::Timeout));
        fail();
        fail();
        assert_eq!(in_turn(&servers), [0, 1]);
        fail();
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(
                (in_turn(&servers), state(&servers)),
                (vec![1], BreakerState::Open)
            );
            tokio::time::advance(Duration::from_millis(pause * 500 - 100)).await;
            assert_eq!(state(&servers), BreakerState::Open, "half of {pause} s");
            tokio::time::advance(Duration::from_millis(pause * 500 + 200)).await;
            assert_eq!(
                (in_turn(&servers), state(&servers)),
                (vec![0, 1], BreakerState::HalfOpen)
            );
            fail();
        }
        note(&servers, 0, None);
        assert_eq!(servers.health()[0].failures, 0);
        fail();
        assert_eq!(state(&servers), BreakerState::Closed);
    }

    #[test]
    fn who_answers_is_not_broken() {
        let servers = servers();
        for _ in 0..5 {
            note(&servers, 0, Some(&Failure::NotFound));
            note(&servers, 0, Some(&Failure::Denied { status: 401 }));
            note(&servers, 0, Some(&Failure::Status { status: 503 }));
            note(&servers, 0, Some(&Failure::Status { status: 503 }));
        }
        assert_eq!(state(&servers), BreakerState::Closed);
    }

    #[test]
    fn when_only_connections_count_who_answers_badly_is_asked_on() {
        let servers = with(FailOver::ConnectionFailure, Balance::InOrder);
        for _ in 0..5 {
            note(&servers, 0, Some(&Failure::Status { status: 503 }));
        }
        assert_eq!(state(&servers), BreakerState::Closed);
        for _ in 0..3 {
            note(&servers, 0, Some(&Failure::Timeout));
        }
        assert_eq!(state(&servers), BreakerState::Open);
    }

    #[test]
    fn when_all_are_open_all_are_asked() {
        let servers = servers();
        for _ in 0..3 {
            note(&servers, 0, Some(&Failure::Timeout));
            note(&servers, 1, Some(&Failure::Status { status: 500 }));
        }
        assert_eq!(state(&servers), BreakerState::Open);
        assert_eq!(in_turn(&servers), [0, 1]);
    }

    #[test]
    fn who_stays_on_the_list_keeps_its_number_and_its_breaker() {
        let servers = servers();
        for _ in 0..3 {
            note(&servers, 1, Some(&Failure::Timeout));
        }
        assert!(servers.replace(&parsed(&["http://c", "http://b"])));
        assert_eq!(in_turn(&servers), [2]);
        assert_eq!(servers.health()[1].failures, 3);
        assert!(servers.get(0).is_none());
        assert!(!servers.replace(&parsed(&["http://b", "http://c"])));
        // Other credentials make another one.
        assert!(servers.replace(&parsed(&["http://b", "http://u:p@c"])));
        assert_eq!(in_turn(&servers), [3]);
    }

    #[test]
    fn a_request_counts_until_its_end() {
        let servers = with(FailOver::Always, Balance::LeastOutstanding);
        let first = servers.in_turn().remove(0);
        let outstanding = first.asked();
        for _ in 0..4 {
            assert_ne!(in_turn(&servers)[0], first.id);
        }
        drop(outstanding);
        let firsts: Vec<_> = (0..2).map(|_| in_turn(&servers)[0]).collect();
        assert!(firsts.contains(&first.id));
    }

    #[test]
    fn a_stream_goes_round() {
        let servers = servers();
        let next = |id| servers.behind(id).unwrap().id;
        assert_eq!(
            (next(None), next(Some(0)), next(Some(1)), next(Some(7))),
            (0, 1, 0, 0)
        );
        servers.replace(&[]);
        assert!(servers.behind(None).is_none());
    }
}
