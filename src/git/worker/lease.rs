use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
    time::{Duration, Instant},
};

use git2::Progress;

use crate::{git::wire::CloneProgress, look::LookError};

/// Bytes a second that must come of a first clone on average, or its remote is given up.
const LEAST_RATE: u32 = 16 << 10;
/// Between two words about a first clone.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// How long a transfer may take: until a time, or, for a first clone, as long as enough comes.
///
/// Time goes by in windows. One in which too little came is the last, so a remote that dribbles ends as early as one that
/// is silent; none goes beyond the longest time that a clone may take.
#[derive(Clone)]
pub(super) struct Lease(Rc<Inner>);

struct Inner {
    /// What is said when it is over.
    purpose: Purpose,
    window: Duration,
    /// No window ends later.
    longest: Instant,
    end: Cell<Instant>,
    received: Cell<CloneProgress>,
    /// Bytes that had come when the window began.
    before: Cell<u64>,
    /// Deltas that were taken apart.
    deltas: Cell<usize>,
    is_over: Cell<bool>,
    told: Cell<Instant>,
    tell: RefCell<Box<Tell>>,
}

/// Takes what has come; false when nobody wants to know.
pub(super) type Tell = dyn FnMut(CloneProgress) -> bool;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Look,
    Clone,
    History,
}

impl Lease {
    /// For a look: until a time.
    pub(super) fn of_look(within: Duration) -> Self {
        Self::new(Purpose::Look, within, within, Box::new(|_| true))
    }

    /// For a first clone: as long as enough comes in each window.
    pub(super) fn of_clone(window: Duration, longest: Duration, tell: Box<Tell>) -> Self {
        Self::new(Purpose::Clone, window, longest.max(window), tell)
    }

    /// For the history: until a time.
    pub(super) fn of_history(within: Duration) -> Self {
        Self::new(Purpose::History, within, within, Box::new(|_| true))
    }

    fn new(purpose: Purpose, window: Duration, longest: Duration, tell: Box<Tell>) -> Self {
        let now = Instant::now();
        Self(Rc::new(Inner {
            purpose,
            window,
            longest: now + longest,
            end: Cell::new(now + window),
            received: Cell::default(),
            before: Cell::default(),
            deltas: Cell::default(),
            is_over: Cell::default(),
            told: Cell::new(now),
            tell: RefCell::new(tell),
        }))
    }

    /// More bytes have come.
    pub(super) fn add_bytes(&self, bytes: usize) {
        let mut received = self.0.received.get();
        received.bytes += bytes as u64;
        self.0.received.set(received);
    }

    /// All bytes that have come, where somebody else counts them.
    pub(super) fn set_bytes(&self, bytes: usize) {
        let mut received = self.0.received.get();
        received.bytes = bytes as u64;
        self.0.received.set(received);
    }

    /// How many objects have come, and how far they are taken apart: that is work of our own, which no remote can draw out.
    pub(super) fn note_objects(&self, progress: &Progress<'_>) {
        let mut received = self.0.received.get();
        (received.objects, received.of_objects) = (
            progress.received_objects() as u64,
            progress.total_objects() as u64,
        );
        self.0.received.set(received);
        if progress.indexed_deltas() > self.0.deltas.replace(progress.indexed_deltas()) {
            self.begin_window(Instant::now());
        }
    }

    /// Whether there is time left. Asked all the time while something goes on.
    pub(super) fn goes_on(&self) -> bool {
        let inner = &self.0;
        let now = Instant::now();
        if now >= inner.end.get() && !self.goes_further(now) {
            inner.is_over.set(true);
        }
        if inner.purpose == Purpose::Clone && now >= inner.told.get() + TELL_EVERY {
            inner.told.set(now);
            let is_wanted = inner.tell.borrow_mut()(inner.received.get());
            inner.is_over.set(inner.is_over.get() || !is_wanted);
        }
        !inner.is_over.get()
    }

    /// When to ask again at the latest.
    pub(super) fn next_check(&self) -> Instant {
        let end = self.0.end.get();
        match self.0.purpose {
            Purpose::Clone => end.min(self.0.told.get() + TELL_EVERY),
            Purpose::Look | Purpose::History => end,
        }
    }

