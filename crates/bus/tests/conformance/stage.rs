//! A bus under test, and members on it.

use std::time::Duration;

use confbus_bus::{Bus, Driver, Message, Signal, Status, Subscription};
use confbus_protocol::{BusEvent, BusId, Destination};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than any pause of a driver, on a busy machine, too.
const DEADLINE: Duration = Duration::from_secs(90);

/// What no error may show.
pub(crate) const SECRET: &str = "s3cret-of-the-broker";

/// A bus of one kind. Each case has one for itself.
pub(crate) trait Stage {
    /// Whether it has a broker that can be away.
    const HAS_BROKER: bool = true;

    /// Somebody else on the same bus; the second half of it where there is one.
    async fn member(&self) -> (Bus, Option<Box<dyn Driver>>);

    /// The broker ends all connections and takes no others.
    async fn cut(&self) {
        unreachable!("there is no broker")
    }

    /// The broker is back.
    async fn restore(&self) {
        unreachable!("there is no broker")
    }

    /// Something that is no event reaches everybody.
    async fn junk(&self) {}

    /// Removes what it left behind.
    async fn strike(self)
    where
        Self: Sized,
    {
    }
}

pub(crate) struct Member {
    pub(crate) bus: Bus,
    pub(crate) subscription: Subscription,
    shutdown: CancellationToken,
    driver: Option<JoinHandle<()>>,
}

impl Member {
    /// Not connected yet.
    pub(crate) async fn start(stage: &impl Stage) -> Self {
        let (bus, driver) = stage.member().await;
        let (subscription, shutdown) = (bus.subscribe(), CancellationToken::new());
        let driver = driver.map(|driver| tokio::spawn(driver.run(shutdown.clone())));
        Self {
            bus,
            subscription,
            shutdown,
            driver,
        }
    }

    pub(crate) async fn connected(stage: &impl Stage) -> Self {
        let mut member = Self::start(stage).await;
        member.connects(stage).await;
        member
    }

    /// Hears that it should look again, and is connected then.
    pub(crate) async fn connects<S: Stage>(&mut self, _: &S) {
        if S::HAS_BROKER {
            assert_eq!(self.signal().await, Some(Signal::LookAgain));
            let status = self.bus.status();
            assert!(matches!(status, Status::Connected { .. }), "{status:?}");
        }
    }

    pub(crate) async fn signal(&mut self) -> Option<Signal> {
        within("a signal", self.subscription.next()).await
    }

    pub(crate) async fn hears(&mut self, message: &Message) {
        assert_eq!(
            self.signal().await.as_ref(),
            Some(&Signal::Message(message.clone()))
        );
    }

    pub(crate) async fn publishes(&self, message: &Message) {
        within("the broker", self.bus.publish(message))
            .await
            .unwrap();
    }

    /// The error of a status that is disconnected, after so many tries.
    pub(crate) async fn disconnected(&self, tries: u64) -> String {
        let looking = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(5));
            loop {
                ticks.tick().await;
                if let Status::Disconnected { error, attempts } = self.bus.status()
                    && attempts >= tries
                {
                    return error;
                }
            }
        };
        within("the loss of the broker", looking).await
    }

    /// Ends its half of the bus.
    pub(crate) async fn stop(self) -> (Bus, Subscription) {
        self.shutdown.cancel();
        if let Some(driver) = self.driver {
            within("the driver", driver).await.unwrap();
        }
        (self.bus, self.subscription)
    }
}

pub(crate) fn message(destination: &str) -> Message {
    let origin = BusId::new("configserver:8888:5f2b0c1e").unwrap();
    let destination = Destination::complete(destination);
    let id = uuid::Uuid::new_v4().to_string();
    Message::of(BusEvent::refresh(
        id,
        1_705_329_000_123,
        &origin,
        &destination,
    ))
}

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// One test for each case, on a stage of its own.
macro_rules! conforms {
    ($stage:expr; $($case:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                crate::cases::$case($stage).await;
            }
        )+
    };
}

/// What is asked of every bus, those in process too.
macro_rules! conforms_in_any_case {
    ($stage:expr) => {
        crate::stage::conforms!($stage;
            everybody_hears_every_event_the_sender_too,
            events_of_one_sender_come_in_order,
            who_comes_late_hears_what_follows,
            what_travels_beside_an_event_arrives,
            who_falls_behind_is_told_to_look_again,
            subscriptions_end_with_the_bus,
        );
    };
}

/// What is asked of a bus over a broker besides.
macro_rules! conforms_with_a_broker {
    ($stage:expr) => {
        crate::stage::conforms_in_any_case!($stage);
        crate::stage::conforms!($stage;
            who_connects_is_told_to_look_again,
            a_broker_that_is_away_at_the_start_is_found,
            a_broker_that_dies_and_returns_is_found_again,
            what_is_published_without_a_broker_fails_at_once_and_may_be_tried_again,
            what_is_no_event_is_counted_and_survived,
        );
    };
}

pub(crate) use conforms;
pub(crate) use conforms_in_any_case;
#[cfg(any(feature = "broker-tests", feature = "kafka"))]
pub(crate) use conforms_with_a_broker;
