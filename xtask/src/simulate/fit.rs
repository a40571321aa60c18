//! Parameters from what was measured with few clients.

use serde::{Deserialize, Serialize};

use super::model::simulate;
use super::parameters::{Costs, Crowding, Network, Parameters};
use super::scenario::{Connections, Place, Scenario, Way, Window};
use crate::bench::fleet::trial::{Cost, OF_AN_APPLICATION};

/// Caches that are shared make nothing dearer than that.
const STEEPEST: f64 = 0.5;

/// What all pushes to a fleet of one size came to, the median of each figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Point {
    pub(super) clients: usize,
    /// Until the last one had applied a push, the median.
    pub(super) last: f64,
    pub(super) until_applied: Cost,
    pub(super) tail: Cost,
    pub(super) reports: Cost,
    /// Of an event that concerns nobody.
    pub(super) whisper: Cost,
    /// Of server and broker, in KiB.
    pub(super) memory: (f64, f64),
}

/// What questions cost a server that nobody else asks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Questions {
    pub(super) kept: f64,
    pub(super) made: f64,
}

impl Point {
    /// Without the reports.
    fn cost(&self) -> Cost {
        self.until_applied.plus(self.tail)
    }
}

/// The scenario that can be measured.
pub(super) fn together(way: Way, instances: usize) -> Scenario {
    Scenario {
        instances,
        of_an_application: OF_AN_APPLICATION,
        way,
        place: Place::Together,
        window: Window::Rule,
        connections: Connections::Kept,
    }
}

/// All that the simulation has to know, from a fleet of one, a few clients, and a few more, for each way.
pub(super) fn parameters(
    rabbit: &[Point; 3],
    stream: &[Point; 3],
    questions: Questions,
    cores: f64,
    network: Network,
) -> Parameters {
    // The work is the same for both, so both say how it gets dearer.
    let both = [(Way::Rabbit, rabbit), (Way::Stream, stream)];
    let powers = both.map(|(way, points)| power(points, |one, it| question(way, one, it)));
    let question = (powers[0] + powers[1]) / 2.0;
    let mut parameters = Parameters {
        cores,
        rabbit: costs(Way::Rabbit, rabbit, questions, question),
        stream: costs(Way::Stream, stream, questions, question),
        network,
    };
    // What is left of the time of a fleet of one is the look.
    for (way, points) in both {
        let rest = simulate(&parameters, &together(way, 1)).until(1.0);
        let look = (points[0].last - rest).max(0.0);
        match way {
            Way::Rabbit => parameters.rabbit.look = look,
            Way::Stream => parameters.stream.look = look,
        }
    }
    parameters
}

/// The costs of one way but for its look.
fn costs(way: Way, points: &[Point; 3], questions: Questions, crowding: f64) -> Costs {
    let [one, _, more] = points;
    let each = |figure: fn(&Point) -> f64| rise(one, more, figure).max(0.0);
    let aside = one.tail.server.max(0.0);
    let messages = messages(way);
    let applications = 1.0 / OF_AN_APPLICATION as f64;
    let alone = questions.made * applications + questions.kept * (1.0 - applications);
    let hear = each(|it| it.whisper.clients);
    let [server, clients] = question_parts(way, one, more);
    // A named client costs other than a bare question: what is dear stays as many times dearer.
    let scale = server.max(0.0) / alone;
    Costs {
        look: 0.0,
        look_cpu: (one.cost().server - aside).max(0.0),
        aside,
        delivery: delivery(way, one, more).max(0.0),
        messages,
        hear,
        apply: clients.max(0.0),
        post: each(|it| it.reports.clients),
        kept: questions.kept * scale,
        made: questions.made * scale,
        report: each(|it| it.reports.server),
        tidy: each(|it| it.reports.broker),
        clients: more.clients,
        crowding: Crowding {
            delivery: power(points, |one, it| rise(one, it, |it| told(way, it.whisper))),
            hear: power(points, |one, it| rise(one, it, |it| it.whisper.clients)),
            question: crowding,
            report: power(points, |one, it| {
                rise(one, it, |it| it.reports.server + it.reports.clients)
            }),
        },
        server_kib: each(|it| it.memory.0),
        broker_kib: each(|it| it.memory.1),
    }
}

/// The event, and over a broker the server's own ack.
fn messages(way: Way) -> u32 {
    match way {
        Way::Rabbit => 2,
        Way::Stream => 1,
    }
}

