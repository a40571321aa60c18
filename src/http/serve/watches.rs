//! The connections of a thread, and the sweep that ends those that are overdue.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use tokio::{sync::Notify, task::yield_now};

use super::{
    clock::Clock,
    connection::Purpose,
    watch::{Order, Patience, Watch},
};

/// Connections that are ended before others have their turn.
const AT_ONCE: usize = 32;

/// The connections of one thread.
#[derive(Debug)]
pub(super) struct Watches {
    clock: Rc<Clock>,
    open: RefCell<HashMap<u64, Rc<Watch>>>,
    opened: Cell<u64>,
    closed: Notify,
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
        let watch = Rc::new(Watch::new(Rc::clone(&self.clock), purpose));
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
