use std::{
    fs,
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
        let Ok(listing) = fs::read_dir(&folder) else {
            continue;
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
            } else {
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
