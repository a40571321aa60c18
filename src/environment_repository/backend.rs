use confbus_protocol::Label;
use confbus_resolution::EnvironmentRequest;

use super::{
    FindError,
    git_backend::{self, GitBackend, Labels},
    opener::Opener,
    places::{Place, Shown},
    repository::{self, Before, Repository},
    upstream::Upstream,
};
use crate::files;

/// One member of a composite, or the only backend.
#[derive(Debug, Clone)]
pub(crate) enum Settings {
    /// Git repositories.
    Git(git_backend::Settings),
    /// Directories of this machine.
    Native(NativeSettings),
}

/// Directories of this machine.
#[derive(Debug, Clone)]
pub(crate) struct NativeSettings {
    pub(crate) files: files::Settings,
    pub(crate) repository: repository::Settings,
    /// What environments show as their version.
    pub(crate) version: Option<String>,
}

/// What configuration is read from.
#[derive(Debug)]
pub(super) enum Backend {
    Git(Box<GitBackend>),
    Native {
        repository: Repository,
        version: Option<String>,
        /// All requests are for this one: a label is a directory here.
        label: Label,
    },
}

impl Backend {
    /// Opens what is known at the start.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) async fn open(settings: Settings, opener: &Opener) -> std::io::Result<Self> {
        match settings {
            Settings::Git(settings) => {
                let git = GitBackend::open(settings, opener).await?;
                Ok(Self::Git(Box::new(git)))
            }
            Settings::Native(NativeSettings {
                files,
                repository,
                version,
            }) => {
                let label = repository.default_label.clone();
                let upstream = Upstream::directories(files);
                let repository = opener.open(upstream, repository).await;
                Ok(Self::Native {
                    repository,
                    version,
                    label,
                })
            }
        }
    }

    /// The places that may answer.
    pub(super) async fn places(
        &self,
        request: &EnvironmentRequest,
        labels: Labels,
        before: Before,
    ) -> Result<Vec<Place>, FindError> {
        match self {
            Self::Git(git) => git.places(request, labels, before).await,
            Self::Native {
                repository,
                version,
                label,
            } => {
                let history = repository.history(label, before).await?;
                let shown = Shown::Fixed(version.clone());
                Ok(vec![Place::new(
                    repository.clone(),
                    history,
                    request.clone(),
                    shown,
                )])
            }
        }
    }

    /// All repositories that are open now.
    pub(super) fn repositories(&self) -> Vec<Repository> {
        match self {
            Self::Git(git) => git.repositories(),
            Self::Native { repository, .. } => vec![repository.clone()],
        }
    }

    /// Whether there is anything to answer from.
    pub(super) fn is_serving(&self) -> bool {
        match self {
            Self::Git(git) => git.is_serving(),
            Self::Native { repository, .. } => repository.is_serving(),
        }
    }
}
