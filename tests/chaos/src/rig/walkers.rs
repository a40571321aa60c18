//! Who reads through a balancer, now from one server and now from another, and must not be led back.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::history::{Name, Outcome, Read, What};
use crate::recorder::Recorder;

use super::http::{Connection, Response};
use super::reader::outcome;
use super::repository::{APPLICATIONS, address};

/// Reads on one connection before the next one, which may lead to another server.
const STAY: usize = 20;
/// Before somebody who was sent away, or was cut off, asks again.
const PAUSE: Duration = Duration::from_millis(20);
/// Bodies whose meaning is remembered.
const BODIES: usize = 256;

/// Readers of one balancer, each of which says what it has seen. What they find is in the history, under a name of their own for
/// each: its order is what one reader saw.
#[derive(Debug)]
pub struct Walkers {
    names: Vec<Name>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    found: AtomicU64,
    lagging: AtomicU64,
    failed: AtomicU64,
}

/// How many reads of walkers ended how.
#[derive(Debug, Clone, Copy, Default)]
pub struct Walked {
    /// With a configuration.
    pub found: u64,
    /// With 503 and when to come again: whoever was asked does not know yet what the reader has seen.
    pub lagging: u64,
    /// Otherwise.
    pub failed: u64,
}

impl Walkers {
    /// So many of them, until the load ends.
    pub(super) fn start(
        port: u16,
        count: usize,
        recorder: &Recorder,
        load: &mut JoinSet<()>,
    ) -> Self {
        let counts = Arc::new(Counts::default());
        let name = |number| Name::from(format!("reader-{number}"));
        let names: Vec<_> = (1..=count).map(name).collect();
        for name in &names {
            let walker = Walker {
                name: Name::clone(name),
                port,
                seen: None,
                known: HashMap::new(),
                recorder: recorder.clone(),
                counts: Arc::clone(&counts),
            };
            load.spawn(walker.walk());
        }
        Self { names, counts }
    }

    /// How it went until now.
    #[must_use]
    pub fn walked(&self) -> Walked {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Walked {
            found: load(&self.counts.found),
            lagging: load(&self.counts.lagging),
            failed: load(&self.counts.failed),
        }
    }

    pub(super) fn names(&self) -> &[Name] {
        &self.names
    }
}

struct Walker {
    name: Name,
    port: u16,
    /// The newest version that it was given.
    seen: Option<Name>,
    /// What bodies say: most come again and again.
    known: HashMap<Vec<u8>, Outcome>,
    recorder: Recorder,
    counts: Arc<Counts>,
}

impl Walker {
    async fn walk(mut self) {
        let mut connection = Connection::new(self.port);
        let addresses = APPLICATIONS.map(address);
        for (number, address) in addresses.iter().cycle().enumerate() {
            if number % STAY == 0 {
                connection = Connection::new(self.port);
            }
            if !self.read(&mut connection, address).await {
                connection = Connection::new(self.port);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Whether there was something to read.
    async fn read(&mut self, connection: &mut Connection, address: &Name) -> bool {
        let asked = self.recorder.now();
        let response = connection.get_since(address, self.seen.as_deref()).await;
        let counts = &self.counts;
        let count = match &response {
            Ok(response) if response.status == 200 => &counts.found,
            Ok(response) if response.status == 503 && response.retry_after => &counts.lagging,
            Ok(_) | Err(_) => &counts.failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
        let Ok(response) = response else { return false };
        if response.status != 200 {
            return false;
        }
        let outcome = self.outcome(&response);
        if let Outcome::Found {
            version,
            held: false,
            ..
        } = &outcome
        {
            self.seen = Some(Name::clone(version));
        }
        self.recorder.note(What::Read(Read {
            server: Name::clone(&self.name),
            address: Name::clone(address),
            asked,
            outcome,
        }));
        true
    }

    fn outcome(&mut self, response: &Response) -> Outcome {
        if let Some(known) = self.known.get(&response.body) {
            return known.clone();
        }
        if self.known.len() == BODIES {
            self.known.clear();
        }
        let outcome = outcome(response);
        self.known.insert(response.body.clone(), outcome.clone());
        outcome
    }
}
