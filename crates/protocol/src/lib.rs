//! The two wire contracts that confbus shares with Spring Cloud Config and Spring Cloud Bus.
//!
//! Over HTTP a client asks for an [`Environment`] by [`Application`], [`Profiles`] and [`Label`].
//! Over the bus travels a [`BusEvent`], addressed by a [`Destination`] to members that are known by their [`BusId`].
//!
//! Everything here is a value or a pure function: no I/O, no clock, no logging.
#![forbid(unsafe_code)]

mod address;
mod bus_id;
mod bytes;
mod destination;
mod environment;
mod event;
mod explanation;
mod java_double;
mod json;
mod minimum;
mod names;
mod placeholders;
mod properties;
mod react;
mod report;
mod secret;
mod timestamp;
mod value;

pub use address::{Address, InvalidAddress};
pub use bus_id::{BusId, InvalidBusId};
pub use bytes::Bytes;
pub use destination::Destination;
pub use environment::{Environment, PropertySource, Representation};
pub use event::{BusEvent, DecodeError, EventKind, LONGEST_TRACEPARENT, SpringLine};
pub use explanation::{Explanation, Reference, Winners, Written};
pub use java_double::java_double;
pub use minimum::{LAGGING_HEADER, MIN_VERSION_HEADER, Minimum, NO_LABEL, SINCE_HEADER, SINCE_NOW};
pub use names::{Application, CommitId, InvalidName, Label, Profiles};
pub use placeholders::{PlaceholderError, placeholder_keys, resolve_placeholders};
pub use properties::Properties;
pub use react::{Action, Member, Reactions, react};
pub use report::{
    INSTANCE_HEADER, LONGEST_REPORT, Outcome, REPORTS_PATH, RUNNING_HEADER, Report, ReportError,
};
pub use secret::{has_credentials, is_secret, looks_secret, userinfo, without_userinfo};
pub use timestamp::Timestamp;
pub use value::{Position, Property, PropertyValue};
