use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use crate::look::{Limits, LookError};

/// Directories below directories.
const MAX_DEPTH: usize = 64;

/// Every file below `root` with its path there; links that lead outside are left out, and so is `.git`.
pub(crate) fn walk(root: &Path, limits: Limits) -> Result<Vec<(String, PathBuf)>, LookError> {
    let inside = root
        .canonicalize()
        .map_err(|_| LookError::NoRepository("the directory is gone".into()))?;
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), root.to_path_buf(), 0)];
    while let Some((prefix, folder, depth)) = folders.pop() {
        let listing = match fs::read_dir(&folder) {
            Ok(listing) => listing,
            // What we may not read, nobody can ask for; what is gone was removed just now.
            Err(cause) if is_passing(&cause) => continue,
            Err(cause) => return Err(unreadable(&cause)),
        };
        for entry in listing.flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let place = entry.path();
            if name == ".git"
                || !place
                    .canonicalize()
                    .is_ok_and(|real| real.starts_with(&inside))
            {
                continue;
            }
            let path = if prefix.is_empty() {
                name
            } else {
                format!("{prefix}/{name}")
            };
            if place.is_dir() {
                if depth < MAX_DEPTH {
                    folders.push((path, place, depth + 1));
                }
            } else if place.is_file() {
                // Only files end: a pipe or a device would be read for ever.
                found.push((path, place));
            }
            if found.len() + folders.len() > limits.files {
                return Err(LookError::TooLarge(format!(
                    "the directory has more than {} files",
                    limits.files
                )));
            }
        }
    }
    Ok(found)
}

fn is_passing(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
    )
}

fn unreadable(cause: &io::Error) -> LookError {
    LookError::Unreadable(cause.kind().to_string())
}

/// The content of a file; `None` when it has vanished since it was listed, or has grown beyond what is read.
///
/// # Errors
/// When it is there and cannot be read: to go on without it would serve less than there is.
pub(crate) fn read(file: &Path, limits: Limits) -> Result<Option<Vec<u8>>, LookError> {
    let open = match fs::File::open(file) {
        Ok(open) => open,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(unreadable(&cause)),
    };
    let mut content = Vec::new();
    let read = open.take(limits.file_bytes + 1).read_to_end(&mut content);
    read.map_err(|cause| unreadable(&cause))?;
    Ok((content.len() as u64 <= limits.file_bytes).then_some(content))
}
