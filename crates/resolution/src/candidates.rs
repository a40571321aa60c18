//! Which files of a snapshot the names, profiles and locations of a request lead to.

use std::{collections::HashSet, rc::Rc, sync::Arc};

use crate::{
    Blob, RepoPath, Snapshot,
    contributors::Group,
    documents::{EXTENSIONS, Syntax},
    imports::Target,
};

/// Files that are called the same but for what follows a dot; where there are more, each extension is looked up by itself.
const SIBLINGS: usize = 16;

type File<'s> = (&'s RepoPath, &'s Arc<Blob>);

/// A file that a request leads to.
pub(crate) struct Candidate<'s, 'g> {
    pub(crate) path: &'s RepoPath,
    pub(crate) blob: &'s Arc<Blob>,
    /// The location that led to it, as written.
    pub(crate) location: &'g Rc<str>,
    pub(crate) syntax: Syntax,
    pub(crate) of_profile: bool,
}

/// Looks for files, the weakest first.
pub(crate) struct Candidates<'s, 'g> {
    snapshot: &'s Snapshot,
    /// Of the files in a directory.
    names: &'g [&'g str],
    /// Each path once, where it was found first.
    pub(crate) found: Vec<Candidate<'s, 'g>>,
    seen: HashSet<&'s str>,
    /// Room for the path that is looked for.
    path: String,
}

impl<'s, 'g> Candidates<'s, 'g> {
    pub(crate) fn new(snapshot: &'s Snapshot, names: &'g [&'g str]) -> Self {
        Self {
            snapshot,
            names,
            found: Vec::new(),
            seen: HashSet::new(),
            path: String::new(),
        }
    }

    /// Adds what lies in the locations for a profile, or for none.
    pub(crate) fn search(&mut self, group: &'g Group, profile: Option<&str>) {
        for (location, target) in group {
            match target {
                Target::File {
                    stem,
                    extension,
                    syntax,
                } => {
                    self.spell(&[stem], profile);
                    self.path.push_str(extension);
                    self.add(location, *syntax, profile);
                }
                Target::Directory(directory) => {
                    for name in self.names {
                        self.spell(&[directory, name], profile);
                        self.add_siblings(location, profile);
                    }
                }
            }
        }
    }

    /// Writes a path up to its extension.
    fn spell(&mut self, stem: &[&str], profile: Option<&str>) {
        self.path.clear();
        self.path.extend(stem.iter().copied());
        if let Some(profile) = profile {
            self.path.extend(["-", profile]);
        }
        self.path.push('.');
    }

    /// Adds the files of all extensions.
    fn add_siblings(&mut self, location: &'g Rc<str>, profile: Option<&str>) {
        let siblings = siblings(self.snapshot, &self.path);
        let stem = self.path.len();
        for (place, (extension, syntax)) in EXTENSIONS.into_iter().enumerate() {
            if let Some(siblings) = siblings {
                self.put(siblings[place], location, syntax, profile);
            } else {
                self.path.truncate(stem);
                self.path.push_str(extension);
                self.add(location, syntax, profile);
            }
        }
    }

    /// Adds the file at the path, if there is one.
    fn add(&mut self, location: &'g Rc<str>, syntax: Syntax, profile: Option<&str>) {
        let file = self.snapshot.find(&self.path);
        self.put(file, location, syntax, profile);
    }

    fn put(
        &mut self,
        file: Option<File<'s>>,
        location: &'g Rc<str>,
        syntax: Syntax,
        profile: Option<&str>,
    ) {
        if let Some((path, blob)) = file
            && self.seen.insert(path.as_str())
        {
            self.found.push(Candidate {
                path,
                blob,
                location,
                syntax,
                of_profile: profile.is_some(),
            });
        }
    }
}

/// The files with each of the extensions behind a stem; `None` if too many others stand between them.
fn siblings<'s>(
    snapshot: &'s Snapshot,
    stem: &str,
) -> Option<[Option<File<'s>>; EXTENSIONS.len()]> {
    let mut siblings = [None; EXTENSIONS.len()];
    for (index, file) in snapshot.files().starting_with(stem).enumerate() {
        if index == SIBLINGS {
            return None;
        }
        let extension = &file.0.as_str()[stem.len()..];
        let place = EXTENSIONS.iter().position(|(known, _)| *known == extension);
        if let Some(place) = place {
            siblings[place] = Some(file);
        }
    }
    Some(siblings)
}