    /// Whether it is over, and nothing else is to blame for what failed.
    pub(super) fn is_over(&self) -> bool {
        self.0.is_over.get()
    }

    /// What is said when it is over.
    pub(super) fn in_words(&self) -> LookError {
        let came = self.0.received.get();
        let limit = match self.0.purpose {
            Purpose::Look => "confbus.git.deadline".to_owned(),
            Purpose::Clone if Instant::now() >= self.0.longest => {
                "confbus.git.clone-deadline".to_owned()
            }
            Purpose::Clone => {
                let least = LEAST_RATE >> 10;
                format!("confbus.git.deadline at less than {least} KiB a second")
            }
            Purpose::History => "ten times confbus.git.deadline".to_owned(),
        };
        LookError::Slow(format!("it took longer than {limit}; {came} came"))
    }

    /// Whether enough came for another window.
    fn goes_further(&self, now: Instant) -> bool {
        let inner = &self.0;
        let came = inner.received.get().bytes - inner.before.get();
        let enough = inner.window.as_millis() * u128::from(LEAST_RATE) / 1000;
        let goes_further =
            inner.purpose == Purpose::Clone && u128::from(came) >= enough && now < inner.longest;
        if goes_further {
            self.begin_window(now);
        }
        goes_further
    }

    fn begin_window(&self, now: Instant) {
        let inner = &self.0;
        inner.before.set(inner.received.get().bytes);
        inner.end.set((now + inner.window).min(inner.longest));
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            purpose, received, ..
        } = &*self.0;
        write!(f, "Lease({purpose:?}, {})", received.get())
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const WINDOW: Duration = Duration::from_millis(50);

    fn of_clone(longest: Duration) -> Lease {
        Lease::of_clone(WINDOW, longest, Box::new(|_| true))
    }

    /// Asks until the end of the window is over.
    fn after_window(lease: &Lease) -> bool {
        let end = lease.0.end.get();
        while Instant::now() < end {
            thread::yield_now();
        }
        lease.goes_on()
    }

    #[test]
    fn a_clone_goes_on_as_long_as_enough_comes() {
        let lease = of_clone(Duration::from_secs(60));
        for _ in 0..3 {
            lease.add_bytes(1 << 20);
            assert!(after_window(&lease));
        }
        assert!(!after_window(&lease));
        let words = lease.in_words().to_string();
        assert!(
            words.ends_with("at less than 16 KiB a second; 3.1 MB came"),
            "{words}"
        );
    }

    #[test]
    fn what_came_early_does_not_pay_for_later_windows() {
        let lease = of_clone(Duration::from_secs(60));
        lease.add_bytes(1 << 30);
        assert!(after_window(&lease));
        lease.add_bytes(10);
        assert!(!after_window(&lease));
    }

    #[test]
    fn no_clone_goes_on_for_ever() {
        let lease = of_clone(2 * WINDOW);
        let mut windows = 0;
        loop {
            lease.add_bytes(1 << 20);
            if !after_window(&lease) {
                break;
            }
            windows += 1;
        }
        assert!(windows <= 2, "{windows}");
        let words = lease.in_words().to_string();
        assert!(
            words.contains("longer than confbus.git.clone-deadline;"),
            "{words}"
        );
    }

    #[test]
    fn a_look_ends_at_its_time_whatever_comes() {
        assert!(Lease::of_look(Duration::from_secs(60)).goes_on());
        let lease = Lease::of_look(WINDOW);
        lease.add_bytes(1 << 30);
        assert!(!after_window(&lease));
        let words = lease.in_words().to_string();
        assert!(
            words.contains("longer than confbus.git.deadline; 1073.7 MB came"),
            "{words}"
        );
    }

    #[test]
    fn a_clone_that_nobody_waits_for_ends() {
        let lease = Lease::of_clone(
            Duration::from_secs(60),
            Duration::from_secs(60),
            Box::new(|_| false),
        );
        while Instant::now() < lease.next_check() {
            thread::yield_now();
        }
        assert!(!lease.goes_on());
    }
}
