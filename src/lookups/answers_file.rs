//! What is kept of a store, on disk: a start answers from it before anybody asks the store.
//!
//! Nobody waits for it but a start, for a moment. It holds values as the clones of Git do.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::timeout;
use tracing::warn;

use super::{
    Place,
    form::{Read, Written},
    kept::{Kept, MOST_BYTES},
};
use crate::{hex, json_file};
pub(crate) use json_file::Check;

/// The form of the file. Another number is another form.
const VERSION: u32 = 1;

/// Text of which each byte is escaped, and what stands between, which counts as text, too.
const LONGEST_FILE: u64 = 8 * MOST_BYTES as u64;

/// How long the start waits for the disk.
const RESTORE: Duration = Duration::from_secs(5);

/// The file of one store, if there is any.
#[derive(Debug, Clone)]
pub(super) struct AnswersFile(json_file::Kept);

/// What was kept before the last stop.
#[derive(Debug, Default)]
pub(super) struct Restored {
    pub(super) kept: Arc<Kept>,
    pub(super) confirmed: Option<SystemTime>,
    /// Why it was not read, and will not be written.
    pub(super) trouble: Option<String>,
}

/// Where the answers of a place are kept below a folder by the server on this port: no two places that may answer
/// otherwise share a file.
pub(crate) fn file(folder: &Path, place: &dyn Place, port: u16) -> PathBuf {
    let identity = serde_json::Value::from(place.identity()).to_string();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, identity.as_bytes());
    let hash = hex::encoded(&digest.as_ref()[..12]);
    folder.join(format!("{}-{hash}-{port}.json", place.kind()))
}

impl AnswersFile {
    /// Reads what is there; a file that makes no sense is put aside. One that cannot be read in time, or that somebody else
    /// may have put there, is left alone for good.
    pub(super) async fn open(path: Option<PathBuf>, check: Check, store: &str) -> (Self, Restored) {
        let file = Self::at(path, check);
        if !file.is_kept() {
            return (file, Restored::default());
        }
        let reading = tokio::task::spawn_blocking({
            let file = file.clone();
            move || file.0.prepare().map(|()| file.load())
        });
        let read = timeout(RESTORE, reading).await;
        let read = read.map_err(|_| io::Error::other("the disk is slow"));
        match read.and_then(|read| read.map_err(io::Error::other)?) {
            Ok(restored) => (file, restored),
            Err(error) => {
                warn!(event = "journal.failed", store, error.text = %error, "what a store said before is not read, and what it says is not kept on disk");
                let restored = Restored {
                    trouble: Some(error.to_string()),
                    ..Restored::default()
                };
                (Self::at(None, check), restored)
            }
        }
    }

    fn at(path: Option<PathBuf>, check: Check) -> Self {
        Self(json_file::Kept::new(path, VERSION, LONGEST_FILE).if_ours(check))
    }

    fn load(&self) -> Restored {
        let lost = "what a store said before cannot be read; it is asked anew";
        let read: Option<Read> = self.0.load(lost);
        let (kept, confirmed) = read.map(Read::into_parts).unwrap_or_default();
        Restored {
            kept: Arc::new(kept),
            confirmed,
            trouble: None,
        }
    }

    /// Whether there is one to write.
    pub(super) fn is_kept(&self) -> bool {
        self.0.is_kept()
    }

    /// # Errors
    /// When it cannot be written, may be somebody else's, or would be longer than is read.
    pub(super) async fn save(
        &self,
        kept: Arc<Kept>,
        confirmed: Option<SystemTime>,
    ) -> io::Result<()> {
        self.0.save(Written::new(kept, confirmed)).await
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use confbus_protocol::{Application, Profiles, PropertySource};
    use confbus_resolution::EnvironmentRequest;

    use super::{super::Answer, *};

    fn request() -> EnvironmentRequest {
        EnvironmentRequest {
            application: Application::parse("orders").unwrap(),
            profiles: Profiles::parse("default").unwrap(),
            label: None,
        }
    }

    fn kept() -> Arc<Kept> {
        let source = PropertySource {
            name: "opensesame".into(),
            source: Arc::default(),
        };
        let answer = Arc::new(Answer::new(vec![source]));
        Arc::new([(request(), answer)].into_iter().collect())
    }

    async fn open(path: &Path) -> Restored {
        AnswersFile::open(Some(path.to_owned()), |_| Ok(()), "fake")
            .await
            .1
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/fake-1.json");
        let file = AnswersFile::at(Some(path.clone()), |_| Ok(()));
        file.save(kept(), None).await.unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let before = open(&path).await;
        assert!(before.kept.get(&request()).is_some() && before.trouble.is_none());

        let text = fs::read_to_string(&path).unwrap();
        for wrong in [
            String::new(),
            text[..text.len() / 2].to_owned(),
            text.replace("\"version\":1", "\"version\":2"),
            text.replace("\"application\"", "\"applications\""),
        ] {
            assert_ne!(wrong, text);
            fs::write(&path, &wrong).unwrap();
            let before = open(&path).await;
            assert!(before.kept.is_empty() && before.trouble.is_none());
            let aside = path.with_extension("damaged.json");
            assert_eq!(fs::read_to_string(aside).unwrap(), wrong);
            assert!(!path.exists());
        }
    }

    #[tokio::test]
    async fn what_others_may_have_put_there_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fake-1.json");
        let file = AnswersFile::at(Some(path.clone()), |_| Ok(()));
        file.save(kept(), None).await.unwrap();
        let refuses: Check = |_| Err(io::Error::other("somebody else's"));
        let (file, before) = AnswersFile::open(Some(path.clone()), refuses, "fake").await;
        assert!(before.kept.is_empty() && !file.is_kept());
        assert_eq!(before.trouble.as_deref(), Some("somebody else's"));
        assert!(path.exists());
    }

    #[tokio::test]
    async fn its_folder_is_looked_at_again_before_each_write() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("below");
        let is_ours: Check = |file| {
            let is_taken = file.with_extension("taken").exists();
            if is_taken {
                Err(io::Error::other("taken"))
            } else {
                Ok(())
            }
        };
        let path = below.join("fake-1.json");
        let (file, _) = AnswersFile::open(Some(path.clone()), is_ours, "fake").await;
        let mode = fs::metadata(&below).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        fs::write(path.with_extension("taken"), "").unwrap();
        let saved = file.save(kept(), None).await;
        assert_eq!(saved.unwrap_err().to_string(), "taken");
        assert!(!path.exists());
    }
}
