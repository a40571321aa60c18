use std::{collections::HashMap, fmt::Write as _, fs, io, path::Path, sync::Arc};

use confbus_protocol::CommitId;
use git2::{ObjectType, Odb, Oid, Reference, Repository};

use super::{
    durable,
    objects::unreadable,
    smart_http::{Advertised, Listing, Names},
};
use crate::look::{LookError, Refs};

const BRANCHES: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";

/// Which commit an object leads to, so that each tag is taken apart once.
pub(super) type Peeled = HashMap<Oid, Option<CommitId>>;

/// All branches and tags, and what must be known beside their commits to ask for them and to write them down.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) refs: Arc<Refs>,
    /// The tag objects of tags that have one, by the names of the tags.
    tag_objects: Arc<HashMap<String, Oid>>,
}

impl Table {
    /// Reads all branches and tags; one that does not lead to a commit is left out.
    pub(super) fn read(repository: &Repository, peeled: &mut Peeled) -> Result<Self, LookError> {
        let mut refs = Refs {
            head: checked_out(repository),
            ..Refs::default()
        };
        let mut tag_objects = HashMap::new();
        let before = std::mem::take(peeled);
        for reference in repository.references().map_err(unreadable)? {
            let reference = reference.map_err(unreadable)?;
            let commit = match reference.target() {
                Some(id) => *peeled.entry(id).or_insert_with(|| {
                    let known = before.get(&id).copied();
                    known.unwrap_or_else(|| leads_to(&reference))
                }),
                None => leads_to(&reference),
            };
            let (Ok(name), Some(commit)) = (reference.name(), commit) else {
                continue;
            };
            insert(&mut refs, name, commit);
            if let (Some(tag), Some(id)) = (name.strip_prefix(TAGS), reference.target())
                && commit_id(id) != commit
            {
                tag_objects.insert(tag.to_owned(), id);
            }
        }
        Ok(Self {
            refs: Arc::new(refs),
            tag_objects: Arc::new(tag_objects),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.refs.branches.is_empty() && self.refs.tags.is_empty()
    }

    /// The object that a ref names, by its full name.
    pub(super) fn id(&self, name: &str) -> Option<Oid> {
        if let Some(tag) = name.strip_prefix(TAGS) {
            let object = self.tag_objects.get(tag).copied();
            return object.or_else(|| self.refs.tags.get(tag).copied().map(oid));
        }
        let branch = name.strip_prefix(BRANCHES)?;
        self.refs.branches.get(branch).copied().map(oid)
    }

    /// What the branch leads to that is checked out.
    pub(super) fn head(&self) -> Option<Oid> {
        let branch = self.refs.head.as_deref()?;
        self.refs.branches.get(branch).copied().map(oid)
    }

    /// All objects that refs name.
    pub(super) fn ids(&self) -> impl Iterator<Item = Oid> {
        let branches = self.refs.branches.values().copied().map(oid);
        let tags = self.refs.tags.iter();
        branches.chain(tags.map(|(name, commit)| {
            let object = self.tag_objects.get(name).copied();
            object.unwrap_or_else(|| oid(*commit))
        }))
    }

    /// This table after a listing, and what is new in it. What did not change is shared.
    pub(super) fn after(&self, listing: Listing, names: &Names) -> (Self, Vec<Advertised>) {
        let (mut refs, mut objects) = match names {
            Names::All => Default::default(),
            Names::Only(_) => (Refs::clone(&self.refs), HashMap::clone(&self.tag_objects)),
        };
        match names {
            Names::All => refs.head = listing.head,
            Names::Only(names) => names
                .iter()
                .for_each(|name| remove(&mut refs, &mut objects, name)),
        }
        let mut new = Vec::new();
        for listed in listing.refs {
            insert(&mut refs, &listed.name, listed.commit());
            if let (Some(tag), Some(_)) = (listed.name.strip_prefix(TAGS), listed.peeled) {
                objects.insert(tag.to_owned(), listed.id);
            }
            if self.id(&listed.name) != Some(listed.id) {
                new.push(listed);
            }
        }
        let shared = refs == *self.refs && objects == *self.tag_objects;
        let after = if shared {
            self.clone()
        } else {
            Self {
                refs: Arc::new(refs),
                tag_objects: Arc::new(objects),
            }
        };
        (after, new)
    }

    /// Leaves out those of the new refs that turn out not to lead to commits.
    pub(super) fn leave_out_others(&mut self, new: &[Advertised], odb: &Odb<'_>) {
        let others = new.iter().filter(|listed| {
            let kind = odb.read_header(oid(listed.commit()));
            // What is not here yet cannot be judged.
            kind.is_ok_and(|(_, kind)| kind != ObjectType::Commit)
        });
        for other in others {
            let refs = Arc::make_mut(&mut self.refs);
            remove(refs, Arc::make_mut(&mut self.tag_objects), &other.name);
        }
    }

    /// Writes all refs whose objects are there into the mirror, in one file and at once, and nothing else remains.
    pub(super) fn write(&self, mirror: &Path, is_there: impl Fn(Oid) -> bool) -> io::Result<()> {
        let mut text = String::from("# pack-refs with: peeled fully-peeled sorted \n");
        for (name, commit) in &self.refs.branches {
            if is_there(oid(*commit)) {
                // Writing to a text does not fail.
                _ = writeln!(text, "{commit} {BRANCHES}{name}");
            }
        }
        for (name, commit) in &self.refs.tags {
            let object = self.tag_objects.get(name).copied();
            if is_there(object.unwrap_or_else(|| oid(*commit))) {
                _ = match object {
                    Some(object) => writeln!(text, "{object} {TAGS}{name}\n^{commit}"),
                    None => writeln!(text, "{commit} {TAGS}{name}"),
                };
            }
        }
        durable::replace(&mirror.join("packed-refs"), &text)?;
        for folder in [BRANCHES, TAGS] {
            // Refs in files of their own, as libgit2 writes them, would count more.
            let folder = mirror.join(folder);
            if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
                fs::remove_dir_all(&folder)?;
                fs::create_dir(&folder)?;
            }
        }
        match &self.refs.head {
            Some(branch) => {
                let head = format!("ref: {BRANCHES}{branch}\n");
                if fs::read_to_string(mirror.join("HEAD")).is_ok_and(|before| before == head) {
                    return Ok(());
                }
                durable::replace(&mirror.join("HEAD"), &head)
            }
            None => Ok(()),
        }
    }
}

impl Advertised {
    /// What it leads to, which is a commit as a rule.
    fn commit(&self) -> CommitId {
        commit_id(self.peeled.unwrap_or(self.id))
    }
}

fn insert(refs: &mut Refs, name: &str, commit: CommitId) {
    if let Some(branch) = name.strip_prefix(BRANCHES) {
        refs.branches.insert(branch.to_owned(), commit);
    } else if let Some(tag) = name.strip_prefix(TAGS) {
        refs.tags.insert(tag.to_owned(), commit);
    }
}

fn remove(refs: &mut Refs, objects: &mut HashMap<String, Oid>, name: &str) {
    if let Some(branch) = name.strip_prefix(BRANCHES) {
        refs.branches.remove(branch);
    } else if let Some(tag) = name.strip_prefix(TAGS) {
        refs.tags.remove(tag);
        objects.remove(tag);
    }
}

fn leads_to(reference: &Reference<'_>) -> Option<CommitId> {
    let commit = reference.peel_to_commit().ok()?;
    Some(commit_id(commit.id()))
}

/// An object id as the wire contract names it.
pub(super) fn commit_id(id: Oid) -> CommitId {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&id.as_bytes()[..20]);
    CommitId::from_bytes(bytes)
}

/// The way back.
pub(super) fn oid(commit: CommitId) -> Oid {
    Oid::from_bytes(commit.as_bytes()).expect("an object id has twenty bytes")
}

fn checked_out(repository: &Repository) -> Option<String> {
    let head = repository.find_reference("HEAD").ok()?;
    let target = head.symbolic_target().ok()??;
    target.strip_prefix(BRANCHES).map(str::to_owned)
}
