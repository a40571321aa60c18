//! All branches and tags of a repository as what became of those before: there may be many, and few move at a time.

use std::{collections::BTreeMap, sync::Arc};

use confbus_protocol::CommitId;

use super::wire::{Id, RefsNews};
use crate::look::Refs;

type Named = BTreeMap<String, CommitId>;

impl RefsNews {
    /// What became of refs.
    pub(super) fn between(old: &Arc<Refs>, new: &Arc<Refs>) -> Self {
        let head = new.head.clone();
        if Arc::ptr_eq(old, new) {
            return Self {
                head,
                ..Self::default()
            };
        }
        Self {
            branches: changes(&old.branches, &new.branches),
            tags: changes(&old.tags, &new.tags),
            head,
        }
    }

    /// The refs after what became of those before; the same when nothing did.
    pub(super) fn after(self, old: &Arc<Refs>) -> Arc<Refs> {
        if self.branches.is_empty() && self.tags.is_empty() && self.head == old.head {
            return Arc::clone(old);
        }
        let mut refs = Refs::clone(old);
        apply(&mut refs.branches, self.branches);
        apply(&mut refs.tags, self.tags);
        refs.head = self.head;
        Arc::new(refs)
    }
}

fn changes(old: &Named, new: &Named) -> Vec<(String, Option<Id>)> {
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    let gone = gone.map(|name| (name.clone(), None));
    let other = new
        .iter()
        .filter(|(name, commit)| old.get(*name) != Some(commit));
    let other = other.map(|(name, commit)| (name.clone(), Some(*commit.as_bytes())));
    gone.chain(other).collect()
}

fn apply(named: &mut Named, changes: Vec<(String, Option<Id>)>) {
    for (name, commit) in changes {
        match commit {
            Some(commit) => named.insert(name, CommitId::from_bytes(commit)),
            None => named.remove(&name),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_refs_leads_from_the_old_to_the_new() {
        let refs = |branches: &[(&str, u8)], head: Option<&str>| {
            let named = branches.iter().map(|(name, byte)| {
                let commit = CommitId::from_bytes([*byte; 20]);
                ((*name).to_owned(), commit)
            });
            let named: Named = named.collect();
            Arc::new(Refs {
                branches: named.clone(),
                tags: named,
                head: head.map(str::to_owned),
            })
        };
        let states = [
            refs(&[], None),
            refs(&[("a", 1), ("b", 2)], Some("a")),
            refs(&[("a", 1), ("b", 2)], Some("b")),
            refs(&[("b", 3), ("c", 1)], Some("b")),
        ];
        for old in &states {
            for new in &states {
                let news = RefsNews::between(old, new);
                assert_eq!(&news.after(old), new, "{old:?} {new:?}");
            }
        }
    }
}
