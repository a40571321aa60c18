//! What the simulation is told of a machine: measured figures, milliseconds unless they say otherwise.

use serde::{Deserialize, Serialize};

use super::scenario::Way;

/// What was measured in one run on one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Parameters {
    /// What server, broker and clients got of the machine's cores, which they shared with whatever else ran there.
    pub(super) cores: f64,
    pub(super) rabbit: Costs,
    pub(super) stream: Costs,
    pub(super) network: Network,
}

/// What a push costs when its event goes one of the ways.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Costs {
    /// From the webhook until the event goes out, in real time …
    pub(super) look: f64,
    /// … and what the server works for it.
    pub(super) look_cpu: f64,
    /// What the server does beside, after the event went out, whoever reads.
    pub(super) aside: f64,
    /// What one message costs for each who hears it: the broker, or the server that writes to a stream.
    pub(super) delivery: f64,
    /// Messages to each for a push: the event, and over a broker the server's own ack.
    pub(super) messages: u32,
    /// A client that hears what is nothing to it.
    pub(super) hear: f64,
    /// A client that asks, parses, checks, binds and swaps.
    pub(super) apply: f64,
    /// A client that posts its report.
    pub(super) post: f64,
    /// The server, for an answer that was made before.
    pub(super) kept: f64,
    /// The server, for the first answer of a commit to an application and its profiles.
    pub(super) made: f64,
    /// The server, for a report.
    pub(super) report: f64,
    /// The broker, for each client, when it has nothing left to do and tidies up.
    pub(super) tidy: f64,
    /// How many clients on one machine these costs are of.
    pub(super) clients: usize,
    pub(super) crowding: Crowding,
    /// Memory of the server for each client, in KiB …
    pub(super) server_kib: f64,
    /// … and of the broker.
    pub(super) broker_kib: f64,
}

/// By which power of the number of clients work gets dearer when all share the caches of one machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Crowding {
    pub(super) delivery: f64,
    pub(super) hear: f64,
    /// Of a question at both ends, and of what becomes of its answer.
    pub(super) question: f64,
    /// Of a report at both ends.
    pub(super) report: f64,
}

/// What is the same for both ways.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Network {
    /// A request on a new connection costs the server so much more …
    pub(super) connect: f64,
    /// … and with TLS 1.3 so much more than that.
    pub(super) handshake: f64,
    /// Of an answer, head and body.
    pub(super) answer_bytes: u64,
    /// Of an event.
    pub(super) event_bytes: u64,
    /// Memory of a server for each instance in a full ledger, in KiB.
    pub(super) ledger_kib: f64,
}

impl Costs {
    /// The same with so many clients on the machine.
    pub(super) fn crowded(self, clients: usize) -> Self {
        let times = clients as f64 / self.clients as f64;
        let Crowding {
            delivery,
            hear,
            question,
            report,
        } = self.crowding;
        Self {
            delivery: self.delivery * times.powf(delivery),
            hear: self.hear * times.powf(hear),
            apply: self.apply * times.powf(question),
            kept: self.kept * times.powf(question),
            made: self.made * times.powf(question),
            post: self.post * times.powf(report),
            report: self.report * times.powf(report),
            ..self
        }
    }
}

impl Parameters {
    pub(super) fn costs(&self, way: Way) -> &Costs {
        match way {
            Way::Rabbit => &self.rabbit,
            Way::Stream => &self.stream,
        }
    }
}
