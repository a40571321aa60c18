//! The newest accepted configuration on disk, for starts without a server.

use std::{
    io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::digest::{SHA256, digest};
use confbus_protocol::{Environment, Representation};
use serde::{Deserialize, Serialize};

pub use self::secrets::{InvalidKey, LastGoodKey, Secrets};
pub(crate) use self::{left_out::LeftOut, saver::Saver};
use crate::{Snapshot, error::LastGoodError, settings::Coordinates};

mod disk;
mod left_out;
mod saver;
mod secrets;

/// The first word of the file; the number is that of its form. A checksum follows.
const MAGIC: &str = "confbus-last-good-1";

/// The first line of an encrypted file.
const SEALED: &[u8] = b"confbus-last-good-1-sealed\n";

/// Where the newest accepted configuration is kept, for starts without a server, and how.
///
/// ```
/// use confbus_client::{LastGoodFile, LastGoodKey, Secrets, Settings};
///
/// # let key = [7; 32];
/// let file = LastGoodFile::new("/var/lib/orders").secrets(Secrets::Encrypt(LastGoodKey::new(key)));
/// let settings = Settings::new("orders").last_good(file);
/// ```
#[derive(Debug, Clone)]
pub struct LastGoodFile {
    directory: PathBuf,
    secrets: Secrets,
}

/// One file for one set of coordinates.
#[derive(Debug, Clone)]
pub(crate) struct LastGood {
    path: PathBuf,
    coordinates: String,
    secrets: Secrets,
}

/// What was saved, and when.
pub(crate) struct Saved {
    pub(crate) environment: Environment,
    pub(crate) left_out: LeftOut,
    pub(crate) at: SystemTime,
}

/// What was saved, ready to run.
pub(crate) struct Earlier {
    pub(crate) environment: Arc<Environment>,
    pub(crate) snapshot: Snapshot,
    pub(crate) saved: SystemTime,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    coordinates: String,
    /// Seconds since 1970.
    saved: u64,
    #[serde(default, skip_serializing_if = "LeftOut::is_empty")]
    left_out: LeftOut,
}

impl From<Saved> for Earlier {
    fn from(saved: Saved) -> Self {
        Self {
            snapshot: Snapshot::of_saved(&saved.environment, &saved.left_out),
            environment: Arc::new(saved.environment),
            saved: saved.at,
        }
    }
}

impl Earlier {
    /// How old it is, in seconds.
    pub(crate) fn age_s(&self) -> u64 {
        self.saved.elapsed().unwrap_or_default().as_secs()
    }
}

impl LastGoodFile {
    /// A file in this directory, which must exist, without secrets. It has a name for each application, profiles and
    /// labels; it is replaced as a whole, and readable by its owner only (0600).
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            secrets: Secrets::default(),
        }
    }

    /// What it holds of secrets ([`Secrets::LeaveOut`]).
    #[must_use]
    pub fn secrets(mut self, secrets: Secrets) -> Self {
        self.secrets = secrets;
        self
    }

    /// In another directory.
    pub(crate) fn within(self, directory: PathBuf) -> Self {
        Self { directory, ..self }
    }
}

impl LastGood {
    pub(crate) fn new(file: &LastGoodFile, coordinates: &Coordinates) -> Self {
        let labels: Vec<&str> = coordinates
            .labels
            .iter()
            .flatten()
            .map(String::as_str)
            .collect();
        let coordinates = format!(
            "{}/{}@{}",
            coordinates.application,
            coordinates.profiles,
            labels.join(",")
        );
        let readable: String = coordinates
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(64)
            .collect();
        // Two coordinates may read alike; their hash does not.
        let name = format!(
            "{}-{}.lastgood",
            readable.trim_matches('-'),
            &hex(coordinates.as_bytes())[..8]
        );
        Self {
            path: file.directory.join(name),
            coordinates,
            secrets: file.secrets.clone(),
        }
    }

