use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{FutureProducer, FutureRecord},
};
use tokio::sync::OnceCell;

use super::{
    config::{self, Quiet},
    failure::{code, words},
    settings::KafkaSettings,
    wire,
};
use crate::{Message, PublishError, binder::Publishing, broker::Publish};

/// Beyond the time in which librdkafka gives an event up itself.
const MARGIN: Duration = Duration::from_secs(1);

/// Publishes over connections of its own, which are made with the first event.
pub(super) struct Publisher {
    settings: Arc<KafkaSettings>,
    config: ClientConfig,
    open: OnceCell<FutureProducer<Quiet>>,
}

impl Publisher {
    pub(super) fn new(settings: Arc<KafkaSettings>, common: &ClientConfig) -> Self {
        Self {
            config: config::producer(common, &settings),
            settings,
            open: OnceCell::new(),
        }
    }

    async fn send(&self, message: &Message) -> Result<(), PublishError> {
        let open = || async { self.config.create_with_context(Quiet) };
        let producer = self.open.get_or_try_init(open).await;
        let producer = producer.map_err(|error| PublishError::NoPublisher(words(&error)))?;
        let body = message.event.to_json_of(self.settings.json);
        let record = FutureRecord::<(), _>::to(self.settings.publish_topic())
            .payload(&body)
            .headers(wire::headers(message));
        // Without a key, as Spring's.
        let sending = producer.send(record, Duration::ZERO);
        let limit = self.settings.publish_timeout + MARGIN;
        match tokio::time::timeout(limit, sending).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err((error, _))) => Err(publish_error(&error)),
            Err(_elapsed) => Err(PublishError::Timeout),
        }
    }
}

impl Publish for Publisher {
    fn publish<'a>(&'a self, message: &'a Message) -> Publishing<'a> {
        Box::pin(self.send(message))
    }
}

fn publish_error(error: &KafkaError) -> PublishError {
    use RDKafkaErrorCode as Code;
    match code(error) {
        Code::QueueFull => PublishError::NoPublisher("too many events wait to be sent".into()),
        Code::UnknownTopic | Code::UnknownPartition | Code::UnknownTopicOrPartition => {
            PublishError::NoPublisher("the topic is not there".into())
        }
        Code::MessageTimedOut | Code::RequestTimedOut | Code::OperationTimedOut => {
            PublishError::Timeout
        }
        Code::TopicAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::MessageSizeTooLarge
        | Code::InvalidRecord
        | Code::InvalidTopic
        | Code::PolicyViolation => PublishError::Refused(words(error)),
        Code::NotEnoughReplicas => PublishError::Nack,
        _ => PublishError::Lost(words(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_whether_another_try_may_help_and_whether_it_was_sent() {
        use RDKafkaErrorCode as Code;
        for (code, transient, sent) in [
            (Code::QueueFull, true, false),
            (Code::UnknownTopicOrPartition, true, false),
            (Code::MessageTimedOut, true, true),
            (Code::NotEnoughReplicas, true, false),
            (Code::NotEnoughReplicasAfterAppend, true, true),
            (Code::BrokerTransportFailure, true, true),
            (Code::TopicAuthorizationFailed, false, false),
            (Code::MessageSizeTooLarge, false, false),
        ] {
            let error = publish_error(&KafkaError::MessageProduction(code));
            assert_eq!(
                (error.is_transient(), error.may_have_been_sent()),
                (transient, sent),
                "{code:?}"
            );
        }
    }
}
