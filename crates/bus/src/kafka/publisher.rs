use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{FutureProducer, FutureRecord},
};
use tokio::{runtime::Handle, sync::OnceCell};

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

impl Drop for Publisher {
    /// librdkafka waits for what is on its way, and for a thread to end. The last owner may be anybody, on a worker of the
    /// runtime, which should not.
    fn drop(&mut self) {
        if let Some(producer) = self.open.take() {
            drop_aside(producer);
        }
    }
}

/// Drops what may block where that holds up nobody.
fn drop_aside(what: impl Send + 'static) {
    match Handle::try_current() {
        Ok(runtime) => _ = runtime.spawn_blocking(|| drop(what)),
        Err(_) => drop(what),
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
    use std::thread::{self, ThreadId};

    use tokio::sync::oneshot;

    use super::*;

    /// Says where it was dropped.
    struct Dropped(Option<oneshot::Sender<ThreadId>>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            _ = self.0.take().unwrap().send(thread::current().id());
        }
    }

    #[tokio::test]
    async fn no_worker_waits_for_the_end_of_a_producer() {
        let (told, dropped) = oneshot::channel();
        drop_aside(Dropped(Some(told)));
        assert_ne!(dropped.await.unwrap(), thread::current().id());
    }

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
