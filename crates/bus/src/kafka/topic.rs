//! The topic, which whoever comes first creates, as Spring's binder does.

use std::time::Duration;

use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    error::RDKafkaErrorCode,
};

use super::{
    config::Quiet,
    failure::{Failure, words},
    settings::KafkaSettings,
};

/// The broker's own default, since Kafka 2.4.
const BROKERS_DEFAULT: i32 = -1;

const CREATION_TIMEOUT: Duration = Duration::from_secs(15);

pub(super) async fn create(
    common: &ClientConfig,
    settings: &KafkaSettings,
    topic: &str,
) -> Result<(), Failure> {
    let failed = |problem| Failure::NotCreated {
        topic: topic.to_owned(),
        problem,
    };
    let admin: AdminClient<Quiet> = common
        .create_with_context(Quiet)
        .map_err(|error| failed(words(&error)))?;
    let replication = settings
        .replication_factor
        .map_or(BROKERS_DEFAULT, i32::from);
    let new = NewTopic::new(
        topic,
        settings.min_partition_count.max(1).into(),
        TopicReplication::Fixed(replication),
    );
    let options = AdminOptions::new().request_timeout(Some(CREATION_TIMEOUT));
    let created = admin.create_topics([&new], &options).await;
    for one in created.map_err(|error| failed(words(&error)))? {
        match one {
            // Somebody else came first.
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(failed(code.to_string())),
        }
    }
    Ok(())
}
