//! What spans and their attributes are called: OpenTelemetry's own words where it has some. Those of messaging are still
//! marked as development there, so they stand here alone.

use opentelemetry::trace::SpanKind;

/// The part of a story that a span tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Somebody's request: `POST /monitor`.
    Request(&'static str),
    /// What nobody asked for: a look that found something, or somebody who is told of it.
    Refresh,
    /// A remote is asked, and what is new is brought here.
    Fetch,
    /// Snapshots are made of it, written down and put in service.
    Swap,
    /// Can the files be used?
    Validate,
    /// Whose configuration is different?
    Compare,
    /// An event is given to the bus, until that confirms it.
    Publish,
    /// An event is acted on: by this server, or by an instance that says so with an ack.
    Process,
    /// An instance says that it runs the version, or refused it.
    Apply,
}

impl Part {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Request(name) => name,
            Self::Refresh => "refresh",
            Self::Fetch => "git.fetch",
            Self::Swap => "snapshot.swap",
            Self::Validate => "snapshot.validate",
            Self::Compare => "snapshot.compare",
            Self::Publish => "publish",
            Self::Process => "process",
            Self::Apply => "config.apply",
        }
    }

    pub(super) fn kind(self) -> SpanKind {
        match self {
            Self::Request(_) => SpanKind::Server,
            Self::Fetch => SpanKind::Client,
            Self::Publish => SpanKind::Producer,
            Self::Process => SpanKind::Consumer,
            Self::Refresh | Self::Swap | Self::Validate | Self::Compare | Self::Apply => {
                SpanKind::Internal
            }
        }
    }

    /// Whether its name ends in that of the exchange or topic.
    pub(super) fn names_destination(self) -> bool {
        matches!(self, Self::Publish | Self::Process)
    }
}

pub(crate) const APPLICATION: &str = "confbus.application";
pub(crate) const COMMIT: &str = "confbus.commit";
pub(crate) const DESTINATION: &str = "confbus.destination";
pub(crate) const INSTANCE: &str = "confbus.instance";
pub(crate) const LABELS: &str = "confbus.labels";
pub(crate) const OUTCOME: &str = "confbus.outcome";
pub(crate) const REFRESH: &str = "confbus.refresh.id";
pub(crate) const REPOSITORY: &str = "confbus.repository";
pub(crate) const TRIGGER: &str = "confbus.trigger";
pub(super) const MESSAGING_DESTINATION: &str = "messaging.destination.name";
pub(crate) const MESSAGE: &str = "messaging.message.id";
pub(super) const SYSTEM: &str = "messaging.system";
pub(super) const OPERATION: &str = "messaging.operation.name";
