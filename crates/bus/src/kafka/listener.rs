//! The thread that hears: librdkafka's consumer is polled, and waits in each call.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Message as _,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
};
use tokio::{runtime::Handle, sync::mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    failure::{Failure, code},
    positions::Positions,
    settings::KafkaSettings,
    topic, wire,
};
use crate::{Message, broker::Unread};

const FINDING: &str = "finding a broker and the topic";

/// So soon it sees that it should stop.
const POLL: Duration = Duration::from_millis(100);

/// How long one question for the topic may take before errors are looked at.
const GLANCE: Duration = Duration::from_millis(500);

/// When no broker answers, the other addresses of their names are tried until then.
const GIVE_UP_AFTER: Duration = Duration::from_secs(1);

/// The same where librdkafka does not say that none is there, as behind a proxy that takes connections and ends them.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What the thread tells.
pub(super) enum News {
    /// From now on nothing is missed.
    Listening,
    /// A message of so many bytes.
    Heard(Box<Result<Message, Unread>>, usize),
    /// It is over.
    Ended(Failure),
}

pub(super) struct Listener {
    pub(super) settings: Arc<KafkaSettings>,
    pub(super) common: ClientConfig,
    pub(super) consumer: ClientConfig,
    pub(super) stop: CancellationToken,
    pub(super) runtime: Handle,
    pub(super) news: mpsc::Sender<News>,
}

impl Listener {
    /// Listens until it is stopped, or something ends it.
    pub(super) fn run(self) {
        let failure = self.listen().err();
        // Nobody waits for news once it was stopped.
        _ = self
            .news
            .blocking_send(News::Ended(failure.unwrap_or(Failure::Stopped)));
    }

    fn listen(&self) -> Result<(), Failure> {
        let consumer: BaseConsumer<Positions> = self
            .consumer
            .create_with_context(Positions::default())
            .map_err(|error| Failure::of(&error, None))?;
        let deadline = Instant::now() + self.settings.connection_timeout;
        let topic = &self.settings.topic;
        self.find(&consumer, topic, deadline)?;
        let output = self.settings.publish_topic();
        if output != topic {
            self.find(&consumer, output, deadline)?;
        }
        let failed = |error: KafkaError| Failure::of(&error, None);
        consumer.subscribe(&[topic]).map_err(failed)?;
        self.join(&consumer, deadline)?;
        if self.news.blocking_send(News::Listening).is_err() {
            return Ok(());
        }
        while !self.stop.is_cancelled() {
            self.hear(&consumer)?;
        }
        Ok(())
    }

    /// Finds a broker and the topic, which is created if need be.
    fn find(
        &self,
        consumer: &BaseConsumer<Positions>,
        topic: &str,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let begun = Instant::now();
        let (mut is_created, mut has_answered) = (false, false);
        loop {
            if let Ok(metadata) = consumer.fetch_metadata(Some(topic), GLANCE) {
                consumer.context().answered();
                has_answered = true;
                let found = metadata.topics().iter().find(|found| found.name() == topic);
                match found.map(|found| (found.error().map(RDKafkaErrorCode::from), found)) {
                    Some((None, found)) if !found.partitions().is_empty() => return Ok(()),
                    Some((Some(RDKafkaErrorCode::UnknownTopicOrPartition), _)) if !is_created => {
                        self.create(topic)?;
                        is_created = true;
                    }
                    Some((Some(refused @ RDKafkaErrorCode::TopicAuthorizationFailed), _)) => {
                        return Err(Failure::of(&KafkaError::MetadataFetch(refused), None));
                    }
                    // It comes into being.
                    _ => {}
                }
            }
            let waited = begun.elapsed();
            self.wait(consumer, FINDING, deadline, waited > GIVE_UP_AFTER)?;
            let last = consumer.context().last();
            if waited > ANSWER_WITHIN && !has_answered && last.is_some() {
                return Err(Failure::NoAnswer {
                    doing: FINDING,
                    within: ANSWER_WITHIN,
                    last,
                });
            }
        }
    }

