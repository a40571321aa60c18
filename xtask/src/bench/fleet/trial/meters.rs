//! What server, broker and clients use.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::Fleet;
use crate::bench::thread_times::ThreadTimes;

/// Milliseconds of CPU time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) server: f64,
    pub(crate) broker: f64,
    /// With the threads of the program that measures to which they talk.
    pub(crate) clients: f64,
}

/// Meters of server, broker and clients.
pub(super) struct Meters([ThreadTimes; 3]);

impl Meters {
    pub(super) fn read(fleet: &Fleet) -> anyhow::Result<Self> {
        let [server, broker, clients] = fleet.processes()?;
        Ok(Self([
            ThreadTimes::of(&server)?,
            ThreadTimes::of(&broker)?,
            ThreadTimes::of(&clients)?.and_ours()?,
        ]))
    }

    pub(super) fn since(&self, earlier: &Self) -> Cost {
        let [server, broker, clients] =
            [0, 1, 2].map(|number| self.0[number].since(&earlier.0[number]));
        Cost {
            server,
            broker,
            clients,
        }
    }
}

/// What is used from one moment to the next, without what is used anyway.
pub(super) struct Laps {
    idle: Cost,
    at: Instant,
    meters: Meters,
}

impl Laps {
    pub(super) fn begin(fleet: &Fleet) -> anyhow::Result<Self> {
        Ok(Self {
            idle: fleet.idle,
            at: Instant::now(),
            meters: Meters::read(fleet)?,
        })
    }

    pub(super) fn lap(&mut self, fleet: &Fleet) -> anyhow::Result<Cost> {
        let (at, meters) = (Instant::now(), Meters::read(fleet)?);
        let anyway = self.idle.times((at - self.at).as_secs_f64());
        let cost = meters.since(&self.meters).minus(anyway);
        (self.at, self.meters) = (at, meters);
        Ok(cost)
    }
}

impl Cost {
    pub(crate) fn sum(self) -> f64 {
        self.server + self.broker + self.clients
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            server: self.server + other.server,
            broker: self.broker + other.broker,
            clients: self.clients + other.clients,
        }
    }

    pub(crate) fn times(self, factor: f64) -> Self {
        Self {
            server: self.server * factor,
            broker: self.broker * factor,
            clients: self.clients * factor,
        }
    }

    fn minus(self, other: Self) -> Self {
        self.plus(other.times(-1.0))
    }
}
