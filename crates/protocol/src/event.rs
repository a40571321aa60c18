use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::{BusId, Destination};

/// Bytes of the longest `traceparent` that is gone on with, beside an event or a request; nobody's is longer, of no version.
pub const LONGEST_TRACEPARENT: usize = 128;

/// An event of Spring Cloud Bus.
///
/// ```
/// use confbus_protocol::{BusEvent, BusId, Destination, EventKind};
/// let event = BusEvent {
///     id: "1f0901e2-fa50-483a-ac4c-d3b79f1bd5b3".into(),
///     origin_service: "configserver:8888:5f2b".into(),
///     destination_service: Some("customers:**".into()),
///     timestamp: 1_705_329_000_123,
///     kind: EventKind::Refresh,
/// };
/// assert_eq!(
///     String::from_utf8(event.to_json()).unwrap(),
///     r#"{"type":"RefreshRemoteApplicationEvent","destinationService":"customers:**","id":"1f0901e2-fa50-483a-ac4c-d3b79f1bd5b3","originService":"configserver:8888:5f2b","timestamp":1705329000123}"#
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusEvent {
    /// A random UUID; empty when the sender gave none.
    pub id: String,
    /// The bus id of the sender; receivers read it as a pattern.
    pub origin_service: String,
    /// Who is meant, completed by the sender. `None` and blank mean everyone.
    pub destination_service: Option<String>,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// What happened.
    pub kind: EventKind,
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// Fetch the configuration again.
    Refresh,
    /// Set these properties.
    EnvironmentChange {
        /// A `null` on the wire stays `None`.
        values: IndexMap<String, Option<String>>,
    },
    /// Stop.
    Shutdown,
    /// Another member handled an event.
    Ack {
        /// The event that was handled. Members on Bus 5.0 lose it when they read, none when they write.
        ack_id: Option<String>,
        /// The destination of that event.
        ack_destination_service: Option<String>,
        /// The Java class of that event.
        event: Option<String>,
    },
    /// What a server has noted, for other servers. It is none of Spring's, and never on an exchange of theirs.
    Ledger {
        /// For whoever wrote it; bounded by the size of a message.
        news: Value,
    },
    /// A type that is not known here, or none at all.
    Unknown {
        /// What `type` said.
        type_name: Option<String>,
    },
}

/// Whose order of keys an event is written in. Readers do not mind; whoever compares messages does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SpringLine {
    /// Spring Boot up to 3.5, Spring Cloud Bus up to 4.3: the order in which its classes declare their fields.
    Boot3,
    /// Spring Boot 4, Spring Cloud Bus 5: `type`, then all others by name.
    #[default]
    Boot4,
}

/// A missing destination means nobody, unlike a null one: Spring fills this in.
const TRANSIENT_DESTINATION: &str = "____transient_destination___:**";
const CLASS_PREFIX: &str = "org.springframework.cloud.bus.event.";
const REFRESH: &str = "RefreshRemoteApplicationEvent";
const ENVIRONMENT_CHANGE: &str = "EnvironmentChangeRemoteApplicationEvent";
const SHUTDOWN: &str = "ShutdownRemoteApplicationEvent";
const ACK: &str = "AckRemoteApplicationEvent";
const LEDGER: &str = "ConfbusLedgerEvent";

/// The body of a message is not an event.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not JSON.
    #[error("not JSON")]
    Json(#[source] serde_json::Error),
    /// JSON, but not an object.
    #[error("expected a JSON object")]
    NotAnObject,
    /// Nobody can tell whose event this is; Spring drops it, too.
    #[error("`originService` is missing")]
    NoOrigin,
    /// A field holds something of another kind.
    #[error("`{field}` is not {expected}")]
    Field {
        /// The JSON key.
        field: &'static str,
        /// What was expected there.
        expected: &'static str,
    },
}

impl BusEvent {
    /// A refresh from `origin` to `destination`.
    #[must_use]
    pub fn refresh(id: String, timestamp: i64, origin: &BusId, destination: &Destination) -> Self {
        Self {
            id,
            origin_service: origin.as_str().to_owned(),
            destination_service: Some(destination.as_str().to_owned()),
            timestamp,
            kind: EventKind::Refresh,
        }
    }

    /// The type tag: the simple name of Spring's class.
    #[must_use]
    pub fn type_name(&self) -> &str {
        match &self.kind {
            EventKind::Refresh => REFRESH,
            EventKind::EnvironmentChange { .. } => ENVIRONMENT_CHANGE,
            EventKind::Shutdown => SHUTDOWN,
            EventKind::Ack { .. } => ACK,
            EventKind::Ledger { .. } => LEDGER,
            EventKind::Unknown { type_name } => type_name.as_deref().unwrap_or_default(),
        }
    }

    /// The full name of Spring's class, as acks carry it.
    #[must_use]
    pub fn class_name(&self) -> String {
        format!("{CLASS_PREFIX}{}", self.type_name())
    }

    /// Who is meant.
    #[must_use]
    pub fn destination(&self) -> Destination {
        Destination::from_wire(self.destination_service.clone().unwrap_or_default())
    }