    fn create(&self, topic: &str) -> Result<(), Failure> {
        if !self.settings.auto_create_topics {
            return Err(Failure::NoTopic(topic.to_owned()));
        }
        let creating = topic::create(&self.common, &self.settings, topic);
        self.runtime.block_on(creating)
    }

    /// Waits until all partitions are ours.
    fn join(&self, consumer: &BaseConsumer<Positions>, deadline: Instant) -> Result<(), Failure> {
        loop {
            match consumer.context().are_known() {
                Ok(true) => return Ok(()),
                Ok(false) => self.wait(consumer, "joining the consumer group", deadline, true)?,
                Err(problem) => return Err(Failure::Assignment(problem)),
            }
        }
    }

    /// Lets some time pass; an error ends it.
    fn wait(
        &self,
        consumer: &BaseConsumer<Positions>,
        doing: &'static str,
        deadline: Instant,
        is_long_enough: bool,
    ) -> Result<(), Failure> {
        if self.stop.is_cancelled() {
            return Err(Failure::Stopped);
        }
        if Instant::now() > deadline {
            return Err(Failure::NoAnswer {
                doing,
                within: self.settings.connection_timeout,
                last: consumer.context().last(),
            });
        }
        let alone = RDKafkaErrorCode::AllBrokersDown;
        let failed = |error: &KafkaError| Err(Failure::of(error, consumer.context().last()));
        match consumer.poll(POLL) {
            Some(Err(error)) if is_over(&error) && code(&error) != alone => return failed(&error),
            // Before the first assignment nothing is ours.
            Some(Ok(_) | Err(_)) | None => {}
        }
        if is_long_enough && consumer.context().are_alone() {
            return failed(&KafkaError::MessageConsumption(alone));
        }
        Ok(())
    }

    fn hear(&self, consumer: &BaseConsumer<Positions>) -> Result<(), Failure> {
        let positions = consumer.context();
        match consumer.poll(POLL) {
            Some(Ok(record)) => {
                positions.passed(record.partition(), record.offset());
                let heard = News::Heard(Box::new(wire::read(&record)), record.payload_len());
                // Nobody waits for news once it was stopped.
                _ = self.news.blocking_send(heard);
            }
            Some(Err(error)) if is_over(&error) => {
                return Err(Failure::of(&error, positions.last()));
            }
            Some(Err(_)) | None => {}
        }
        let known = positions.are_known();
        known.map(|_| ()).map_err(Failure::Assignment)
    }
}

/// Whether the library does not get over it by itself, or has lost something by then.
fn is_over(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(error, KafkaError::MessageConsumptionFatal(_))
        || matches!(
            code(error),
            Code::AllBrokersDown
                | Code::Authentication
                | Code::SaslAuthenticationFailed
                | Code::SSL
                | Code::AutoOffsetReset
                | Code::UnknownTopic
                | Code::UnknownPartition
                | Code::UnknownTopicOrPartition
                | Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::UnsupportedFeature
                | Code::PollExceeded
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_library_gets_over_by_itself_ends_nothing() {
        use RDKafkaErrorCode as Code;
        for (code, is_end) in [
            (Code::AllBrokersDown, true),
            (Code::Authentication, true),
            (Code::SSL, true),
            // Something was lost by then.
            (Code::AutoOffsetReset, true),
            (Code::UnknownTopicOrPartition, true),
            (Code::TopicAuthorizationFailed, true),
            (Code::GroupAuthorizationFailed, true),
            (Code::PollExceeded, true),
            (Code::BrokerTransportFailure, false),
            (Code::OperationTimedOut, false),
            (Code::NotCoordinator, false),
            (Code::RebalanceInProgress, false),
        ] {
            let error = KafkaError::MessageConsumption(code);
            assert_eq!(is_over(&error), is_end, "{code:?}");
        }
        let fatal = KafkaError::MessageConsumptionFatal(Code::Fail);
        assert!(is_over(&fatal));
    }
}
