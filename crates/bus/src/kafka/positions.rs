//! Where each partition is read on. Nobody commits anything, so this is the only place that knows.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rdkafka::{
    ClientContext, Offset, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
    types::RDKafkaRespErr,
};
use tracing::debug;

use super::{
    config,
    failure::{code, words},
};

/// How long the end of one partition may take to find.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// The one who is called back by a consumer.
#[derive(Default)]
pub(super) struct Positions(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// By partition, what is read next of it.
    next: BTreeMap<i32, i64>,
    /// Whether all partitions have been given to us once.
    is_assigned: bool,
    /// Why that did not work.
    problem: Option<String>,
    /// What librdkafka said last about a connection.
    last: Option<String>,
    /// It has said that no broker is there, which it does once.
    is_alone: bool,
}

impl Positions {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether all partitions are read from where they ended when they were given to us.
    pub(super) fn are_known(&self) -> Result<bool, String> {
        let mut inner = self.inner();
        match inner.problem.take() {
            Some(problem) => Err(problem),
            None => Ok(inner.is_assigned),
        }
    }

    /// A message of a partition was taken.
    pub(super) fn passed(&self, partition: i32, offset: i64) {
        self.inner().next.insert(partition, offset + 1);
    }

    /// What librdkafka said last about a connection.
    pub(super) fn last(&self) -> Option<String> {
        self.inner().last.clone()
    }

    /// Whether no broker has been there since one answered.
    pub(super) fn are_alone(&self) -> bool {
        self.inner().is_alone
    }

    /// A broker has answered.
    pub(super) fn answered(&self) {
        self.inner().is_alone = false;
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, given: &TopicPartitionList) -> KafkaResult<()> {
        let mut inner = self.inner();
        let is_first = !inner.is_assigned;
        let mut begin = TopicPartitionList::new();
        for partition in given.elements() {
            let (topic, number) = (partition.topic(), partition.partition());
            let offset = match inner.next.get(&number) {
                Some(next) => Offset::Offset(*next),
                None if is_first => {
                    let (_, end) = consumer.fetch_watermarks(topic, number, END_TIMEOUT)?;
                    inner.next.insert(number, end);
                    Offset::Offset(end)
                }
                // It was added since, so all that is in it came after we began to listen.
                None => Offset::Beginning,
            };
            begin.add_partition_offset(topic, number, offset)?;
        }
        consumer.assign(&begin)?;
        inner.is_assigned |= given.count() > 0;
        Ok(())
    }
}

impl ClientContext for Positions {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, said: &str) {
        config::log(level, facility, said);
    }

    fn error(&self, error: KafkaError, said: &str) {
        debug!(%error, said, "librdkafka");
        let mut inner = self.inner();
        if code(&error) == RDKafkaErrorCode::AllBrokersDown {
            inner.is_alone = true;
        } else {
            inner.last = Some(said.to_owned());
        }
    }
}

impl ConsumerContext for Positions {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        what: RDKafkaRespErr,
        given: &mut TopicPartitionList,
    ) {
        let result = if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.assign(consumer, given)
        } else {
            consumer.unassign()
        };
        if let Err(error) = result {
            // The library waits for one or the other.
            _ = consumer.unassign();
            self.inner().problem = Some(words(&error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_read_on_behind_what_was_taken() {
        let positions = Positions::default();
        positions.passed(0, 7);
        positions.passed(1, 3);
        positions.passed(0, 8);
        let next = positions.inner().next.clone();
        assert_eq!(next, BTreeMap::from([(0, 9), (1, 4)]));
        assert_eq!(positions.are_known(), Ok(false), "none was given to us");
    }

    #[test]
    fn who_is_alone_is_so_until_a_broker_answers() {
        let positions = Positions::default();
        let heard = |code| positions.error(KafkaError::MessageConsumption(code), "refused");
        heard(RDKafkaErrorCode::BrokerTransportFailure);
        assert!(!positions.are_alone());
        assert_eq!(positions.last().as_deref(), Some("refused"));
        heard(RDKafkaErrorCode::AllBrokersDown);
        assert!(positions.are_alone());
        positions.answered();
        assert!(!positions.are_alone());
    }
}