/// What whoever brings events spent.
fn told(way: Way, cost: Cost) -> f64 {
    match way {
        Way::Rabbit => cost.broker,
        Way::Stream => cost.server,
    }
}

/// What a message costs for each client: of a broker as the push shows it, of a server, which does more than that, as an
/// event shows it that concerns nobody.
fn delivery(way: Way, one: &Point, many: &Point) -> f64 {
    match way {
        Way::Rabbit => rise(one, many, |it| it.cost().broker) / f64::from(messages(way)),
        Way::Stream => rise(one, many, |it| it.whisper.server),
    }
}

/// What a question costs the server, and the client with what becomes of the answer.
fn question_parts(way: Way, one: &Point, many: &Point) -> [f64; 2] {
    let written = match way {
        Way::Rabbit => 0.0,
        Way::Stream => delivery(way, one, many),
    };
    let heard = f64::from(messages(way)) * rise(one, many, |it| it.whisper.clients);
    [
        rise(one, many, |it| it.cost().server) - written,
        rise(one, many, |it| it.cost().clients) - heard,
    ]
}

fn question(way: Way, one: &Point, many: &Point) -> f64 {
    question_parts(way, one, many).iter().sum()
}

/// What each client adds to a fleet of one.
fn rise(one: &Point, many: &Point, figure: impl Fn(&Point) -> f64) -> f64 {
    (figure(many) - figure(one)) / (many.clients - one.clients) as f64
}

/// The power of the number of clients by which each of them costs more: none where the measured costs fall.
fn power([one, few, more]: &[Point; 3], each: impl Fn(&Point, &Point) -> f64) -> f64 {
    let times = more.clients as f64 / few.clients as f64;
    let power = (each(one, more) / each(one, few)).ln() / times.ln();
    // What is not a number comes of figures too small to say anything.
    if power.is_finite() {
        power.clamp(0.0, STEEPEST)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten milliseconds and a tenth for each client, of everything, a part of it behind the last client.
    fn point(clients: usize) -> Point {
        let each = clients as f64 / 10.0;
        let cost = |fixed: f64, each: f64| Cost {
            server: fixed + each,
            broker: fixed + each,
            clients: each,
        };
        Point {
            clients,
            last: 40.0 + each,
            until_applied: cost(6.0, each),
            tail: cost(4.0, 0.0),
            reports: cost(0.0, each),
            whisper: cost(0.0, each / 4.0),
            memory: (1_000.0 + each, 1_000.0 + each),
        }
    }

    const QUESTIONS: Questions = Questions {
        kept: 0.01,
        made: 0.11,
    };

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-6, "{a} is not {b}");
    }

    #[test]
    fn what_was_put_in_comes_out() {
        let points = [1, 50, 200].map(point);
        let parameters = parameters(&points, &points, QUESTIONS, 2.0, Network::default());
        let costs = parameters.rabbit;
        near(costs.delivery, 0.05);
        near(costs.hear, 0.025);
        near(costs.apply, 0.05);
        near(costs.post, 0.1);
        near(costs.aside, 4.0);
        // With what the one client took of the server.
        near(costs.look_cpu, 6.1);
        near(costs.tidy, 0.1);
        near(costs.made / costs.kept, 11.0);
        near(0.1 * costs.made + 0.9 * costs.kept, 0.1);
        assert_eq!(costs.crowding, Crowding::default());
        // Of what a push takes a server with streams, the event itself is a part.
        near(parameters.stream.delivery, 0.025);
        near(parameters.stream.apply, 0.075);
        let outcome = simulate(&parameters, &together(Way::Rabbit, 1));
        near(outcome.until(1.0), 40.1);
    }

    #[test]
    fn clients_that_get_dearer_get_dearer_by_a_power() {
        let mut points = [1, 100, 400].map(point);
        // From 0.025 to 0.05 each.
        points[2].whisper.clients += 0.025 * 399.0;
        let heard = |one: &Point, it: &Point| rise(one, it, |it| it.whisper.clients);
        near(power(&points, heard), 0.5);
        let costs = costs(Way::Rabbit, &points, QUESTIONS, 0.0);
        near(costs.crowding.hear, 0.5);
        near(costs.crowded(1_600).hear, 2.0 * costs.hear);
        points.swap(1, 2);
        points[2].clients = 1_600;
        assert_eq!(power(&points, heard), 0.0, "what gets cheaper is no crowd");
    }
}
