//! Files that are replaced as a whole or not at all.

use std::{
    fs::{self, File, Metadata, Permissions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown},
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
    /// The new file and the one whose place it takes; `None` for standard output.
    file: Option<(NamedTempFile, PathBuf)>,
}

/// What tells our new files from all others.
const MARK: &str = "confbus-";

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
            let file = target(path).and_then(|target| Ok((beside(&target, &text)?, target)));
            file.map_err(|error| FileError {
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

/// The file that is replaced: where a link leads to, and nothing but a regular file.
fn target(path: &Path) -> io::Result<PathBuf> {
    let target = match fs::symlink_metadata(path) {
        Ok(old) if old.is_symlink() => fs::canonicalize(path)?,
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => path.to_owned(),
    };
    match fs::metadata(&target) {
        Ok(old) if !old.is_file() => Err(io::Error::other("it is no regular file")),
        _ => Ok(target),
    }
}

fn beside(path: &Path, text: &str) -> io::Result<NamedTempFile> {
    let (prefix, suffix) = affixes(path)?;
    let mut file = tempfile::Builder::new()
        .prefix(&prefix)
        .suffix(&suffix)
        .tempfile_in(folder(path))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// How the names of new files begin and end.
fn affixes(path: &Path) -> io::Result<(String, String)> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    // Checkers go by the ending.
    let ending = path
        .extension()
        .map_or_else(String::new, |ending| format!(".{}", ending.display()));
    Ok((format!(".{}.{MARK}", name.display()), ending))
}

/// Removes new files that were never put in place because their writer was killed. To be called before anything is staged.
pub(crate) fn remove_leftovers(outputs: &[Output]) {
    for path in outputs.iter().filter_map(|output| output.path.as_deref()) {
        // What cannot be read or removed now is nothing that files in place suffer from.
        _ = target(path).and_then(|target| remove_leftovers_of(&target));
    }
}

fn remove_leftovers_of(path: &Path) -> io::Result<()> {
    let (prefix, suffix) = affixes(path)?;
    for entry in fs::read_dir(folder(path))? {
        let entry = entry?;
        let name = entry.file_name();
        let random = name
            .to_str()
            .and_then(|name| name.strip_prefix(&prefix)?.strip_suffix(&suffix));
        let is_ours =
            random.is_some_and(|random| random.bytes().all(|b| b.is_ascii_alphanumeric()));
        if is_ours && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
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
        files.filter_map(|staged| Some((&staged.output, staged.file.as_ref()?.0.path())))
    }

    /// Puts the new files in the place of the old ones, whose owners and modes they take.
    ///
    /// # Errors
    /// At the first file that does not go; those before it are replaced.
    pub(super) fn replace(self) -> Result<(), FileError> {
        for StagedFile { output, text, file } in self.0 {
            let replaced = match file {
                Some((file, target)) => put(file, &target, output.mode),
                None => print(&text, output.format),
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

fn put(file: NamedTempFile, path: &Path, mode: Option<u32>) -> io::Result<()> {
    if let Ok(old) = fs::symlink_metadata(path)
        && old.is_file()
    {
        let mut permissions = old.permissions();
        if !takes_owner(file.as_file(), &old) {
            // They were not meant for our group.
            permissions.set_mode(permissions.mode() & !0o070);
        }
        file.as_file().set_permissions(permissions)?;
    }
    if let Some(mode) = mode {
        file.as_file()
            .set_permissions(Permissions::from_mode(mode))?;
    }
    file.persist(path)?;
    File::open(folder(path))?.sync_all()
}

/// Gives a file the owner and group of the old one, as far as we may; tells whether the group is the same.
fn takes_owner(new: &File, old: &Metadata) -> bool {
    let (owner, group) = (Some(old.uid()), Some(old.gid()));
    fchown(new, owner, group)
        .or_else(|_| fchown(new, None, group))
        .is_ok()
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
    use std::os::unix::fs::{chown, symlink};

    use super::*;

    fn outputs(folder: &Path) -> Vec<Output> {
        let output = |name: &str| Output {
            path: Some(folder.join(name)),
            format: Format::Yaml,
            mode: None,
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
        fs::set_permissions(&old, Permissions::from_mode(0o640)).unwrap();
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
        let staged = stage(&outputs(folder.path()), &texts("new"));
        let error = staged.err().unwrap().to_string();
        assert!(
            error.ends_with("b.yaml cannot be written: it is no regular file"),
            "{error}"
        );
    }

    #[test]
    fn a_file_keeps_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join("a.yaml");
        fs::write(&old, "old").unwrap();
        if chown(&old, Some(1234), Some(1235)).is_err() {
            // Only root gives files away.
            return;
        }
        let staged = stage(&outputs(folder.path()), &texts("new")).unwrap();
        staged.replace().unwrap();
        let new = fs::metadata(&old).unwrap();
        assert_eq!((new.uid(), new.gid()), (1234, 1235));
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real/file.yaml");
        fs::create_dir(folder.path().join("real")).unwrap();
        fs::write(&real, "old").unwrap();
        let link = folder.path().join("a.yaml");
        symlink("real/file.yaml", &link).unwrap();
        let staged = stage(&outputs(folder.path()), &texts("new")).unwrap();
        let new = staged.paths().next().unwrap().1;
        assert_eq!(new.parent(), real.canonicalize().unwrap().parent());
        staged.replace().unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
    }

    #[test]
    fn what_a_killed_writer_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let staged = stage(&outputs(folder.path()), &texts("s3cret")).unwrap();
        for (file, _) in staged.0.into_iter().filter_map(|staged| staged.file) {
            file.keep().unwrap();
        }
        let others = [
            ".a.yaml.backup.yaml",
            ".c.yaml.confbus-AbCdEf.yaml",
            "a.yaml",
        ];
        for name in others {
            fs::write(folder.path().join(name), "").unwrap();
        }
        remove_leftovers(&outputs(folder.path()));
        let entries = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, others);
    }
}
