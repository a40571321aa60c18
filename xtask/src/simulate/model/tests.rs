use super::super::parameters::Crowding;
use super::super::scenario::{Place, Window};
use super::*;

const COSTS: Costs = Costs {
    look: 30.0,
    look_cpu: 20.0,
    aside: 10.0,
    delivery: 0.03,
    messages: 2,
    hear: 0.04,
    apply: 0.15,
    post: 0.06,
    kept: 0.02,
    made: 0.1,
    report: 0.03,
    tidy: 0.1,
    clients: 200,
    crowding: Crowding {
        delivery: 0.0,
        hear: 0.0,
        question: 0.0,
        report: 0.0,
    },
    server_kib: 10.0,
    broker_kib: 100.0,
};

fn parameters() -> Parameters {
    Parameters {
        cores: 2.0,
        rabbit: COSTS,
        stream: Costs {
            messages: 1,
            delivery: 0.01,
            ..COSTS
        },
        network: Network {
            connect: 0.02,
            handshake: 0.3,
            answer_bytes: 1_000,
            event_bytes: 300,
            ledger_kib: 2.0,
        },
    }
}

fn together(instances: usize) -> Scenario {
    Scenario {
        instances,
        of_an_application: 10,
        way: Way::Rabbit,
        place: Place::Together,
        window: Window::Fixed(Duration::ZERO),
        connections: Connections::Kept,
    }
}

fn apart(instances: usize) -> Scenario {
    Scenario {
        place: Place::Apart {
            server_cores: 4,
            broker_cores: 4,
            round_trip: 1.0,
        },
        window: Window::Rule,
        ..together(instances)
    }
}

fn near(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-6, "{a} is not {b}");
}

#[test]
fn alone_everything_comes_one_after_the_other() {
    let outcome = simulate(&parameters(), &together(1));
    let once = COSTS.look + COSTS.delivery + COSTS.hear + COSTS.apply + COSTS.made;
    // The work aside has the second core, until the ack wants it, too.
    let shared = outcome.until(1.0) - once;
    assert!((0.0..=0.1).contains(&shared), "{shared}");
    let lonely = simulate(&parameters(), &apart(1));
    // An event, a question and its answer: a way each.
    near(lonely.until(1.0), once + 1.5);
}

#[test]
fn every_instance_asks_once_and_changes_once() {
    for scenario in [together(777), apart(777)] {
        for way in [Way::Rabbit, Way::Stream] {
            let scenario = Scenario { way, ..scenario };
            let outcome = simulate(&parameters(), &scenario);
            assert_eq!((outcome.applied.len(), outcome.reads), (777, 777));
            let messages = parameters().costs(way).messages;
            assert_eq!(outcome.messages, 777 * u64::from(messages));
            assert!(outcome.converged >= outcome.until(1.0));
            assert!(outcome.applied.is_sorted());
        }
    }
}

#[test]
fn work_is_conserved_wherever_it_is_done() {
    let (here, there) = (together(500), apart(500));
    let [here, there] = [here, there].map(|scenario| simulate(&parameters(), &scenario).cpu);
    near(here.sum(), there.sum());
    let made = 50.0 * COSTS.made + 450.0 * COSTS.kept;
    near(here.server, 30.0 + made + 500.0 * COSTS.report);
    near(here.broker, 1_000.0 * COSTS.delivery + 500.0 * COSTS.tidy);
    near(
        here.clients,
        500.0 * (2.0 * COSTS.hear + COSTS.apply + COSTS.post),
    );
}

#[test]
fn a_machine_is_never_faster_than_its_cores() {
    let outcome = simulate(&parameters(), &together(1_000));
    let each = COSTS.delivery + COSTS.hear + COSTS.apply + COSTS.kept;
    assert!(outcome.until(1.0) >= COSTS.look + 1_000.0 * each / 2.0);
    let many = Parameters {
        cores: 10_000.0,
        ..parameters()
    };
    let scenario = Scenario {
        instances: 100,
        ..together(100)
    };
    // Ten clients are one thread, and no more cores make that faster.
    let clients = 10.0 * (COSTS.hear + COSTS.apply);
    assert!(simulate(&many, &scenario).until(1.0) >= COSTS.look + clients);
}

#[test]
fn a_crowd_makes_work_dearer_only_where_it_shares_a_machine() {
    let mut crowded = parameters();
    crowded.rabbit.crowding = Crowding {
        delivery: 0.5,
        hear: 0.5,
        question: 0.5,
        report: 0.5,
    };
    let clients = |parameters: &Parameters, scenario: Scenario| {
        let outcome = simulate(parameters, &scenario);
        outcome.cpu.clients
    };
    let plain = parameters();
    // Four times as many as the costs are of.
    let (dear, cheap) = (
        clients(&crowded, together(800)),
        clients(&plain, together(800)),
    );
    near(dear, 2.0 * cheap);
    near(
        clients(&crowded, together(200)),
        clients(&plain, together(200)),
    );
    near(clients(&crowded, apart(800)), clients(&plain, apart(800)));
}

#[test]
fn more_instances_take_longer() {
    for of in [together, apart] {
        let times = [1, 10, 100, 1_000, 10_000]
            .map(|instances| simulate(&parameters(), &of(instances)).until(1.0));
        assert!(times.is_sorted(), "{times:?}");
    }
}

#[test]
fn a_window_takes_time_and_lowers_the_peak() {
    let of = |window| {
        let scenario = Scenario {
            window,
            ..apart(10_000)
        };
        simulate(&parameters(), &scenario)
    };
    let none = of(Window::Fixed(Duration::ZERO));
    let long = of(Window::Fixed(Duration::from_secs(10)));
    assert!(none.until(1.0) < long.until(1.0));
    assert!(long.until(1.0) > 9_900.0 && long.until(1.0) < 10_500.0);
    assert!(none.peak > 5.0 * long.peak, "{} {}", none.peak, long.peak);
    assert_eq!(of(Window::Rule).window, Duration::from_millis(500));
    // Ten windows and a second later nobody has anything left to tell.
    assert!(long.converged > 100_000.0 && long.converged < 112_000.0);
}

#[test]
fn a_new_connection_costs_time_and_work() {
    let of = |connections| {
        let scenario = Scenario {
            connections,
            ..apart(1)
        };
        let outcome = simulate(&parameters(), &scenario);
        (outcome.until(1.0), outcome.cpu.server)
    };
    let (kept, new, tls) = (
        of(Connections::Kept),
        of(Connections::New),
        of(Connections::Tls),
    );
    near(new.0 - kept.0, 1.0 + 0.02);
    near(tls.0 - new.0, 1.0 + 0.3);
    near(tls.1 - new.1, 0.3);
}

#[test]
fn the_same_again_is_the_same() {
    let scenario = together(1_000);
    assert_eq!(
        simulate(&parameters(), &scenario),
        simulate(&parameters(), &scenario)
    );
}
