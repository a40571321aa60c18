use std::time::{Duration, Instant};

use confbus_bus::{Address, Bus, Driver, RabbitSettings, Status};
use tokio_util::sync::CancellationToken;

use super::{Finding, Verdict};
use crate::settings;

const NAME: &str = "broker";
/// How long it may take to log in and to declare.
const WITHIN: Duration = Duration::from_secs(10);
const GLANCE: Duration = Duration::from_millis(20);

/// Logs in and declares what a server would, but hears nobody's events. Of that the exchange or topic stays, where there was
/// none: whether it may be declared, and fits the one that is there, is what a server would fail at.
pub(super) async fn look(bus: &settings::Bus) -> Finding {
    match bus {
        settings::Bus::Rabbit(rabbit) => {
            let trial = Trial {
                addresses: joined(&rabbit.addresses),
                what: format!("exchange `{}`", rabbit.exchange),
                help: "see host, user, virtual host, and permissions",
            };
            trial.of(Bus::rabbit(apart(rabbit.as_ref().clone()))).await
        }
        #[cfg(feature = "kafka")]
        settings::Bus::Kafka(kafka) => {
            let trial = Trial {
                addresses: joined(&kafka.brokers),
                what: format!("topic `{}`", kafka.topic),
                help: "see brokers, what they advertise, login, and permissions",
            };
            let settings = kafka.as_ref().clone();
            let settings = settings.with(|kafka| kafka.client_id = "confbus-doctor".into());
            trial.of(Bus::kafka(settings)).await
        }
        settings::Bus::Local => {
            let text = "none is configured: events go out over the stream of this server alone";
            Finding::new(NAME, Verdict::Skipped, text)
        }
    }
}

/// What is tried where.
struct Trial {
    addresses: String,
    what: String,
    help: &'static str,
}

impl Trial {
    async fn of<D: Driver + 'static>(self, (bus, driver): (Bus, D)) -> Finding {
        let Self {
            addresses,
            what,
            help,
        } = self;
        let stop = CancellationToken::new();
        let running = tokio::spawn(Box::new(driver).run(stop.clone()));
        let began = Instant::now();
        let reason = connected(&bus, began).await;
        stop.cancel();
        // Whoever does not take leave is ended with the process.
        _ = tokio::time::timeout(WITHIN, running).await;
        match reason {
            None => {
                let took = began.elapsed().as_millis();
                Finding::good(
                    NAME,
                    format!("{addresses}: {what} is there, after {took} ms"),
                )
            }
            // What is told by several tries of Kafka names its addresses already.
            Some(error) if error.starts_with(&addresses) => {
                Finding::new(NAME, Verdict::Bad, error).help(help)
            }
            Some(error) => {
                Finding::new(NAME, Verdict::Bad, format!("{addresses}: {error}")).help(help)
            }
        }
    }
}

fn joined(addresses: &[Address]) -> String {
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    addresses.join(", ")
}

/// A queue of its own that is bound to nothing, so that no event is taken from anybody.
fn apart(rabbit: RabbitSettings) -> RabbitSettings {
    rabbit.with(|rabbit| {
        rabbit.group = None;
        rabbit.queue_name_group_only = false;
        rabbit.binding_keys = Vec::new();
        rabbit.connection_name = "confbus-doctor".into();
    })
}

/// Why there is no connection, once that is settled.
async fn connected(bus: &Bus, began: Instant) -> Option<String> {
    let mut reason = format!("no answer within {} s", WITHIN.as_secs());
    while began.elapsed() < WITHIN {
        match bus.status() {
            Status::Connected { .. } | Status::Local => return None,
            Status::Disconnected { error, attempts } if attempts > 0 => {
                reason = error;
                break;
            }
            Status::Disconnected { .. } => tokio::time::sleep(GLANCE).await,
        }
    }
    Some(reason)
}
