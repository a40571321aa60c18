//! Which machines there are in a scenario, and who works where.

use super::engine::Worker;
use super::parameters::Parameters;
use super::scenario::{Place, Scenario};
use crate::bench::fleet::trial::PROCESSES;

/// The machines of a scenario.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site {
    place: Place,
    /// Threads of the server that answer, besides the one that works aside.
    server: usize,
    broker: usize,
    /// Of all clients together, which they have only where everything is on one machine.
    cores: f64,
    of_a_process: usize,
}

impl Site {
    pub(super) fn new(parameters: &Parameters, scenario: &Scenario) -> Self {
        let threads = parameters.cores.ceil() as usize;
        let (server, broker) = match scenario.place {
            Place::Together => (threads, threads),
            Place::Apart {
                server_cores,
                broker_cores,
                ..
            } => (server_cores, broker_cores),
        };
        Self {
            place: scenario.place,
            server,
            broker,
            cores: parameters.cores,
            of_a_process: scenario.instances.div_ceil(PROCESSES),
        }
    }

    /// Cores and workers of each.
    pub(super) fn machines(&self) -> Vec<(f64, usize)> {
        let of_server = self.server + 1;
        match self.place {
            Place::Together => vec![(self.cores, of_server + self.broker + PROCESSES)],
            Place::Apart { .. } => vec![
                (self.server as f64, of_server),
                (self.broker as f64, self.broker),
            ],
        }
    }

    /// A connection belongs to one thread of the server.
    pub(super) fn server(&self, connection: usize) -> Worker {
        Worker {
            machine: 0,
            number: connection % self.server,
        }
    }

    pub(super) fn aside(&self) -> Worker {
        Worker {
            machine: 0,
            number: self.server,
        }
    }

    pub(super) fn broker(&self, connection: usize) -> Worker {
        let number = connection % self.broker;
        match self.place {
            Place::Together => Worker {
                machine: 0,
                number: self.server + 1 + number,
            },
            Place::Apart { .. } => Worker { machine: 1, number },
        }
    }

    /// The process of an instance, where it has to share a machine with others.
    pub(super) fn clients(&self, instance: usize) -> Option<Worker> {
        let number = self.server + 1 + self.broker + instance / self.of_a_process;
        matches!(self.place, Place::Together).then_some(Worker { machine: 0, number })
    }

    /// One way over the network, in milliseconds.
    pub(super) fn hop(&self) -> f64 {
        match self.place {
            Place::Together => 0.0,
            Place::Apart { round_trip, .. } => round_trip / 2.0,
        }
    }
}
