//! Any label among any refs: it names what bears that name, or a commit that a ref reaches, and is never an expression.

use std::{
    collections::{BTreeMap, HashSet},
    env, process,
};

use confbus_protocol::{CommitId, Label};
use git2::{Oid, Repository, RepositoryInitOptions, Signature, Time};

use super::{objects::reachable_commit, refs::commit_id};
use crate::{
    environment_repository::split_labels,
    look::{Refs, Target},
};

thread_local! {
    static WORLD: World = World::new();
}

/// A line of three commits, and one beside it.
struct World {
    repository: Repository,
    /// The oldest first; the last one is the other.
    commits: [CommitId; 4],
    /// An object that is no commit.
    tree: Oid,
}

/// A label in the first line, then refs, a line each: `branch NAME N`, `tag NAME N`, where `N` is one of four commits, or
/// `head NAME`. `@0@` to `@3@` in the label stand for their ids, `@T@` for that of a tree.
///
/// # Panics
/// When a label names anything else than Git's exact names and full or short ids do.
pub fn label(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    WORLD.with(|world| {
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        let refs = world.refs(rest);
        let Ok(label) = Label::parse(&world.with_ids(first)) else {
            return;
        };
        world.check(&refs, &label);
        for label in split_labels(&label).unwrap_or_default() {
            world.check(&refs, &label);
        }
    });
}

impl World {
    fn new() -> Self {
        let folder = env::temp_dir().join(format!("confbus-fuzz-{}.git", process::id()));
        let mut options = RepositoryInitOptions::new();
        options.bare(true).external_template(false);
        let repository = Repository::init_opts(folder, &options).expect("an empty repository");
        let tree = repository.treebuilder(None).and_then(|tree| tree.write());
        let tree = tree.expect("an empty tree");
        let mut commits: Vec<Oid> = Vec::new();
        for parents in [&[][..], &[0], &[1], &[]] {
            let parents: Vec<Oid> = parents
                .iter()
                .map(|index: &usize| commits[*index])
                .collect();
            commits.push(commit(&repository, tree, commits.len(), &parents));
        }
        let commits = [0, 1, 2, 3].map(|index| commit_id(commits[index]));
        Self {
            repository,
            commits,
            tree,
        }
    }

    fn with_ids(&self, text: &str) -> String {
        let mut text = text.replace("@T@", &self.tree.to_string());
        for (index, commit) in self.commits.iter().enumerate() {
            text = text.replace(&format!("@{index}@"), &commit.to_string());
        }
        text
    }

    /// Only names that Git allows.
    fn refs(&self, lines: &str) -> Refs {
        let mut refs = Refs::default();
        for line in lines.lines() {
            let mut words = line.split(' ');
            let (Some(kind), Some(name)) = (words.next(), words.next()) else {
                continue;
            };
            let commit = words.next().and_then(|index| index.parse::<usize>().ok());
            let commit = self.commits[commit.unwrap_or_default() % self.commits.len()];
            let (prefix, table) = match kind {
                "branch" => ("refs/heads/", &mut refs.branches),
                "tag" => ("refs/tags/", &mut refs.tags),
                "head" => {
                    refs.head = Some(name.to_owned());
                    continue;
                }
                _ => continue,
            };
            if git2::Reference::is_valid_name(&format!("{prefix}{name}")) {
                table.insert(name.to_owned(), commit);
            }
        }
        refs
    }

    fn check(&self, refs: &Refs, label: &Label) {
        assert!(!label.as_str().contains(".."));
        match refs.resolve(label) {
            Some(target) => names_exactly(refs, label, target),
            None => self.is_no_name(refs, label),
        }
        let reached = reachable_commit(&self.repository, refs, label);
        assert_eq!(
            reached,
            self.meant(refs, label).map(Target::Commit),
            "{label}"
        );
    }

    /// Nothing bears one of the full names that the label stands for.
    fn is_no_name(&self, refs: &Refs, label: &Label) {
        let full = all(refs);
        let text = refs.behind(label).unwrap_or_default();
        for name in Refs::names(&text) {
            assert!(!full.contains_key(&name), "{label} {name}");
        }
    }

    /// The commit whose id begins like this, where a ref reaches it.
    fn meant(&self, refs: &Refs, label: &Label) -> Option<CommitId> {
        let text = label.as_str().to_ascii_lowercase();
        let is_meant =
            |commit: &&CommitId| text.len() >= 7 && commit.to_string().starts_with(&text);
        let mut meant = self.commits.iter().filter(is_meant);
        let (commit, others) = (meant.next()?, meant.next());
        let at = self.commits.iter().position(|one| one == commit)?;
        let reaches = |tip: CommitId| {
            let tip = self.commits.iter().position(|one| *one == tip);
            tip.is_some_and(|tip| tip == at || (at < tip && tip < 3))
        };
        (others.is_none() && refs.tips().any(reaches)).then_some(*commit)
    }
}

fn commit(repository: &Repository, tree: Oid, index: usize, parents: &[Oid]) -> Oid {
    let time = Time::new(i64::try_from(index).unwrap_or_default(), 0);
    let author = Signature::new("a", "a@example.org", &time).expect("a plain name");
    let tree = repository.find_tree(tree).expect("the tree is there");
    let parents: Vec<_> = parents
        .iter()
        .map(|parent| repository.find_commit(*parent).expect("a commit is there"))
        .collect();
    let parents: Vec<_> = parents.iter().collect();
    repository
        .commit(None, &author, &author, &index.to_string(), &tree, &parents)
        .expect("a commit")
}

/// All refs by their full names.
fn all(refs: &Refs) -> BTreeMap<String, CommitId> {
    let branches = refs.branches.iter();
    let tags = refs.tags.iter();
    let branches = branches.map(|(name, commit)| (format!("refs/heads/{name}"), *commit));
    branches
        .chain(tags.map(|(name, commit)| (format!("refs/tags/{name}"), *commit)))
        .collect()
}

/// What was found is the first of the full names that the label stands for, and one that a push to it is told for.
fn names_exactly(refs: &Refs, label: &Label, target: Target) {
    let (Target::CheckedOut(commit) | Target::Commit(commit)) = target;
    let text = refs
        .behind(label)
        .expect("what names something stands for refs");
    let full = all(refs);
    let names = Refs::names(&text);
    let name = names.iter().find(|name| full.contains_key(*name));
    let name = name.expect("what was found bears one of the names");
    assert_eq!(full[name], commit, "{label} {name}");
    assert!(!name.contains(['~', '^', ':', '?', '[', '\\', ' ']) && !name.contains("@{"));
    assert!(
        refs.decide(&HashSet::from([Refs::plain(name)]), label),
        "{label} {name}"
    );
    let head = format!("refs/heads/{}", refs.head.as_deref().unwrap_or_default());
    assert_eq!(matches!(target, Target::CheckedOut(_)), *name == head);
}
