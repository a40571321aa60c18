//! What connections wait for, and since when.
//!
//! A timer for each head costs more than all that a kept answer needs, so nobody sets one: each connection notes when it
//! last got on, by a clock that moves a few times a second, and one sweep a tick ends those that are overdue.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use super::{clock::Clock, connection::Purpose};
use crate::http::places::Place;

/// What a connection has in all, from its first byte to its last, for which there is no room.
const IN_ALL: Duration = Duration::from_secs(2);
/// How long who has asked nothing yet may take for that when the server stops.
const FIRST_REQUEST: Duration = Duration::from_secs(1);
/// How long the other side may go on after the last answer.
const AFTERWARDS: Duration = Duration::from_secs(2);

/// One connection, as it is watched.
#[derive(Debug)]
pub(super) struct Watch {
    clock: Rc<Clock>,
    /// When it ends whatever it waits for, but for an answer of ours.
    until: Option<Instant>,
    /// Answers under way.
    busy: Cell<u32>,
    waits: Cell<Waits>,
    /// When that began: when something was last sent, or an answer ended, or a head began.
    since: Cell<Instant>,
    /// Something was asked on it, or is being asked.
    was_used: Cell<bool>,
    handed: Cell<Handed>,
    order: Cell<Order>,
    waker: RefCell<Option<Waker>>,
    /// Requests beside others whose answers somebody is to read on, each with when it was given the last piece.
    unread: RefCell<Vec<(u64, Instant)>>,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// The first byte of a request, or our own answer.
    Request,
    /// The rest of a head.
    Head,
    /// Somebody who takes what is to be sent.
    Reader,
    /// The other side, to be done.
    End,
}

/// How long connections may let us wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For a request to begin.
    pub(super) idle: Duration,
    /// For the end of a head that has begun.
    pub(super) head: Duration,
    /// For anything to be taken of what is sent.
    pub(super) send: Duration,
}

/// How far somebody is with a connection that was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handed {
    /// No request was read to its end.
    Reads,
    /// Answers are under way.
    Answers,
    /// All that was asked is answered, and all answers are sent.
    Sent,
    /// Nobody else can tell where its requests end.
    ForGood,
}

/// What a connection is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    GoOn,
    /// End after the answers under way.
    Finish,
    /// End at once.
    Break,
}

/// As long as this lives, the connection waits for us and not for its caller.
#[derive(Debug)]
pub(in crate::http) struct Busy {
    watch: Rc<Watch>,
    /// What it takes beside others.
    _place: Option<Place>,
}

impl Watch {
    /// Of a connection that begins now.
    pub(super) fn new(clock: Rc<Clock>, purpose: Purpose) -> Self {
        let now = clock.now();
        Self {
            clock,
            until: (purpose == Purpose::Health).then(|| now + IN_ALL),
            busy: Cell::new(0),
            waits: Cell::new(Waits::Request),
            since: Cell::new(now),
            was_used: Cell::new(false),
            handed: Cell::new(Handed::Reads),
            order: Cell::new(Order::GoOn),
            waker: RefCell::default(),
            unread: RefCell::default(),
        }
    }

    /// Something was sent.
    pub(super) fn got_on(&self) {
        self.was_used.set(true);
        self.waits(Waits::Request);
    }

    /// Whether anything was asked on it. Everybody asks once more when a connection ends that was used before; the end of a new
    /// one is an answer.
    pub(super) fn was_used(&self) -> bool {
        self.was_used.get()
    }

    /// Something of a head has come, but not its end.
    pub(super) fn begins(&self) {
        if self.busy.get() == 0 && self.waits.get() == Waits::Request {
            self.waits(Waits::Head);
        }
    }

    /// Nobody takes what is to be sent.
    pub(super) fn stalls(&self) {
        if self.waits.get() != Waits::Reader {
            self.waits(Waits::Reader);
        }
    }

    /// Nothing is sent any more.
    pub(super) fn lingers(&self) {
        self.waits(Waits::End);
    }

    fn waits(&self, waits: Waits) {
        self.waits.set(waits);
        self.since.set(self.clock.now());
    }

    /// Whether it let us wait for too long.
    pub(super) fn is_overdue(&self, now: Instant, patience: &Patience) -> bool {
        let is_left = |since: &Instant| now.saturating_duration_since(*since) >= patience.send;
        if self.unread.borrow().iter().any(|(_, since)| is_left(since)) {
            return true;
        }
        let patience = match self.waits.get() {
            Waits::Reader => patience.send,
            // It waits for us.
            _ if self.busy.get() > 0 => return false,
            Waits::Head => patience.head,
            Waits::Request if self.order.get() == Order::Finish => patience.idle.min(FIRST_REQUEST),
            Waits::Request => patience.idle,
            Waits::End => AFTERWARDS,
        };
        let waited = now.saturating_duration_since(self.since.get());
        waited >= patience || self.until.is_some_and(|until| now >= until)
    }

    pub(super) fn busy(self: &Rc<Self>) -> Busy {
        self.busy_with(None)
    }

    /// With what counts as a connection.
    pub(super) fn busy_at(self: &Rc<Self>, place: Place) -> Busy {
        self.busy_with(Some(place))
    }

