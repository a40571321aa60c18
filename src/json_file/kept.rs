use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tracing::warn;

/// A file that outlives the server, or none.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    file: Option<PathBuf>,
    /// The form of the file. Another number is another form.
    version: u32,
    /// In bytes.
    longest: u64,
}

/// What stands in the file.
#[derive(Serialize, Deserialize)]
struct Form<T> {
    version: u32,
    #[serde(flatten)]
    content: T,
}

impl Kept {
    pub(crate) fn new(file: Option<PathBuf>, version: u32, longest: u64) -> Self {
        Self {
            file,
            version,
            longest,
        }
    }

    /// Whether anything is left after a restart.
    pub(crate) fn is_kept(&self) -> bool {
        self.file.is_some()
    }

    /// What was saved. A file that makes no sense is put aside for whoever wants to know what it held, and the log says
    /// what is `lost`.
    pub(crate) fn load<T: DeserializeOwned>(&self, lost: &str) -> Option<T> {
        let file = self.file.as_ref()?;
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
    /// When the file cannot be written.
    pub(crate) async fn save<T: Serialize + Send + 'static>(&self, content: T) -> io::Result<()> {
        let Some(file) = self.file.clone() else {
            return Ok(());
        };
        let form = Form {
            version: self.version,
            content,
        };
        let written = tokio::task::spawn_blocking(move || write(&file, &form)).await;
        written.map_err(io::Error::other)?
    }

    fn read<T: DeserializeOwned>(&self, file: &Path) -> io::Result<T> {
        let Form { version, content } = super::read(file, self.longest)?;
        if version == self.version {
            Ok(content)
        } else {
            Err(io::Error::other("it is of another version of confbus"))
        }
    }
}

fn write(file: &Path, form: &impl Serialize) -> io::Result<()> {
    super::replace(file, |writer| Ok(serde_json::to_writer(writer, form)?))?;
    let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    File::open(folder)?.sync_all()
}
