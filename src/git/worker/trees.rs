//! What differs between the trees of two commits, without a look at what does not.

use std::{cmp::Ordering, iter::from_fn};

use confbus_resolution::RepoPath;
use git2::{Odb, OdbObject, Oid};

use super::objects::unreadable;
use crate::look::LookError;

/// Folders below folders; Git itself knows no limit.
const MAX_DEPTH: usize = 64;
/// Entries that are no files, for each file that is allowed.
const OTHERS: usize = 16;
/// Bytes of an entry: a mode, a name as long as file systems take it, and an id.
const LONGEST_ENTRY: usize = 300;

/// Where two trees differ.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// Files that are new or other, and those that are gone.
    pub(super) files: Vec<(RepoPath, Option<Oid>)>,
    /// Symbolic links that are new or other, and the blobs that say where they lead.
    pub(super) links: Vec<(String, Oid)>,
    /// A symbolic link is new, other or gone.
    pub(super) touches_links: bool,
}

/// Compares two trees; without an old one, everything is new.
///
/// # Errors
/// When more than `most` files differ, folders are too deep, or a tree cannot be read.
pub(super) fn compare(
    odb: &Odb<'_>,
    old: Option<Oid>,
    new: Oid,
    most: usize,
) -> Result<Differences, LookError> {
    let mut comparison = Comparison {
        odb,
        most,
        entries_left: most.saturating_mul(OTHERS).saturating_add(OTHERS),
        found: Differences::default(),
    };
    comparison.trees(old, Some(new), "", 0)?;
    Ok(comparison.found)
}

struct Comparison<'a> {
    odb: &'a Odb<'a>,
    most: usize,
    entries_left: usize,
    found: Differences,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tree,
    File,
    Link,
    /// A repository within the repository.
    Other,
}

#[derive(Debug, Clone, Copy)]
struct Entry<'t> {
    kind: Kind,
    name: &'t [u8],
    id: &'t [u8],
}

impl<'a> Comparison<'a> {
    fn trees(
        &mut self,
        old: Option<Oid>,
        new: Option<Oid>,
        folder: &str,
        depth: usize,
    ) -> Result<(), LookError> {
        if old == new {
            return Ok(());
        }
        if depth > MAX_DEPTH {
            return Err(LookError::TooLarge(format!(
                "folders are nested deeper than {MAX_DEPTH}: {folder}"
            )));
        }
        let read = |id: Option<Oid>| id.map(|id| self.read(id)).transpose();
        let (old, new) = (read(old)?, read(new)?);
        let old = entries(old.as_ref().map_or(&[], |object| object.data()))?;
        let new = entries(new.as_ref().map_or(&[], |object| object.data()))?;
        let both = old.len() + new.len();
        let left = self.entries_left.checked_sub(both);
        self.entries_left = left.ok_or_else(|| LookError::too_many_files(self.most))?;
        for (old, new) in pairs(&old, &new) {
            self.entries(old, new, folder, depth)?;
        }
        Ok(())
    }

    /// Refuses by its size what cannot be small enough.
    fn read(&self, tree: Oid) -> Result<OdbObject<'a>, LookError> {
        let (size, _) = self.odb.read_header(tree).map_err(unreadable)?;
        if size > self.entries_left.saturating_mul(LONGEST_ENTRY) {
            return Err(LookError::too_many_files(self.most));
        }
        self.odb.read(tree).map_err(unreadable)
    }

    /// What stands under one name; a file and a folder of the same name are two.
    fn entries(
        &mut self,
        old: Option<&Entry<'_>>,
        new: Option<&Entry<'_>>,
        folder: &str,
        depth: usize,
    ) -> Result<(), LookError> {
        let same = |old: &Entry<'_>, new: &Entry<'_>| old.id == new.id && old.kind == new.kind;
        if let (Some(old), Some(new)) = (old, new)
            && same(old, new)
        {
            return Ok(());
        }
        // A name that is not UTF-8 cannot be asked for.
        let Some(Ok(name)) = old.or(new).map(|entry| str::from_utf8(entry.name)) else {
            return Ok(());
        };
        let path = if folder.is_empty() {
            name.to_owned()
        } else {
            format!("{folder}/{name}")
        };
        let of = |kind: Kind, entry: Option<&Entry<'_>>| {
            entry.filter(|entry| entry.kind == kind).map(Entry::id)
        };
        let trees = (of(Kind::Tree, old), of(Kind::Tree, new));
        if trees != (None, None) {
            return self.trees(trees.0, trees.1, &path, depth + 1);
        }
        let link = of(Kind::Link, new);
        self.found.touches_links |= link.is_some() || of(Kind::Link, old).is_some();
        if let Some(link) = link {
            self.found.links.push((path.clone(), link));
        }
        let files = (of(Kind::File, old), of(Kind::File, new));
        if files.0 != files.1
            && let Some(path) = RepoPath::parse(&path)
        {
            self.found.files.push((path, files.1));
        }
        if self.found.files.len() > self.most || self.found.links.len() > self.most {
            return Err(LookError::too_many_files(self.most));
        }
        Ok(())
    }
}

