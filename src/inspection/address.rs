use confbus_resolution::EnvironmentRequest;
use serde::Serialize;

use crate::environment_repository::Held;

/// Whose configuration it is, as asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct AddressView {
    pub(crate) application: String,
    pub(crate) profiles: Vec<String>,
    /// `None` for the one that the server takes for itself.
    pub(crate) label: Option<String>,
}

/// Why it is not what the label names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct HeldView {
    /// The commit that the label names.
    pub(crate) wanted: String,
    /// `pinned`, how far a wave is, or what is wrong and where.
    pub(crate) because: String,
}

impl AddressView {
    pub(crate) fn of(request: &EnvironmentRequest) -> Self {
        Self {
            application: request.application.to_string(),
            profiles: request.profiles.names().map(str::to_owned).collect(),
            label: request.label.as_ref().map(ToString::to_string),
        }
    }
}

impl From<Held> for HeldView {
    fn from(held: Held) -> Self {
        Self {
            wanted: held.wanted.to_string(),
            because: held.because.to_string(),
        }
    }
}
