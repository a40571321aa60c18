//! The server's own settings: arguments over environment over files, under Spring's names, each with its place.
//!
//! Everything is read before anything is reported, so that one start tells all mistakes. The process environment is
//! looked at here and nowhere else.

#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod known;
mod layers;
mod problem;
mod reader;
mod rooms;
mod said;
mod summary;
mod variables;

use std::{env, fmt, path::PathBuf};

pub use crate::git::Program as GitProgram;
use problem::code;
pub use problem::{SettingsError, SettingsProblem};
pub use said::SaidSetting;
pub use summary::Summary;

use crate::{
    access, commit_status, encryption::Encryption, environment_repository, http, inspection,
    ledger, pins, refresh, registration, traces, waves,
};
use layers::Layers;
use reader::Reader;

/// Everything the server needs to know, complete and typed.
#[derive(Debug)]
pub struct Settings {
    pub(crate) access: access::Settings,
    pub(crate) http: http::Settings,
    pub(crate) repository: environment_repository::Settings,
    pub(crate) refresh: refresh::Settings,
    /// Whom to tell how commits are; nobody when absent.
    pub(crate) commit_status: Option<commit_status::Settings>,
    pub(crate) ledger: ledger::Settings,
    pub(crate) pins: pins::Settings,
    pub(crate) inspection: inspection::Settings,
    pub(crate) waves: waves::Settings,
    /// Which registries are told that this server is here.
    pub(crate) registration: registration::Settings,
    /// Where spans go to; nowhere when absent.
    pub(crate) traces: Option<Box<traces::Settings>>,
    pub(crate) bus: Bus,
    /// `confbus.replicas.enabled`: whether servers on the same bus tell each other of their ledgers.
    pub(crate) replicas: bool,
    pub(crate) member: confbus_protocol::Member,
    pub(crate) listen: std::net::SocketAddr,
    /// A socket in the file system where the server listens as well.
    pub(crate) socket: Option<http::SocketFile>,
    /// Where management is answered, if not there.
    pub(crate) management: Option<std::net::SocketAddr>,
    /// What was said in vain, or opens what is closed.
    pub(crate) warnings: Vec<SettingsProblem>,
}

/// How members of the bus hear of each other.
#[derive(Debug)]
pub(crate) enum Bus {
    /// Within the process, and over the stream of events.
    Local,
    /// Over RabbitMQ, and over the stream of events.
    Rabbit(Box<confbus_bus::RabbitSettings>),
    /// Over Kafka, and over the stream of events.
    #[cfg(feature = "kafka")]
    Kafka(Box<confbus_bus::KafkaSettings>),
}

impl Bus {
    /// Where events go to: the system's name as OpenTelemetry has it, and that of the exchange or topic.
    pub(crate) fn destination(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Local => None,
            Self::Rabbit(rabbit) => Some(("rabbitmq", rabbit.exchange.clone())),
            #[cfg(feature = "kafka")]
            Self::Kafka(kafka) => Some(("kafka", kafka.topic.clone())),
        }
    }
}

/// Where settings come from besides their files.
#[derive(Clone, Default)]
pub struct Sources {
    /// The settings file; without it the usual places are looked at.
    pub file: Option<PathBuf>,
    /// `key=value`, strongest.
    pub arguments: Vec<(String, String)>,
    /// Environment variables.
    pub variables: Vec<(String, String)>,
}

/// Values may be secrets, so only names are shown.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self
            .arguments
            .iter()
            .chain(&self.variables)
            .map(|(name, _)| name)
            .collect();
        f.debug_struct("Sources")
            .field("file", &self.file)
            .field("names", &names)
            .finish()
    }
}

impl Sources {
    /// The process environment, a settings file and arguments.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>, arguments: Vec<(String, String)>) -> Self {
        let variables: Vec<_> = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let file = file.or_else(|| {
            variables
                .iter()
                .find(|(name, _)| name == "CONFBUS_CONFIG")
                .map(|(_, path)| path.into())
        });
        Self {
            file,
            arguments,
            variables,
        }
    }

    /// Whether anything at all is configured; without it the program shows its demo.
    #[must_use]
    pub fn are_empty(&self) -> bool {
        let ours = |name: &str| {
            name.starts_with("SPRING_CLOUD_CONFIG_SERVER_")
                || name.starts_with("CONFBUS_")
                || name == layers::JSON
        };
        self.file.is_none()
            && self.arguments.is_empty()
            && !self.variables.iter().any(|(name, _)| ours(name))
            && layers::usual_file().is_none()
    }
}

/// Encrypts and decrypts texts with the keys of the settings, without a server.
#[derive(Debug)]
pub struct TextCipher(Encryption);

impl TextCipher {
    /// Opens the keys; all other settings may be missing.
    ///
    /// # Errors
    /// [`SettingsError`] when they cannot be used.
    pub fn load(sources: &Sources) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(Layers::read(sources)?);
        let keys = rooms::keys(&mut reader);
        let (problems, warnings) = reader.finish();
        match keys {
            Some(keys) if problems.is_empty() => Ok(Self(keys)),
            _ => Err(SettingsError::new(problems).beside(warnings)),
        }
    }

    /// What belongs behind `{cipher}` for a text; `{key:ALIAS}` before the text chooses a key of the store.
    ///
    /// # Errors
    /// A sentence, when there is no such key.
    pub fn encrypt(&self, text: &str) -> Result<String, String> {
        self.0.encrypt(text).map_err(|error| error.to_string())
    }

    /// The text of what stands behind `{cipher}`.
    ///
    /// # Errors
    /// A sentence, when there is no such key, or when it is not the one that was used.
    pub fn decrypt(&self, cipher: &str) -> Result<String, String> {
        let checked = self.0.check().and_then(|()| self.0.decrypt_text(cipher));
        checked.map_err(|error| error.to_string())
    }
}

impl Settings {
    /// Has Git run in processes of a program, which can be ended whatever they do; without one, threads do the work.
    #[must_use]
    pub fn with_git_program(mut self, program: GitProgram) -> Self {
        self.repository.git_program = Some(program);
        self
    }

    /// The address of a server of these settings, as callers on its machine write it; all other settings may be missing.
    ///
    /// # Errors
    /// [`SettingsError`] when what is said of it cannot be used.
    pub fn own_address(sources: &Sources) -> Result<String, SettingsError> {
        let mut reader = Reader::new(Layers::read(sources)?);
        let address = rooms::own_address(&mut reader);
        let (problems, warnings) = reader.finish();
        if problems.is_empty() {
            Ok(address)
        } else {
            Err(SettingsError::new(problems).beside(warnings))
        }
    }

    /// Reads and checks all settings.
    ///
    /// # Errors
    /// [`SettingsError`] with every mistake and its place.
    pub fn load(sources: &Sources) -> Result<Self, SettingsError> {
        let layers = Layers::read(sources)?;
        let said = said::of(&layers);
        let mut reader = Reader::new(layers);
        let settings = rooms::settings(&mut reader);
        let defaults = said::assumed(&reader);
        let (problems, warnings) = reader.finish();
        match settings {
            Some(settings) if problems.is_empty() => Ok(Self {
                http: http::Settings {
                    said: said.into_iter().map(SaidSetting::view).collect(),
                    defaults: defaults.into_iter().map(SaidSetting::view).collect(),
                    warnings: warnings.iter().map(SettingsProblem::view).collect(),
                    ..settings.http
                },
                warnings,
                ..settings
            }),
            _ => Err(SettingsError::new(problems).beside(warnings)),
        }
    }
}
