//! Repositories as no Git would write them: trees and commits byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use git2::{ObjectType, Oid, Repository, RepositoryInitOptions};

/// A file's usual mode.
pub const FILE: &str = "100644";
/// A symbolic link's mode.
pub const LINK: &str = "120000";
const FOLDER: &str = "40000";

/// A bare repository that is written to.
pub struct Bare(Repository);

/// A folder of a commit that is made.
#[derive(Debug, Default, Clone)]
pub struct Folder {
    entries: BTreeMap<Vec<u8>, Entry>,
    /// As they are, behind all others.
    raw: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Entry {
    Folder(Folder),
    Object(String, Oid),
}

impl std::fmt::Debug for Bare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Bare").field(&self.0.path()).finish()
    }
}

impl Bare {
    /// A new one.
    ///
    /// # Errors
    /// Those of Git and the disk.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let mut options = RepositoryInitOptions::new();
        options.bare(true).initial_head("main");
        let repository = Repository::init_opts(path, &options);
        repository.map(Self).context("no repository")
    }

    /// Writes an object of any content.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn object(&self, kind: ObjectType, bytes: &[u8]) -> anyhow::Result<Oid> {
        Ok(self.0.odb()?.write(kind, bytes)?)
    }

    /// Writes a file's content.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn blob(&self, bytes: &[u8]) -> anyhow::Result<Oid> {
        self.object(ObjectType::Blob, bytes)
    }

    /// Writes a commit of a folder.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn commit(
        &self,
        folder: &Folder,
        parent: Option<Oid>,
        message: &[u8],
    ) -> anyhow::Result<Oid> {
        let tree = folder.write(self)?;
        let parent = parent.map_or_else(String::new, |parent| format!("parent {parent}\n"));
        let who = "attacker <attacker@localhost> 1700000000 +0000";
        let head = format!("tree {tree}\n{parent}author {who}\ncommitter {who}\n\n");
        self.object(ObjectType::Commit, &[head.as_bytes(), message].concat())
    }

    /// Lets a name lead somewhere, whatever it is called.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn point(&self, name: &str, id: Oid) -> anyhow::Result<()> {
        self.write_file(name, format!("{id}\n").as_bytes())
    }

    /// Writes a file of the repository itself.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn write_file(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let file = self.0.path().join(name);
        fs::create_dir_all(file.parent().context("a folder")?)?;
        fs::write(file, bytes).with_context(|| name.to_owned())
    }
}

impl Folder {
    /// Puts an object under a path, and makes the folders above it.
    pub fn put(&mut self, path: &str, mode: &str, id: Oid) {
        match path.split_once('/') {
            None => {
                let entry = Entry::Object(mode.to_owned(), id);
                self.entries.insert(path.as_bytes().to_vec(), entry);
            }
            Some((folder, rest)) => {
                let below = self.entries.entry(folder.as_bytes().to_vec());
                let below = below.or_insert_with(|| Entry::Folder(Self::default()));
                if let Entry::Folder(below) = below {
                    below.put(rest, mode, id);
                }
            }
        }
    }

    /// Adds an entry with a name that nothing has looked at, behind all others.
    pub fn put_raw(&mut self, name: &[u8], mode: &str, id: Oid) {
        self.raw.extend(line(mode, name, id));
    }

    fn write(&self, bare: &Bare) -> anyhow::Result<Oid> {
        let mut lines = Vec::new();
        for (name, entry) in &self.entries {
            let (order, line) = match entry {
                Entry::Folder(folder) => {
                    let id = folder.write(bare)?;
                    ([name, &b"/"[..]].concat(), line(FOLDER, name, id))
                }
                Entry::Object(mode, id) => (name.clone(), line(mode, name, *id)),
            };
            lines.push((order, line));
        }
        lines.sort();
        let mut bytes: Vec<u8> = lines.into_iter().flat_map(|(_, line)| line).collect();
        bytes.extend(&self.raw);
        bare.object(ObjectType::Tree, &bytes)
    }
}

fn line(mode: &str, name: &[u8], id: Oid) -> Vec<u8> {
    [mode.as_bytes(), b" ", name, b"\0", id.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_hold_what_was_put() {
        let folder = tempfile::tempdir().unwrap();
        let bare = Bare::create(&folder.path().join("x.git")).unwrap();
        let blob = bare.blob(b"a: 1\n").unwrap();
        let mut root = Folder::default();
        root.put("a/b.yml", FILE, blob);
        root.put("a.yml", FILE, blob);
        root.put_raw(b"..", FILE, blob);
        let commit = bare.commit(&root, None, b"first").unwrap();
        bare.point("refs/heads/main", commit).unwrap();
        let tree = bare.0.find_commit(commit).unwrap().tree().unwrap();
        let names: Vec<_> = tree
            .iter()
            .map(|entry| entry.name_bytes().to_vec())
            .collect();
        assert_eq!(names, [&b"a.yml"[..], b"a", b".."]);
        assert!(tree.get_path(Path::new("a/b.yml")).is_ok());
    }
}
