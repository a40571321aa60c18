//! Repositories for tests.

use std::path::Path;

use git2::{Repository, RepositoryInitOptions, Signature, build::TreeUpdateBuilder};
use tempfile::TempDir;

use super::{EnvironmentRepository, Hearers, Known};
use crate::{
    Settings, Sources,
    pins::{self, Pins},
    tasks::Tasks,
    waves::{self, Waves},
};

/// Of the files in a folder.
pub(crate) async fn of_directory(folder: &Path) -> EnvironmentRepository {
    let place = format!("file://{}", folder.display());
    let arguments = [
        ("spring.profiles.active", "native"),
        (
            "spring.cloud.config.server.native.search-locations",
            place.as_str(),
        ),
    ];
    let arguments = arguments.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let sources = Sources {
        arguments: arguments.into(),
        ..Sources::default()
    };
    let settings = Settings::load(&sources).unwrap().repository;
    let (pins, _) = Pins::open(pins::Settings::default());
    let (tasks, known) = (Tasks::default(), Known::default());
    let (waves, _) = Waves::open(waves::Settings::default());
    EnvironmentRepository::open(settings, pins, waves, tasks, known, Hearers::none())
        .await
        .unwrap()
}

/// A bare repository below a folder.
pub(crate) struct Remote(Repository);

impl Remote {
    pub(crate) fn new(folder: &TempDir, name: &str) -> Self {
        let mut options = RepositoryInitOptions::new();
        options.bare(true).initial_head("main");
        Self(Repository::init_opts(folder.path().join(name), &options).unwrap())
    }

    /// Commits files on a branch.
    pub(crate) fn push(&self, branch: &str, files: &[(&str, &str)]) {
        let changes: Vec<_> = files
            .iter()
            .map(|(path, text)| (*path, Some(*text)))
            .collect();
        self.change(branch, &changes);
    }

    /// Commits files on a branch, and removes those without a text.
    pub(crate) fn change(&self, branch: &str, files: &[(&str, Option<&str>)]) {
        let name = format!("refs/heads/{branch}");
        let parent = self.0.find_reference(&name).ok();
        let parent = parent.and_then(|tip| tip.peel_to_commit().ok());
        let empty = self.0.treebuilder(None).unwrap().write().unwrap();
        let base = parent.as_ref().map_or(empty, git2::Commit::tree_id);
        let base = self.0.find_tree(base).unwrap();
        let mut update = TreeUpdateBuilder::new();
        for (path, text) in files {
            match text {
                Some(text) => {
                    let blob = self.0.blob(text.as_bytes()).unwrap();
                    update.upsert(*path, blob, git2::FileMode::Blob)
                }
                None => update.remove(*path),
            };
        }
        let tree = update.create_updated(&self.0, &base).unwrap();
        let tree = self.0.find_tree(tree).unwrap();
        let who = Signature::now("Test", "test@example.com").unwrap();
        let parents: Vec<_> = parent.iter().collect();
        let commit = self
            .0
            .commit(None, &who, &who, "a step", &tree, &parents)
            .unwrap();
        self.0.reference(&name, commit, true, "a step").unwrap();
    }
}