    fn busy_with(self: &Rc<Self>, place: Option<Place>) -> Busy {
        self.busy.set(self.busy.get() + 1);
        self.moves(Handed::Answers);
        Busy {
            watch: Rc::clone(self),
            _place: place,
        }
    }

    /// Whether answers are under way.
    pub(super) fn is_busy(&self) -> bool {
        self.busy.get() > 0
    }

    /// Somebody is to read on in this answer.
    pub(super) fn waits_for_reader_of(&self, number: u64) {
        self.unread.borrow_mut().push((number, self.clock.now()));
    }

    /// Somebody has, or nobody is to.
    pub(super) fn is_read(&self, number: u64) {
        self.unread
            .borrow_mut()
            .retain(|(unread, _)| *unread != number);
    }

    /// What was to be sent is taken again, if it was not before.
    pub(super) fn is_taken(&self) {
        if self.waits.get() == Waits::Reader {
            self.got_on();
        }
    }

    /// Ends it at once.
    pub(super) fn breaks(&self) {
        self.tell(Order::Break);
    }

    /// Somebody begins to read the connection.
    pub(super) fn hand_over(&self) {
        self.was_used.set(true);
        self.handed.set(Handed::Reads);
    }

    /// Whoever reads the connection is never done with it.
    pub(super) fn leave(&self) {
        self.moves(Handed::ForGood);
    }

    /// All that was to be sent so far is sent.
    pub(super) fn flushed(&self) {
        self.is_taken();
        if self.busy.get() == 0 && self.handed.get() == Handed::Answers {
            self.moves(Handed::Sent);
        }
    }

    #[cfg(test)]
    pub(super) fn waits_for_its_reader(&self) -> bool {
        self.waits.get() == Waits::Reader
    }

    /// Whether whoever was handed the connection is done with it.
    pub(super) fn is_handed_back(&self) -> bool {
        self.handed.get() == Handed::Sent
    }

    fn moves(&self, handed: Handed) {
        if self.handed.get() != Handed::ForGood {
            self.handed.set(handed);
        }
    }

    pub(super) fn tell(&self, order: Order) {
        if order == Order::Finish && !self.was_used() && self.waits.get() == Waits::Request {
            // From now on it has a moment.
            self.since.set(self.clock.now());
        }
        self.order.set(order);
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Lets it end after the answers under way: at once, where none is.
    pub(super) fn withdraw(&self) {
        let is_idle = !self.was_used() && self.busy.get() == 0;
        self.tell(if is_idle { Order::Break } else { Order::Finish });
    }

    /// Resolves once it is to end at once.
    pub(super) async fn is_to_break(&self) {
        let order = |cx: &mut Context<'_>| match self.order(cx) {
            Order::GoOn | Order::Finish => Poll::Pending,
            Order::Break => Poll::Ready(()),
        };
        poll_fn(order).await;
    }

    /// What to do now; a later order wakes whoever asked.
    pub(super) fn order(&self, cx: &mut Context<'_>) -> Order {
        let mut waker = self.waker.borrow_mut();
        if !waker
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            *waker = Some(cx.waker().clone());
        }
        self.order.get()
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.watch.busy.set(self.watch.busy.get() - 1);
        self.watch.got_on();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn who_has_asked_nothing_has_a_moment_from_the_stop_on() {
        let patience = Patience {
            idle: 60 * SECOND,
            head: 10 * SECOND,
            send: 30 * SECOND,
        };
        let clock = Rc::new(Clock::new());
        let watch = Watch::new(Rc::clone(&clock), Purpose::Anything);
        let now = clock.now();
        watch.since.set(now - 30 * SECOND);
        watch.tell(Order::Finish);
        let is_overdue = |after| watch.is_overdue(now + after, &patience);
        assert!(!is_overdue(FIRST_REQUEST / 2) && is_overdue(FIRST_REQUEST));
    }

    #[test]
    fn who_is_not_trusted_any_more_asks_nothing_first() {
        let clock = Rc::new(Clock::new());
        let watch = |()| Rc::new(Watch::new(Rc::clone(&clock), Purpose::Anything));
        let [unused, used, busy] = [(), (), ()].map(watch);
        used.got_on();
        let _busy = busy.busy();
        let orders = [unused, used, busy].map(|watch| {
            watch.withdraw();
            watch.order.get()
        });
        assert_eq!(orders, [Order::Break, Order::Finish, Order::Finish]);
    }

    #[test]
    fn who_only_hears_how_the_server_is_has_a_moment_in_all() {
        let patience = Patience {
            idle: 60 * SECOND,
            head: 10 * SECOND,
            send: 30 * SECOND,
        };
        let clock = Rc::new(Clock::new());
        let watch = |purpose| Rc::new(Watch::new(Rc::clone(&clock), purpose));
        let [anything, health] = [Purpose::Anything, Purpose::Health].map(watch);
        let now = clock.now();
        let is_overdue = |watch: &Watch, after| watch.is_overdue(now + after, &patience);
        assert!(!is_overdue(&health, IN_ALL / 2));
        assert!(is_overdue(&health, IN_ALL) && !is_overdue(&anything, IN_ALL));
        health.begins();
        assert!(is_overdue(&health, IN_ALL));
        let busy = health.busy();
        assert!(!is_overdue(&health, IN_ALL));
        health.stalls();
        assert!(is_overdue(&health, IN_ALL));
        drop(busy);
    }
}