impl Entry<'_> {
    fn id(&self) -> Oid {
        Oid::from_bytes(self.id).expect("an entry ends with an id")
    }

    /// Git sorts a folder as if its name ended with a slash.
    fn order(&self, other: &Self) -> Ordering {
        let common = self.name.len().min(other.name.len());
        let rest = |entry: &Self| {
            let end = if entry.kind == Kind::Tree { b'/' } else { 0 };
            entry.name.get(common).copied().unwrap_or(end)
        };
        self.name[..common]
            .cmp(&other.name[..common])
            .then_with(|| rest(self).cmp(&rest(other)))
    }
}

/// Takes a tree apart: mode, name and id of each entry.
fn entries(mut data: &[u8]) -> Result<Vec<Entry<'_>>, LookError> {
    let damaged = || LookError::Unreadable("a tree is damaged".into());
    let mut entries = Vec::with_capacity(data.len() / 40);
    while !data.is_empty() {
        let space = data.iter().position(|byte| *byte == b' ');
        let (mode, rest) = data.split_at(space.ok_or_else(damaged)?);
        let end = rest.iter().position(|byte| *byte == 0);
        let (name, rest) = rest.split_at(end.ok_or_else(damaged)?);
        let (name, id) = (&name[1..], rest.get(1..21).ok_or_else(damaged)?);
        // Two such names could stand for one path, and be counted as two files.
        if name.is_empty() || name.contains(&b'/') {
            return Err(damaged());
        }
        entries.push(Entry {
            kind: kind(mode),
            name,
            id,
        });
        data = &rest[21..];
    }
    // They are sorted, unless whoever wrote the tree made a mistake.
    entries.sort_by(Entry::order);
    entries.dedup_by(|later, first| later.order(first).is_eq());
    Ok(entries)
}

fn kind(mode: &[u8]) -> Kind {
    match mode.strip_prefix(b"0").unwrap_or(mode) {
        b"40000" => Kind::Tree,
        b"120000" => Kind::Link,
        mode if mode.starts_with(b"100") => Kind::File,
        _ => Kind::Other,
    }
}

type Pair<'e, 't> = (Option<&'e Entry<'t>>, Option<&'e Entry<'t>>);

/// Both lists side by side.
fn pairs<'e, 't>(
    mut old: &'e [Entry<'t>],
    mut new: &'e [Entry<'t>],
) -> impl Iterator<Item = Pair<'e, 't>> {
    from_fn(move || {
        let order = match (old.first(), new.first()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.order(new),
        };
        let first = order.is_le().then(|| old.split_off_first()).flatten();
        let second = order.is_ge().then(|| new.split_off_first()).flatten();
        Some((first, second))
    })
}

#[cfg(test)]
mod tests {
    use git2::{ObjectType, Repository};

    use super::*;

    fn entry(name: &str) -> Vec<u8> {
        [format!("100644 {name}\0").as_bytes(), &[1; 20]].concat()
    }

    #[test]
    fn a_name_that_no_entry_may_have_is_damage() {
        assert_eq!(entries(&entry("a")).unwrap().len(), 1);
        for name in ["", "/", "a/b", "a/"] {
            let tree = entry(name);
            let found = entries(&tree);
            assert!(matches!(found, Err(LookError::Unreadable(_))), "{name:?}");
        }
    }

    #[test]
    fn a_tree_is_refused_by_its_size_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path()).unwrap();
        let odb = repository.odb().unwrap();
        // Not a tree at all, which whoever reads it would say.
        let zeros = vec![0; 3 * OTHERS * LONGEST_ENTRY];
        let huge = odb.write(ObjectType::Tree, &zeros).unwrap();
        let refused = compare(&odb, None, huge, 1);
        assert!(
            matches!(refused, Err(LookError::TooLarge(_))),
            "{refused:?}"
        );
        let read = compare(&odb, None, huge, 2);
        assert!(matches!(read, Err(LookError::Unreadable(_))), "{read:?}");
    }
}
