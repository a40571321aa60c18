//! Files that are replaced as a whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::Format;
use crate::cli::Output;

/// New files beside the old ones, readable by their owner only; dropped, they vanish.
pub(super) struct Staged(Vec<StagedFile>);

struct StagedFile {
    output: Output,
    text: String,
    /// `None` for standard output.
    file: Option<NamedTempFile>,
}

/// What could not be done with which file.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be {done}: {error}", path.display())]
pub(super) struct FileError {
    path: PathBuf,
    done: &'static str,
    error: io::Error,
}

/// Writes each text beside its file, down to the disk.
pub(super) fn stage(outputs: &[Output], texts: &[String]) -> Result<Staged, FileError> {
    let pairs = outputs.iter().cloned().zip(texts.iter().cloned());
    let staged = pairs.map(|(output, text)| {
        let staged = output.path.as_deref().map(|path| {
            beside(path, &text).map_err(|error| FileError {
                path: path.to_owned(),
                done: "written",
                error,
            })
        });
        let file = staged.transpose()?;
        Ok(StagedFile { output, text, file })
    });
    staged.collect::<Result<_, _>>().map(Staged)
}

fn beside(path: &Path, text: &str) -> io::Result<NamedTempFile> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let ending = path
        .extension()
        .map_or_else(String::new, |ending| format!(".{}", ending.display()));
    let mut file = tempfile::Builder::new()
        .prefix(&format!(".{}.", name.display()))
        // Checkers go by the ending.
        .suffix(&ending)
        .tempfile_in(folder(path))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn folder(path: &Path) -> &Path {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or_else(|| Path::new("."))
}

impl Staged {
    /// Each output with the path of its new file.
    pub(super) fn paths(&self) -> impl Iterator<Item = (&Output, &Path)> {
        let files = self.0.iter();
        files.filter_map(|staged| Some((&staged.output, staged.file.as_ref()?.path())))
    }

    /// Puts the new files in the place of the old ones, whose modes they take.
    ///
    /// # Errors
    /// At the first file that does not go; those before it are replaced.
    pub(super) fn replace(self) -> Result<(), FileError> {
        for StagedFile { output, text, file } in self.0 {
            let replaced = match (&output.path, file) {
                (Some(path), Some(file)) => put(file, path),
                _ => print(&text, output.format),
            };
            replaced.map_err(|error| FileError {
                path: output.path.unwrap_or_else(|| "standard output".into()),
                done: "replaced",
                error,
            })?;
        }
        Ok(())
    }
}

fn put(file: NamedTempFile, path: &Path) -> io::Result<()> {
    if let Ok(old) = fs::symlink_metadata(path)
        && old.is_file()
    {
        fs::set_permissions(file.path(), old.permissions())?;
    }
    file.persist(path)?;
    File::open(folder(path))?.sync_all()
}

/// A stream of documents.
fn print(text: &str, format: Format) -> io::Result<()> {
    let mut output = io::stdout().lock();
    if format == Format::Yaml {
        output.write_all(b"---\n")?;
    }
    output.write_all(text.as_bytes())?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn outputs(folder: &Path) -> Vec<Output> {
        let output = |name: &str| Output {
            path: Some(folder.join(name)),
            format: Format::Yaml,
        };
        ["a.yaml", "b.yaml"].map(output).into()
    }

    fn texts(text: &str) -> Vec<String> {
        vec![text.to_owned(); 2]
    }

    #[test]
    fn what_is_staged_is_private_and_vanishes() {
        let folder = tempfile::tempdir().unwrap();
        let staged = stage(&outputs(folder.path()), &texts("new")).unwrap();
        for (_, path) in staged.paths() {
            assert_eq!(path.parent(), Some(folder.path()));
            assert_eq!(path.extension().unwrap(), "yaml");
            assert_eq!(
                fs::metadata(path).unwrap().permissions().mode() & 0o777,
                0o600
            );
            assert_eq!(fs::read_to_string(path).unwrap(), "new");
        }
        drop(staged);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join("a.yaml");
        fs::write(&old, "old").unwrap();
        fs::set_permissions(&old, fs::Permissions::from_mode(0o640)).unwrap();
        stage(&outputs(folder.path()), &texts("new"))
            .unwrap()
            .replace()
            .unwrap();
        let mode = |name: &str| {
            fs::metadata(folder.path().join(name))
                .unwrap()
                .permissions()
                .mode()
        };
        assert_eq!(
            (mode("a.yaml") & 0o777, mode("b.yaml") & 0o777),
            (0o640, 0o600)
        );
        assert_eq!(fs::read_to_string(&old).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_that_cannot_be_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = outputs(&folder.path().join("missing"));
        let error = stage(&missing, &texts("new")).err().unwrap().to_string();
        assert!(
            error.contains("missing/a.yaml cannot be written"),
            "{error}"
        );

        fs::create_dir(folder.path().join("b.yaml")).unwrap();
        let staged = stage(&outputs(folder.path()), &texts("new")).unwrap();
        let error = staged.replace().err().unwrap().to_string();
        assert!(error.contains("b.yaml cannot be replaced"), "{error}");
    }
}
