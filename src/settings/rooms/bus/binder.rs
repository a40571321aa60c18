//! Which broker is meant, as Spring Cloud Stream finds its binder.

use crate::settings::reader::Reader;

const DEFAULT: &str = "spring.cloud.stream.default-binder";
const RABBIT: [&str; 2] = ["spring.rabbitmq.", "confbus.rabbitmq."];
const KAFKA: [&str; 3] = [
    "spring.kafka.",
    "spring.cloud.stream.kafka.binder.",
    "confbus.kafka.",
];

/// What carries events.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Binder {
    Local,
    Rabbit,
    /// Said by this key.
    Kafka(String),
}

/// The broker of which anything is said. Of two the one that the default binder is, and of none as well.
pub(super) fn binder(reader: &mut Reader) -> Option<Binder> {
    let rabbit = first_of(reader, &RABBIT);
    let kafka = first_of(reader, &KAFKA);
    match reader.text(DEFAULT).as_deref() {
        Some("rabbit") => Some(Binder::Rabbit),
        Some("kafka") => Some(Binder::Kafka(DEFAULT.to_owned())),
        Some(_) => {
            let text = format!("`{DEFAULT}` is neither `rabbit` nor `kafka`");
            reader.refuse(DEFAULT, text, None);
            None
        }
        None => match (rabbit, kafka) {
            (None, None) => Some(Binder::Local),
            (Some(_), None) => Some(Binder::Rabbit),
            (None, Some(key)) => Some(Binder::Kafka(key)),
            (Some(rabbit), Some(kafka)) => {
                let hint = format!("keep one of the two, or say {DEFAULT}: rabbit or kafka");
                for (key, other) in [(&rabbit, &kafka), (&kafka, &rabbit)] {
                    let text = format!("`{key}` names one broker, and `{other}` another");
                    reader.refuse(key, text, Some(&hint));
                }
                None
            }
        },
    }
}

fn first_of(reader: &Reader, prefixes: &[&str]) -> Option<String> {
    prefixes.iter().find_map(|prefix| {
        let (name, _) = reader.below(prefix).into_iter().next()?;
        Some(format!("{prefix}{name}"))
    })
}
