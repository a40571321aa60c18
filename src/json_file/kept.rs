use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tracing::warn;

/// Whether what lies at a path was put there by us.
pub(crate) type Check = fn(&Path) -> io::Result<()>;

/// A file that outlives the server, or none.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    file: Option<PathBuf>,
    /// The form of the file. Another number is another form.
    version: u32,
    /// In bytes.
    longest: u64,
    check: Check,
}

/// What stands in the file.
#[derive(Serialize)]
struct Form<T> {
    version: u32,
    #[serde(flatten)]
    content: T,
}

/// What every form has.
#[derive(Deserialize)]
struct OfVersion {
    version: u32,
}

impl Kept {
    pub(crate) fn new(file: Option<PathBuf>, version: u32, longest: u64) -> Self {
        Self {
            file,
            version,
            longest,
            check: |_| Ok(()),
        }
    }

    /// Holds the file against a check before each write, and whenever it is prepared.
    pub(crate) fn if_ours(self, check: Check) -> Self {
        Self { check, ..self }
    }

    /// Makes the folder of the file and looks whether both are ours. Where it cannot be made, writing will say so.
    ///
    /// # Errors
    /// When they may be somebody else's.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        (self.check)(file)?;
        if let Some(folder) = file.parent() {
            _ = super::make_folder(folder);
        }
        (self.check)(file)
    }

    /// Whether anything is left after a restart.
    pub(crate) fn is_kept(&self) -> bool {
        self.file.is_some()
    }

    /// What was saved. A file that makes no sense is put aside for whoever wants to know what it held, and the log says
    /// what is `lost`.
    pub(crate) fn load<T: DeserializeOwned>(&self, lost: &str) -> Option<T> {
        let file = self.file.as_ref()?;
        super::remove_leftovers(file);
        match self.read(file) {
            Ok(content) => Some(content),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
            Err(cause) => {
                let aside = file.with_extension("damaged.json");
                let kept = fs::rename(file, &aside).is_ok();
                let aside = kept.then(|| aside.display().to_string());
                warn!(file = %file.display(), error = %cause, aside, "{lost}");
                None
            }
        }
    }

    /// Replaces the file as a whole, aside from the runtime's threads; it is on disk after this.
    ///
    /// # Errors
    /// When the file cannot be written, is not ours, or would be longer than is read.
    pub(crate) async fn save<T: Serialize + Send + 'static>(&self, content: T) -> io::Result<()> {
        let Some(file) = self.file.clone() else {
            return Ok(());
        };
        let form = Form {
            version: self.version,
            content,
        };
        let this = self.clone();
        let write = move || {
            this.prepare()?;
            write(&file, &form, this.longest)
        };
        let written = tokio::task::spawn_blocking(write).await;
        written.map_err(io::Error::other)?
    }

    fn read<T: DeserializeOwned>(&self, file: &Path) -> io::Result<T> {
        let text = super::bytes(file, self.longest)?;
        // First, so that another form is not taken for a damaged one.
        let OfVersion { version } = super::parse(&text)?;
        if version == self.version {
            super::parse(&text)
        } else {
            Err(io::Error::other("it is of another version of confbus"))
        }
    }
}

fn write(file: &Path, form: &impl Serialize, longest: u64) -> io::Result<()> {
    super::replace(file, |to| {
        let left = longest;
        Ok(serde_json::to_writer(Bounded { to, left }, form)?)
    })?;
    let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    File::open(folder)?.sync_all()
}

/// Takes so many bytes.
struct Bounded<'w> {
    to: &'w mut dyn Write,
    left: u64,
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or(io::ErrorKind::FileTooLarge)?;
        self.to.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Words {
        words: Vec<String>,
    }

    fn words(count: usize) -> Words {
        let words = vec!["word".to_owned(); count];
        Words { words }
    }

    #[tokio::test]
    async fn nothing_is_written_that_would_not_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::new(Some(folder.path().join("a.json")), 1, 64);
        kept.save(words(3)).await.unwrap();
        let error = kept.save(words(9)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(kept.load("lost"), Some(words(3)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    fn names(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn what_a_kill_left_behind_goes_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.json");
        let kept = Kept::new(Some(file.clone()), 1, 64);
        kept.save(words(3)).await.unwrap();
        for other in [".a.json.txt", ".a.json.b.4rKd2Z.new", ".b.json.4rKd2Z.new"] {
            fs::write(folder.path().join(other), "").unwrap();
        }
        let before = names(folder.path());
        let mut during = Vec::new();
        let replaced = crate::json_file::replace(&file, |_| {
            during = names(folder.path());
            Err(io::ErrorKind::Interrupted.into())
        });
        assert!(replaced.is_err());
        during.retain(|name| !before.contains(name));
        let [aside] = during.as_slice() else {
            panic!("{during:?}");
        };
        fs::write(aside, "half").unwrap();
        assert_eq!(kept.load("lost"), Some(words(3)));
        assert_eq!(names(folder.path()), before);
    }

    #[test]
    fn another_form_is_told_from_a_damaged_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.json");
        let kept = Kept::new(Some(file.clone()), 1, 64);
        for (text, told) in [
            ("{\"version\":2,\"words\":1}", "another version"),
            ("{\"version\":1,\n\"words\":1}", "line 2, column "),
            ("{\"version\":1}", "line 1, column "),
        ] {
            fs::write(&file, text).unwrap();
            let error = kept.read::<Words>(&file).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
