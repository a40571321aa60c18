use confbus_protocol::{Application, Label, Profiles};

/// The coordinates of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EnvironmentRequest {
    /// Whose configuration.
    pub application: Application,
    /// Under which profiles.
    pub profiles: Profiles,
    /// As asked for; the snapshot is what it names.
    pub label: Option<Label>,
}