    /// Reads the file, if it is whole, ours, and only ours to write.
    pub(crate) fn load(&self) -> Result<Saved, LastGoodError> {
        match disk::read(&self.path) {
            Ok(bytes) => self
                .parse(&bytes)
                .map_err(|problem| self.unusable(problem.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(LastGoodError::Missing {
                path: self.path.display().to_string(),
            }),
            Err(error) => Err(self.unusable(error.to_string())),
        }
    }

    /// Replaces the file as a whole.
    pub(crate) fn save(&self, environment: &Environment) -> Result<(), LastGoodError> {
        let saved = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let written = self
            .content(environment, saved)
            .and_then(|content| disk::replace(&self.path, &content));
        written.map_err(|error| self.unusable(error.to_string()))
    }

    fn unusable(&self, problem: String) -> LastGoodError {
        LastGoodError::Unusable {
            path: self.path.display().to_string(),
            problem,
        }
    }

    fn content(&self, environment: &Environment, saved: u64) -> io::Result<Vec<u8>> {
        match &self.secrets {
            Secrets::LeaveOut => {
                let (environment, left_out) = LeftOut::of(environment);
                Ok(checked(&self.text(&environment, saved, left_out)?))
            }
            Secrets::Keep => Ok(checked(&self.text(
                environment,
                saved,
                LeftOut::default(),
            )?)),
            Secrets::Encrypt(key) => {
                let text = self.text(environment, saved, LeftOut::default())?;
                Ok([SEALED, &key.seal(SEALED, text)?].concat())
            }
        }
    }

    fn text(
        &self,
        environment: &Environment,
        saved: u64,
        left_out: LeftOut,
    ) -> io::Result<Vec<u8>> {
        let mut text = serde_json::to_vec(&Head {
            coordinates: self.coordinates.clone(),
            saved,
            left_out,
        })?;
        text.push(b'\n');
        text.extend(environment.to_json(Representation::V2));
        Ok(text)
    }

    fn parse(&self, bytes: &[u8]) -> Result<Saved, &'static str> {
        match (&self.secrets, bytes.strip_prefix(SEALED)) {
            (Secrets::Encrypt(key), Some(sealed)) => {
                let text = key
                    .open(SEALED, sealed)
                    .ok_or("it is corrupt, or was encrypted with another key; delete it")?;
                self.parse_text(&text)
            }
            (_, Some(_)) => Err("it is encrypted; give its key, or delete it"),
            // What anybody could have written is not taken for what only the key can write.
            (Secrets::Encrypt(_), None) => Err("it is not encrypted; delete it"),
            (Secrets::LeaveOut | Secrets::Keep, None) => self.parse_text(unchecked(bytes)?),
        }
    }

    fn parse_text(&self, text: &[u8]) -> Result<Saved, &'static str> {
        let (head, environment) = line(text).ok_or("it is cut off; delete it")?;
        let head: Head =
            serde_json::from_slice(head).map_err(|_| "its head cannot be read; delete it")?;
        if head.coordinates != self.coordinates {
            return Err("it belongs to other coordinates");
        }
        let environment = serde_json::from_slice(environment)
            .map_err(|_| "it holds no environment; delete it")?;
        let at = UNIX_EPOCH
            .checked_add(Duration::from_secs(head.saved))
            .unwrap_or(UNIX_EPOCH);
        Ok(Saved {
            environment,
            left_out: head.left_out,
            at,
        })
    }
}

/// A text below a line with its checksum.
fn checked(text: &[u8]) -> Vec<u8> {
    let first = format!("{MAGIC} {}\n", hex(text));
    [first.as_bytes(), text].concat()
}

fn unchecked(bytes: &[u8]) -> Result<&[u8], &'static str> {
    let (first, text) =
        line(bytes).ok_or("it is cut off or was not written by this program; delete it")?;
    let checksum = first
        .strip_prefix(MAGIC.as_bytes())
        .and_then(|rest| rest.strip_prefix(b" "))
        .ok_or("it has another form; delete it")?;
    if checksum == hex(text).as_bytes() {
        Ok(text)
    } else {
        Err("it is corrupt: its checksum does not match; delete it")
    }
}

fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

fn hex(bytes: &[u8]) -> String {
    digest(&SHA256, bytes)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests;
