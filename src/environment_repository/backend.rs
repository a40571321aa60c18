use confbus_protocol::Label;
use confbus_resolution::EnvironmentRequest;

use super::{
    FindError,
    audience::Audience,
    git_backend::{self, GitBackend, Labels},
    opener::Opener,
    places::{Gathered, Place, Shown},
    repository::{self, Reading, Repository},
    upstream::Upstream,
};
use crate::{
    files, git,
    lookups::{self, Lookups},
    vault::{self, Token, Vault},
};

/// One member of a composite, or the only backend.
#[derive(Debug, Clone)]
pub(crate) enum Settings {
    /// Git repositories.
    Git(git_backend::Settings),
    /// Directories of this machine.
    Native(NativeSettings),
    /// Secrets of a Vault.
    Vault(vault::Settings),
    /// What a store says that is asked by name.
    Lookups(lookups::Settings),
}

impl Settings {
    /// The labels that may be read where a request names none.
    pub(super) fn default_labels(&self) -> Vec<&str> {
        match self {
            Self::Git(git) => {
                let members = git.all();
                members
                    .map(|member| member.default_label.as_str())
                    .collect()
            }
            Self::Native(native) => {
                let label = native.repository.layout.default_label.iter();
                label.map(Label::as_str).collect()
            }
            Self::Vault(vault) => vault.naming.default_label.as_deref().into_iter().collect(),
            Self::Lookups(store) => store.place.default_label().into_iter().collect(),
        }
    }
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
    Vault(Box<Vault>),
    Lookups(Lookups),
}

/// Whether Vaults are asked, and with whose token.
#[derive(Debug, Clone, Copy)]
pub(super) enum Vaults<'t> {
    /// They have no files, and a probe has no token and fetches nothing. Of stores that are looked up, only what is kept counts.
    Skip,
    /// With the token of the request, if they have none of their own.
    Ask(Option<&'t Token>),
}

impl Vaults<'_> {
    pub(super) fn are_asked(self) -> bool {
        matches!(self, Self::Ask(_))
    }
}

impl Backend {
    /// Opens what is known at the start.
    ///
    /// # Errors
    /// When the system gives no thread, or no certificates for a Vault or a store behind TLS.
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
            Settings::Vault(settings) => {
                let vault = Vault::new(settings).map_err(std::io::Error::other)?;
                if let Some(renewal) = vault.renewal() {
                    let stop = opener.tasks.shutdown();
                    opener.tasks.spawn("vault token", renewal.run(stop));
                }
                Ok(Self::Vault(Box::new(vault)))
            }
            Settings::Lookups(settings) => {
                let generation = opener.generation.clone();
                let changed = opener.hearers.changed.clone();
                let swapped = move || generation.advance();
                let opened = Lookups::open(&settings, git::check_folder, swapped, changed).await;
                let (lookups, keeper, saver) = opened.map_err(std::io::Error::other)?;
                let (tasks, stop) = (&opener.tasks, || opener.tasks.shutdown());
                tasks.spawn("lookups", keeper.run(stop()));
                tasks.spawn("lookups on disk", saver.run(stop()));
                Ok(Self::Lookups(lookups))
            }
        }
    }

    /// What may answer.
    pub(super) async fn gather(
        &self,
        request: &EnvironmentRequest,
        labels: Labels,
        reading: Reading<'_>,
        vaults: Vaults<'_>,
    ) -> Result<Gathered, FindError> {
        match self {
            Self::Git(git) => git.gather(request, labels, reading).await,
            Self::Native {
                repository,
                version,
                label,
            } => {
                let history = repository.history(label, reading.before).await?;
                let shown = Shown::Fixed(version.clone());
                let place = Place::new(repository.clone(), history, request.clone(), shown);
                Ok(Gathered::Places(vec![place]))
            }
            Self::Vault(vault) => Ok(Gathered::Sources(match vaults {
                Vaults::Skip => Vec::new(),
                Vaults::Ask(token) => vault.find(request, token).await?,
            })),
            Self::Lookups(lookups) => Ok(Gathered::Sources(match vaults {
                Vaults::Skip => lookups.kept(request).unwrap_or_default(),
                Vaults::Ask(_) => lookups.find(request).await?,
            })),
        }
    }

    /// The bytes of all files that may be read for a request; `None` where it takes long to tell.
    pub(super) fn bytes_to_read(&self, request: &EnvironmentRequest) -> Option<u64> {
        match self {
            Self::Git(git) => git.bytes_to_read(request),
            Self::Native {
                repository, label, ..
            } => repository.bytes_to_read(label, request),
            Self::Vault(_) => None,
            Self::Lookups(lookups) => lookups.bytes(request),
        }
    }

    /// All repositories that are open now and who reads them.
    pub(super) fn repositories(&self) -> Vec<(Repository, Audience)> {
        match self {
            Self::Git(git) => git.repositories(),
            Self::Native { repository, .. } => vec![(repository.clone(), Audience::everyone())],
            Self::Vault(_) | Self::Lookups(_) => Vec::new(),
        }
    }

    /// Whether requests lead to repositories that are not open yet.
    pub(super) fn opens_on_demand(&self) -> bool {
        matches!(self, Self::Git(git) if git.opens_on_demand())
    }

    /// Whether reads make sure of a repository first.
    pub(super) fn makes_sure(&self) -> bool {
        match self {
            Self::Git(git) => git.makes_sure(),
            Self::Native { repository, .. } => repository.makes_sure(),
            Self::Vault(_) | Self::Lookups(_) => false,
        }
    }

    pub(super) fn is_vault(&self) -> bool {
        matches!(self, Self::Vault(_))
    }

    /// Whether it has finished sources and no files, which a probe does not ask for.
    pub(super) fn has_only_sources(&self) -> bool {
        matches!(self, Self::Vault(_) | Self::Lookups(_))
    }

    pub(super) fn lookups(&self) -> Option<&Lookups> {
        match self {
            Self::Lookups(lookups) => Some(lookups),
            Self::Git(_) | Self::Native { .. } | Self::Vault(_) => None,
        }
    }

    /// Whether there is anything to answer from; of a Vault only a read can tell.
    pub(super) fn is_serving(&self) -> bool {
        match self {
            Self::Git(git) => git.is_serving(),
            Self::Native { repository, .. } => repository.is_serving(),
            Self::Vault(_) => true,
            Self::Lookups(lookups) => lookups.is_serving(),
        }
    }
}
