//! When servers ran, and when anything failed.

use std::collections::HashMap;

use crate::history::{Entry, Micros, Name, Outcome, What};

/// From when until when something lasted; what never ended lasts for ever.
type Span = (Micros, Micros);

/// The times of servers, clients and faults.
#[derive(Default)]
pub(super) struct Lives<'a> {
    /// When each server did not run, or did not move.
    gaps: HashMap<&'a str, Vec<Span>>,
    /// When each server served for the first time since it had nothing.
    served: HashMap<&'a str, Vec<Micros>>,
    /// When each server lost what it had.
    lost: HashMap<&'a str, Vec<Micros>>,
    /// Everything that failed, servers included.
    faults: Vec<Span>,
}

impl<'a> Lives<'a> {
    pub(super) fn of(history: &[&'a Entry]) -> Self {
        let mut lives = Self::default();
        // Where what lasts stands in its list.
        let mut open: HashMap<(Kind, &str), (usize, usize)> = HashMap::new();
        for entry in history {
            lives.note_served(entry);
            let Some((kind, name, begins)) = turn(&entry.what) else {
                continue;
            };
            if begins {
                let gaps = lives.gaps.entry(name).or_default();
                open.insert((kind, &**name), (gaps.len(), lives.faults.len()));
                gaps.push((entry.at, Micros::MAX));
                lives.faults.push((entry.at, Micros::MAX));
            } else if let Some((gap, fault)) = open.remove(&(kind, &**name)) {
                lives.gaps.entry(name).or_default()[gap].1 = entry.at;
                lives.faults[fault].1 = entry.at;
            }
        }
        lives
    }

    fn note_served(&mut self, entry: &'a Entry) {
        match &entry.what {
            What::Read(read) if matches!(read.outcome, Outcome::Found { .. }) => {
                let lost = self.lost.get(&*read.server).and_then(|lost| lost.last());
                let served = self.served.entry(&read.server).or_default();
                if served.last() <= lost {
                    served.push(entry.at);
                }
            }
            What::DiskLost { server } => self.lost.entry(server).or_default().push(entry.at),
            _ => {}
        }
    }

    /// Whether a server had something to serve at a moment, because somebody had seen it serve before.
    pub(super) fn has_served(&self, server: &str, at: Micros) -> bool {
        let last = |of: &HashMap<&str, Vec<Micros>>| {
            let times = of.get(server)?;
            times.iter().rev().find(|time| **time <= at).copied()
        };
        last(&self.served) > last(&self.lost)
    }

    /// Whether a server ran and moved all the time.
    pub(super) fn ran(&self, server: &str, (from, to): Span) -> bool {
        let gaps = self.gaps.get(server);
        !gaps.is_some_and(|gaps| overlaps(gaps, (from, to)))
    }

    /// Whether nothing failed all the time.
    pub(super) fn is_calm(&self, during: Span) -> bool {
        !overlaps(&self.faults, during)
    }

    /// When the last thing that failed was well again; nothing when something still fails.
    pub(super) fn healed(&self) -> Option<Micros> {
        let last = self.faults.iter().map(|fault| fault.1).max().unwrap_or(0);
        (last < Micros::MAX).then_some(last)
    }
}

/// What kind of thing does not work.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Down,
    Paused,
    Fault,
}

/// Whether an entry begins or ends something that does not work.
fn turn(what: &What) -> Option<(Kind, &Name, bool)> {
    Some(match what {
        What::ServerStopped { server } => (Kind::Down, server, true),
        What::ServerStarted { server } => (Kind::Down, server, false),
        What::ServerPaused { server } => (Kind::Paused, server, true),
        What::ServerContinued { server } => (Kind::Paused, server, false),
        What::FaultBegan { fault } => (Kind::Fault, fault, true),
        What::FaultEnded { fault } => (Kind::Fault, fault, false),
        _ => return None,
    })
}

fn overlaps(spans: &[Span], (from, to): Span) -> bool {
    spans.iter().any(|span| span.0 <= to && from <= span.1)
}
