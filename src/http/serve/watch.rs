//! What connections wait for, and since when.
//!
//! A timer for each head costs more than all that a kept answer needs, so nobody sets one: each connection notes when it
//! last got on, by a clock that moves a few times a second, and one sweep a tick ends those that are overdue.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    future::poll_fn,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use tokio::{sync::Notify, task::yield_now};

use super::connection::Purpose;
use crate::http::places::Place;

/// Connections that are ended before others have their turn.
const AT_ONCE: usize = 32;
/// What a connection has in all, from its first byte to its last, for which there is no room.
const IN_ALL: Duration = Duration::from_secs(2);
/// How long who has asked nothing yet may take for that when the server stops.
const FIRST_REQUEST: Duration = Duration::from_secs(1);
/// How long the other side may go on after the last answer.
const AFTERWARDS: Duration = Duration::from_secs(2);

/// The time, to the tick. Reading it asks nobody.
#[derive(Debug)]
pub(in crate::http) struct Clock(Cell<Instant>);

impl Clock {
    pub(super) fn new() -> Self {
        Self(Cell::new(Instant::now()))
    }

    pub(in crate::http) fn now(&self) -> Instant {
        self.0.get()
    }

    pub(super) fn tick(&self) {
        self.0.set(Instant::now());
    }
}

/// The connections of one thread.
#[derive(Debug)]
pub(super) struct Watches {
    clock: Rc<Clock>,
    open: RefCell<HashMap<u64, Rc<Watch>>>,
    opened: Cell<u64>,
    closed: Notify,
}

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

/// An open connection among the others of its thread.
#[derive(Debug)]
pub(super) struct Open {
    watches: Rc<Watches>,
    number: u64,
    pub(super) watch: Rc<Watch>,
}

impl Watches {
    pub(super) fn new(clock: Rc<Clock>) -> Self {
        Self {
            clock,
            open: RefCell::default(),
            opened: Cell::default(),
            closed: Notify::new(),
        }
    }

    /// Watches a new connection until the answer is dropped.
    pub(super) fn open(self: &Rc<Self>, purpose: Purpose) -> Open {
        let watch = Rc::new(Watch {
            clock: Rc::clone(&self.clock),
            until: (purpose == Purpose::Health).then(|| self.clock.now() + IN_ALL),
            busy: Cell::new(0),
            waits: Cell::new(Waits::Request),
            since: Cell::new(self.clock.now()),
            was_used: Cell::new(false),
            handed: Cell::new(Handed::Reads),
            order: Cell::new(Order::GoOn),
            waker: RefCell::default(),
            unread: RefCell::default(),
        });
        let number = self.opened.get();
        self.opened.set(number + 1);
        self.open.borrow_mut().insert(number, Rc::clone(&watch));
        Open {
            watches: Rc::clone(self),
            number,
            watch,
        }
    }

    /// Ends the connections that let us wait for too long: a few at a time, since thousands may have
    /// begun together, and to close them takes longer than any answer.
    pub(super) async fn sweep(&self, patience: &Patience) {
        let now = self.clock.now();
        let is_overdue = |watch: &&Rc<Watch>| watch.is_overdue(now, patience);
        let overdue: Vec<_> = self
            .open
            .borrow()
            .values()
            .filter(is_overdue)
            .cloned()
            .collect();
        for some in overdue.chunks(AT_ONCE) {
            some.iter()
                .filter(is_overdue)
                .for_each(|watch| watch.tell(Order::Break));
            yield_now().await;
        }
    }

    /// Lets all connections end after the answers under way; whether they did before the future was dropped shows in
    /// that it ends.
    pub(super) async fn finish(&self) {
        self.open
            .borrow()
            .values()
            .for_each(|watch| watch.tell(Order::Finish));
        while !self.open.borrow().is_empty() {
            self.closed.notified().await;
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.watches.open.borrow_mut().remove(&self.number);
        self.watches.closed.notify_one();
    }
}

impl Watch {
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
    fn is_overdue(&self, now: Instant, patience: &Patience) -> bool {
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
        let watches = Rc::new(Watches::new(Rc::new(Clock::new())));
        let open = watches.open(Purpose::Anything);
        let now = watches.clock.now();
        open.watch.since.set(now - 30 * SECOND);
        open.watch.tell(Order::Finish);
        let is_overdue = |after| open.watch.is_overdue(now + after, &patience);
        assert!(!is_overdue(FIRST_REQUEST / 2) && is_overdue(FIRST_REQUEST));
    }

    #[test]
    fn who_is_not_trusted_any_more_asks_nothing_first() {
        let watches = Rc::new(Watches::new(Rc::new(Clock::new())));
        let [unused, used, busy] = [(), (), ()].map(|()| watches.open(Purpose::Anything));
        used.watch.got_on();
        let _busy = busy.watch.busy();
        let orders = [unused, used, busy].map(|open| {
            open.watch.withdraw();
            open.watch.order.get()
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
        let watches = Rc::new(Watches::new(Rc::clone(&clock)));
        let [anything, health] =
            [Purpose::Anything, Purpose::Health].map(|purpose| watches.open(purpose));
        let now = clock.now();
        let is_overdue = |open: &Open, after| open.watch.is_overdue(now + after, &patience);
        assert!(!is_overdue(&health, IN_ALL / 2));
        assert!(is_overdue(&health, IN_ALL) && !is_overdue(&anything, IN_ALL));
        health.watch.begins();
        assert!(is_overdue(&health, IN_ALL));
        let busy = health.watch.busy();
        assert!(!is_overdue(&health, IN_ALL));
        health.watch.stalls();
        assert!(is_overdue(&health, IN_ALL));
        drop(busy);
    }
}
