//! A world without a clock: moments to come, and machines whose workers share their cores.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

/// What happens next in a world, and when; all times are milliseconds.
pub(super) struct World<E> {
    now: f64,
    timers: BinaryHeap<Reverse<(Moment, u64, E)>>,
    machines: Vec<Machine<E>>,
    /// Of what comes at the same moment, what was asked for first comes first.
    asked: u64,
}

/// Cores, and workers that take their pieces one after the other. When more workers are busy than there are cores, all are
/// equally slow, as the system's scheduler has it.
struct Machine<E> {
    cores: f64,
    workers: Vec<VecDeque<(f64, E)>>,
    /// Up to when `attained` is right.
    at: f64,
    /// How much work a worker has done that was busy all the time.
    attained: f64,
    /// What `attained` will be when a worker's piece is done.
    busy: BinaryHeap<Reverse<(Moment, usize)>>,
}

/// A number of milliseconds with an order.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Moment(f64);

/// A worker of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Worker {
    pub(super) machine: usize,
    pub(super) number: usize,
}

impl<E: Ord> World<E> {
    /// For each machine its cores and its workers.
    pub(super) fn new(machines: &[(f64, usize)]) -> Self {
        Self {
            now: 0.0,
            timers: BinaryHeap::new(),
            machines: machines.iter().copied().map(Machine::new).collect(),
            asked: 0,
        }
    }

    pub(super) fn now(&self) -> f64 {
        self.now
    }

    /// Has something happen so much later.
    pub(super) fn after(&mut self, pause: f64, event: E) {
        self.asked += 1;
        let at = Moment(self.now + pause);
        self.timers.push(Reverse((at, self.asked, event)));
    }

    /// Gives a worker a piece of work; the event happens when it is done.
    pub(super) fn work(&mut self, worker: Worker, work: f64, event: E) {
        self.machines[worker.machine].give(self.now, worker.number, work, event);
    }

    /// Goes on to what happens next.
    pub(super) fn next(&mut self) -> Option<E> {
        let timer = self.timers.peek().map(|Reverse((at, ..))| at.0);
        let done = self
            .machines
            .iter()
            .enumerate()
            .filter_map(|(number, machine)| Some((machine.next_done()?, number)))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        match (timer, done) {
            (_, Some((at, number))) if timer.is_none_or(|timer| at <= timer) => {
                self.now = self.now.max(at);
                self.machines[number].take(self.now)
            }
            _ => {
                let Reverse((at, _, event)) = self.timers.pop()?;
                self.now = self.now.max(at.0);
                Some(event)
            }
        }
    }
}

impl<E> Machine<E> {
    fn new((cores, workers): (f64, usize)) -> Self {
        Self {
            cores,
            workers: (0..workers).map(|_| VecDeque::new()).collect(),
            at: 0.0,
            attained: 0.0,
            busy: BinaryHeap::new(),
        }
    }

    /// What each busy worker gets of a core.
    fn share(&self) -> f64 {
        (self.cores / self.busy.len().max(1) as f64).min(1.0)
    }

    fn advance(&mut self, now: f64) {
        self.attained += (now - self.at) * self.share();
        self.at = now;
    }

    fn give(&mut self, now: f64, number: usize, work: f64, event: E) {
        self.advance(now);
        let waiting = &mut self.workers[number];
        waiting.push_back((work, event));
        if waiting.len() == 1 {
            let done = Moment(self.attained + work);
            self.busy.push(Reverse((done, number)));
        }
    }

    fn next_done(&self) -> Option<f64> {
        let Reverse((done, _)) = self.busy.peek()?;
        Some(self.at + (done.0 - self.attained).max(0.0) / self.share())
    }

    fn take(&mut self, now: f64) -> Option<E> {
        self.advance(now);
        let Reverse((_, number)) = self.busy.pop()?;
        let (_, event) = self.workers[number].pop_front()?;
        if let Some((work, _)) = self.workers[number].front() {
            let done = Moment(self.attained + work);
            self.busy.push(Reverse((done, number)));
        }
        Some(event)
    }
}

impl Eq for Moment {}

impl Ord for Moment {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(world: &mut World<u32>) -> Vec<(f64, u32)> {
        std::iter::from_fn(|| {
            let event = world.next()?;
            Some((world.now(), event))
        })
        .collect()
    }

    fn worker(number: usize) -> Worker {
        Worker { machine: 0, number }
    }

    #[test]
    fn timers_come_in_their_order() {
        let mut world = World::new(&[]);
        for (pause, event) in [(2.0, 3), (1.0, 2), (2.0, 1)] {
            world.after(pause, event);
        }
        assert_eq!(told(&mut world), [(1.0, 2), (2.0, 3), (2.0, 1)]);
    }

    #[test]
    fn a_worker_does_one_thing_after_the_other() {
        let mut world = World::new(&[(8.0, 1)]);
        world.work(worker(0), 2.0, 1);
        world.work(worker(0), 1.0, 2);
        assert_eq!(told(&mut world), [(2.0, 1), (3.0, 2)]);
    }

    #[test]
    fn workers_share_what_cores_there_are() {
        let mut world = World::new(&[(1.0, 2)]);
        world.work(worker(0), 1.0, 1);
        world.work(worker(1), 3.0, 2);
        // Half a core each until 2; the other one has a core of its own from then on.
        assert_eq!(told(&mut world), [(2.0, 1), (4.0, 2)]);
        let mut enough = World::new(&[(2.0, 2)]);
        enough.work(worker(0), 1.0, 1);
        enough.work(worker(1), 3.0, 2);
        assert_eq!(told(&mut enough), [(1.0, 1), (3.0, 2)]);
    }

    #[test]
    fn work_that_comes_later_slows_down_what_is_there() {
        let mut world = World::new(&[(1.0, 2)]);
        world.work(worker(0), 2.0, 1);
        world.after(1.0, 9);
        assert_eq!(world.next(), Some(9));
        world.work(worker(1), 0.5, 2);
        assert_eq!(told(&mut world), [(2.0, 2), (2.5, 1)]);
    }
}
