//! The newest accepted configuration on disk, for starts without a server.

use std::{
    fs::{self, File, Permissions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::digest::{SHA256, digest};
use confbus_protocol::{Environment, Representation};
use serde::{Deserialize, Serialize};

use crate::{error::LastGoodError, settings::Coordinates};

/// The first word of the file; the number is that of its form.
const MAGIC: &str = "confbus-last-good-1";

/// Nobody writes a larger file; a larger one is not ours.
const MAX_BYTES: u64 = 256 << 20;

/// One file for one set of coordinates.
#[derive(Debug, Clone)]
pub(crate) struct LastGood {
    path: PathBuf,
    coordinates: String,
}

/// What was saved, and when.
pub(crate) struct Saved {
    pub(crate) environment: Environment,
    pub(crate) at: SystemTime,
}

#[derive(Serialize, Deserialize)]
struct Head {
    coordinates: String,
    /// Seconds since 1970.
    saved: u64,
}

impl LastGood {
    pub(crate) fn new(directory: &Path, coordinates: &Coordinates) -> Self {
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
            path: directory.join(name),
            coordinates,
        }
    }

    /// Reads the file, if it is whole, ours, and only ours to write.
    pub(crate) fn load(&self) -> Result<Saved, LastGoodError> {
        let path = self.path.display().to_string();
        match self.read() {
            Ok(bytes) => self
                .parse(&bytes)
                .map_err(|problem| LastGoodError::Unusable {
                    path,
                    problem: problem.to_owned(),
                }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(LastGoodError::Missing { path })
            }
            Err(error) => Err(LastGoodError::Unusable {
                path,
                problem: error.to_string(),
            }),
        }
    }

    /// Replaces the file as a whole: a crash leaves the old one or the new one.
    pub(crate) fn save(&self, environment: &Environment) -> Result<(), LastGoodError> {
        let saved = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let written = self
            .content(environment, saved)
            .and_then(|content| self.write(&content));
        written.map_err(|error| LastGoodError::Unusable {
            path: self.path.display().to_string(),
            problem: error.to_string(),
        })
    }

    fn content(&self, environment: &Environment, saved: u64) -> io::Result<Vec<u8>> {
        let mut content = serde_json::to_vec(&Head {
            coordinates: self.coordinates.clone(),
            saved,
        })?;
        content.push(b'\n');
        content.extend(environment.to_json(Representation::V2));
        let mut file = format!("{MAGIC} {}\n", hex(&content)).into_bytes();
        file.extend(content);
        Ok(file)
    }

    fn write(&self, content: &[u8]) -> io::Result<()> {
        let directory = self.path.parent().unwrap_or_else(|| Path::new("."));
        // Made with 0600, in the same directory because a rename does not cross file systems.
        let mut file = tempfile::Builder::new()
            .prefix(".confbus-")
            .tempfile_in(directory)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        sync_directory(directory)
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        let found = fs::symlink_metadata(&self.path)?;
        if !found.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let file = File::open(&self.path)?;
        restrict(&file)?;
        let mut bytes = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn parse(&self, bytes: &[u8]) -> Result<Saved, &'static str> {
        let (first, content) =
            line(bytes).ok_or("it is cut off or was not written by this program; delete it")?;
        let checksum = first
            .strip_prefix(MAGIC.as_bytes())
            .and_then(|rest| rest.strip_prefix(b" "))
            .ok_or("it has another form; delete it")?;
        if checksum != hex(content).as_bytes() {
            return Err("it is corrupt: its checksum does not match; delete it");
        }
        let (head, environment) = line(content).ok_or("it is cut off; delete it")?;
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
        Ok(Saved { environment, at })
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

/// What others can write is refused; what others can read is closed to them.
#[cfg(unix)]
fn restrict(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(io::Error::other(
            "others may write it; delete it, or `chmod 600` it if you trust it",
        ));
    }
    if mode & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))
    } else {
        Ok(())
    }
}

#[cfg(not(unix))]
fn restrict(_: &File) -> io::Result<()> {
    Ok(())
}

/// A rename is on disk when its directory is.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coordinates(profiles: &str) -> Coordinates {
        Coordinates {
            application: "orders".into(),
            profiles: profiles.into(),
            labels: vec![Some("feature/x".into())],
        }
    }

    fn environment() -> Environment {
        serde_json::from_str(
            r#"{"name":"orders","profiles":["dev"],"version":"9f2c1ab","propertySources":[{"name":"orders.yml","source":{"a":{"value":1,"origin":"1:4"}}}]}"#,
        )
        .unwrap()
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let file = LastGood::new(directory.path(), &coordinates("dev"));
        assert!(matches!(file.load(), Err(LastGoodError::Missing { .. })));
        file.save(&environment()).unwrap();
        file.save(&environment()).unwrap();
        let saved = file.load().unwrap();
        assert_eq!(saved.environment, environment());
        assert!(saved.at.elapsed().unwrap() < Duration::from_secs(60));
        assert_eq!(
            fs::read_dir(directory.path()).unwrap().count(),
            1,
            "nothing temporary is left"
        );
        assert!(
            LastGood::new(directory.path(), &coordinates("prod"))
                .load()
                .is_err()
        );
    }

    #[test]
    fn a_file_that_is_torn_or_changed_anywhere_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = LastGood::new(directory.path(), &coordinates("dev"));
        let whole = file.content(&environment(), 1_700_000_000).unwrap();
        assert!(file.parse(&whole).is_ok());
        for end in 0..whole.len() {
            assert!(file.parse(&whole[..end]).is_err(), "cut at {end}");
            let mut changed = whole.clone();
            changed[end] ^= 1;
            assert!(file.parse(&changed).is_err(), "changed at {end}");
        }
    }

    #[test]
    fn a_file_of_other_coordinates_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (dev, prod) = (
            LastGood::new(directory.path(), &coordinates("dev")),
            LastGood::new(directory.path(), &coordinates("prod")),
        );
        dev.save(&environment()).unwrap();
        fs::rename(&dev.path, &prod.path).unwrap();
        assert!(
            prod.load()
                .err()
                .unwrap()
                .to_string()
                .contains("other coordinates")
        );
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_and_writes_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let file = LastGood::new(directory.path(), &coordinates("dev"));
        file.save(&environment()).unwrap();
        let mode = || fs::metadata(&file.path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);

        fs::set_permissions(&file.path, Permissions::from_mode(0o644)).unwrap();
        assert!(file.load().is_ok());
        assert_eq!(mode(), 0o600);

        fs::set_permissions(&file.path, Permissions::from_mode(0o666)).unwrap();
        assert!(file.load().is_err());

        let real = directory.path().join("real");
        fs::rename(&file.path, &real).unwrap();
        std::os::unix::fs::symlink(&real, &file.path).unwrap();
        assert!(file.load().is_err());
    }
}
