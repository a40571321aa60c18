use confbus_resolution::EnvironmentRequest;
use serde::Serialize;

use crate::{
    environment_repository::{Held, Inspected},
    look::Authorship,
};

/// Whose configuration it is, as asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct AddressView {
    pub(crate) application: String,
    pub(crate) profiles: Vec<String>,
    /// `None` for the one that the server takes for itself.
    pub(crate) label: Option<String>,
}

/// A commit that has a part in an answer, and who made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CommitView {
    pub(crate) commit: String,
    #[serde(flatten)]
    pub(crate) authorship: Option<Authorship>,
}

/// What took the place of a commit that was asked for by its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SupersededView {
    pub(crate) label: String,
    /// What the label gives now.
    pub(crate) commit: String,
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

impl CommitView {
    /// Those of an answer.
    pub(super) fn all(inspected: &Inspected) -> Vec<Self> {
        let commits = inspected.commits.iter();
        let commits = commits.map(|(commit, authorship)| Self {
            commit: commit.to_string(),
            authorship: authorship.as_deref().cloned(),
        });
        commits.collect()
    }
}

impl SupersededView {
    pub(super) fn of(inspected: &Inspected) -> Option<Self> {
        let superseded = inspected.superseded.as_ref()?;
        Some(Self {
            label: superseded.label.to_string(),
            commit: superseded.version.clone(),
        })
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
