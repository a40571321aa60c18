//! What the page shows.

use std::time::Duration;

use super::super::scenario::{Connections, Place, Scenario, Way, Window};
use super::words::count;
use crate::bench::fleet::trial::OF_AN_APPLICATION;

/// What a server of the page, and a broker, has; they have it for themselves.
const CORES: usize = 4;
/// Between a client and the server or the broker of its region, in milliseconds.
const ROUND_TRIP: f64 = 1.0;
/// Instances for which a region has a server.
const OF_A_REGION: usize = 10_000;

/// Instances that a server gives a stream.
const OF_STREAMS: usize = 1_000;

/// A line of a table.
pub(super) struct Row {
    pub(super) layout: String,
    /// Of each server with its fleet; all are alike.
    pub(super) scenario: Scenario,
    pub(super) servers: u64,
}

fn row(servers: usize, instances: usize, way: Way) -> Row {
    let by = match way {
        Way::Rabbit => "RabbitMQ",
        Way::Stream => "streams",
    };
    let layout = match servers {
        1 => format!("1 server, {by}"),
        servers => format!("{} servers, {by}", count(servers as u64)),
    };
    Row {
        layout,
        scenario: Scenario {
            instances,
            of_an_application: OF_AN_APPLICATION,
            way,
            place: Place::Apart {
                server_cores: CORES,
                broker_cores: CORES,
                round_trip: ROUND_TRIP,
            },
            window: Window::Rule,
            // Pushes are rare: no connection waits that long.
            connections: Connections::Tls,
        },
        servers: servers as u64,
    }
}

/// More and more instances for one server, and then a server for each region.
pub(super) fn layouts() -> Vec<Row> {
    let rabbit = |(servers, instances)| row(servers, instances, Way::Rabbit);
    let stream = |servers| row(servers, OF_STREAMS, Way::Stream);
    let alone = [1_000, 10_000, 100_000, 1_000_000].map(|instances| (1, instances));
    let regions = [10, 100].map(|servers| (servers, OF_A_REGION));
    let mut rows: Vec<_> = alone.into_iter().chain(regions).map(rabbit).collect();
    rows.extend([1, 10, 100, 1_000].map(stream));
    rows
}

/// The fleet of one region within other windows.
pub(super) fn windows() -> Vec<Row> {
    let within = |seconds| {
        let mut row = row(1, OF_A_REGION, Way::Rabbit);
        row.scenario.window = Window::Fixed(Duration::from_secs(seconds));
        row.layout = match seconds {
            0 => "no window".to_owned(),
            seconds => format!("{seconds} s"),
        };
        row
    };
    [0, 1, 5, 30].map(within).into()
}

/// The fleet of one region over other connections.
pub(super) fn connections() -> Vec<Row> {
    let over = |(connections, name): (Connections, &str)| {
        let mut row = row(1, OF_A_REGION, Way::Rabbit);
        row.scenario.connections = connections;
        name.clone_into(&mut row.layout);
        row
    };
    let all = [
        (Connections::Kept, "kept"),
        (Connections::New, "new"),
        (Connections::Tls, "new, TLS"),
    ];
    all.map(over).into()
}