    /// The compact JSON body as the newest Spring writes it: [`Self::to_json_of`] that line.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        self.to_json_of(SpringLine::default())
    }

    /// The compact JSON body: exactly Spring's keys, because some receivers drop an event with one more.
    #[must_use]
    pub fn to_json_of(&self, line: SpringLine) -> Vec<u8> {
        let mut fields = self.fields();
        if line == SpringLine::Boot4 {
            fields[1..].sort_unstable_by_key(|(key, _)| *key);
        }
        let fields = fields
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value));
        Value::Object(fields.collect()).to_string().into_bytes()
    }

    /// All keys in the order of Spring's classes, `type` in front.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = vec![
            ("type", self.type_name().into()),
            ("timestamp", self.timestamp.into()),
            ("originService", self.origin_service.as_str().into()),
            (
                "destinationService",
                self.destination_service.clone().into(),
            ),
            ("id", self.id.as_str().into()),
        ];
        match &self.kind {
            EventKind::EnvironmentChange { values } => {
                let values = values.iter();
                let values = values.map(|(key, value)| (key.clone(), Value::from(value.clone())));
                fields.push(("values", values.collect()));
            }
            EventKind::Ack {
                ack_id,
                ack_destination_service,
                event,
            } => fields.extend([
                ("ackId", ack_id.clone().into()),
                (
                    "ackDestinationService",
                    ack_destination_service.clone().into(),
                ),
                ("event", event.clone().into()),
            ]),
            EventKind::Ledger { news } => fields.push(("news", news.clone())),
            EventKind::Refresh | EventKind::Shutdown | EventKind::Unknown { .. } => {}
        }
        fields
    }

    /// Reads an event as Spring's receivers do: in any key order, in snake case, too, with keys that are not known.
    ///
    /// # Errors
    /// [`DecodeError`] when the body is no event; it never quotes the body.
    pub fn from_json(body: &[u8]) -> Result<Self, DecodeError> {
        let value: Value = serde_json::from_slice(body).map_err(DecodeError::Json)?;
        let Value::Object(object) = value else {
            return Err(DecodeError::NotAnObject);
        };
        let fields = Fields(&object);
        let type_name = fields.text("type", "type")?;
        let destination_service = match fields.value("destinationService", "destination_service") {
            None => Some(TRANSIENT_DESTINATION.to_owned()),
            Some(_) => fields.text("destinationService", "destination_service")?,
        };
        Ok(Self {
            id: fields.text("id", "id")?.unwrap_or_default(),
            origin_service: fields
                .text("originService", "origin_service")?
                .ok_or(DecodeError::NoOrigin)?,
            destination_service,
            timestamp: fields.timestamp(),
            kind: fields.kind(type_name)?,
        })
    }
}

struct Fields<'a>(&'a Map<String, Value>);

impl Fields<'_> {
    fn value(&self, camel: &str, snake: &str) -> Option<&Value> {
        self.0.get(camel).or_else(|| self.0.get(snake))
    }

    fn text(&self, camel: &'static str, snake: &str) -> Result<Option<String>, DecodeError> {
        text_of(self.value(camel, snake)).ok_or(DecodeError::Field {
            field: camel,
            expected: "a text",
        })
    }

    /// Never a reason to refuse: newer receivers do not read it at all.
    fn timestamp(&self) -> i64 {
        match self.0.get("timestamp") {
            Some(Value::Number(number)) => number
                .as_i64()
                .or_else(|| number.as_f64().map(|fraction| fraction as i64))
                .unwrap_or_default(),
            Some(Value::String(text)) => text.parse().unwrap_or_default(),
            _ => 0,
        }
    }

    fn kind(&self, type_name: Option<String>) -> Result<EventKind, DecodeError> {
        Ok(match type_name.as_deref() {
            Some(REFRESH) => EventKind::Refresh,
            Some(SHUTDOWN) => EventKind::Shutdown,
            Some(ENVIRONMENT_CHANGE) => EventKind::EnvironmentChange {
                values: self.values()?,
            },
            Some(ACK) => EventKind::Ack {
                ack_id: self.text("ackId", "ack_id")?,
                ack_destination_service: self
                    .text("ackDestinationService", "ack_destination_service")?,
                event: self.text("event", "event")?,
            },
            Some(LEDGER) => EventKind::Ledger {
                news: self.0.get("news").cloned().unwrap_or_default(),
            },
            _ => EventKind::Unknown { type_name },
        })
    }

    fn values(&self) -> Result<IndexMap<String, Option<String>>, DecodeError> {
        let object = match self.0.get("values") {
            None | Some(Value::Null) => return Ok(IndexMap::new()),
            Some(Value::Object(object)) => object,
            Some(_) => {
                return Err(DecodeError::Field {
                    field: "values",
                    expected: "an object",
                });
            }
        };
        let unfit = || DecodeError::Field {
            field: "values",
            expected: "a map of text",
        };
        object
            .iter()
            .map(|(key, value)| Ok((key.clone(), text_of(Some(value)).ok_or_else(unfit)?)))
            .collect()
    }
}

/// Numbers become text, as Jackson reads them into a `String`; lists and objects do not.
fn text_of(value: Option<&Value>) -> Option<Option<String>> {
    match value {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text.clone())),
        Some(scalar @ (Value::Number(_) | Value::Bool(_))) => Some(Some(scalar.to_string())),
        Some(Value::Array(_) | Value::Object(_)) => None,
    }
}
