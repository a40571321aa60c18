//! `confbus check` says of a checkout what a server would say of its commit, where, and how to mend it.

mod catalogue;
mod fixtures;
mod formats;
mod promise;
mod templates;

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::Ran;

/// Checks a directory with these arguments besides.
fn check(directory: &Path, arguments: &[&str]) -> Ran {
    let directory = directory.to_str().unwrap();
    Ran::confbus(&[&["check", directory], arguments].concat())
}

/// The same as a document.
fn document(directory: &Path, arguments: &[&str]) -> Value {
    let ran = check(directory, &[&["--json"], arguments].concat());
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("no document: {ran:?}"))
}

/// A directory with these files.
fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}
