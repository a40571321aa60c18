//! Which documents take part in an environment, in Spring Boot's order of loading and precedence.
//!
//! Boot loads the files without a profile, then learns the profiles from them, then loads the files of the profiles.
//! Every file is loaded once, by whoever asks first; documents of an imported file stand above the importing document,
//! and those of profiles above those without.

use std::{collections::HashSet, rc::Rc, sync::Arc};

use indexmap::IndexMap;

use crate::{
    Cause, Problem, Snapshot,
    candidates::{Candidate, Candidates},
    documents::{Document, EXTENSIONS, Flaw},
    imports::{self, Target},
    locations::Location,
    parsed::Parsed,
};

/// How deeply imports may lead from file to file.
const DEPTH_LIMIT: usize = 32;

/// How many paths one request may look for.
const CANDIDATE_LIMIT: usize = 200_000;

/// How many documents one request may gather.
const DOCUMENT_LIMIT: usize = 10_000;

/// A document in its place.
#[derive(Debug)]
pub(crate) struct Contributor<'s> {
    pub(crate) path: &'s str,
    /// The location that led to the file, as written.
    pub(crate) location: Rc<str>,
    parsed: Arc<Parsed>,
    /// The place among the documents of the file.
    pub(crate) index: usize,
    children: [Option<Vec<Self>>; 2],
}

impl Contributor<'_> {
    pub(crate) fn document(&self) -> &Document {
        &self.siblings()[self.index]
    }

    /// All documents of the file.
    pub(crate) fn siblings(&self) -> &[Document] {
        self.parsed.documents().unwrap_or_default()
    }
}

/// Before and after the profiles are known; what is loaded after stands above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Before,
    After,
}

/// Locations that are searched together: all of them for one profile, then all for the next.
pub(crate) type Group = Vec<(Rc<str>, Target)>;

/// What a request asks for, and what is found on the way.
#[derive(Debug)]
pub(crate) struct Loader<'s, 'n> {
    snapshot: &'s Snapshot,
    /// The names of files, the weakest first.
    names: &'n [&'n str],
    profiles: Vec<String>,
    phase: Phase,
    pub(crate) loaded: HashSet<&'s str>,
    documents: usize,
    candidates: usize,
    pub(crate) problems: Vec<Problem>,
    pub(crate) is_too_large: bool,
}

impl<'s, 'n> Loader<'s, 'n> {
    pub(crate) fn new(snapshot: &'s Snapshot, names: &'n [&'n str], profiles: Vec<String>) -> Self {
        Self {
            snapshot,
            names,
            profiles,
            phase: Phase::Before,
            loaded: HashSet::new(),
            documents: 0,
            candidates: 0,
            problems: Vec::new(),
            is_too_large: false,
        }
    }

    /// All documents that count, the strongest first.
    pub(crate) fn load(&mut self, locations: Vec<Location>) -> Vec<Contributor<'s>> {
        let root = locations.into_iter().map(|location| {
            (
                location.written.into(),
                Target::Directory(location.directory),
            )
        });
        let root: [Group; 1] = [root.collect()];
        let mut before = self.children(&root, 0);
        self.profiles = self.all_profiles(&before);

        self.phase = Phase::After;
        before
            .iter_mut()
            .for_each(|contributor| self.follow(contributor, 0));
        let mut all = self.children(&root, 0);
        all.extend(before);
        let mut all = in_order(all);
        let profiles = Some(self.profiles.as_slice());
        all.retain(|contributor| contributor.document().header().fits_profiles(profiles));
        all
    }

    /// Not when the first profile is `default`: then only what was asked for counts.
    fn files_choose_profiles(&self) -> bool {
        let first = self.profiles.first();
        first.is_some_and(|first| !first.eq_ignore_ascii_case("default"))
    }

    /// Adds the profiles that the repository's files include, and the groups of all.
    fn all_profiles(&self, contributors: &[Contributor<'s>]) -> Vec<String> {
        if !self.files_choose_profiles() {
            return self.profiles.clone();
        }
        let (mut profiles, mut groups) = (self.profiles.clone(), IndexMap::new());
        walk(contributors, &mut |contributor| {
            let header = contributor.document().header();
            if header.fits_profiles(None) {
                profiles.extend(header.includes.iter().cloned());
                for (profile, members) in &header.groups {
                    groups.entry(profile.as_str()).or_insert(members.as_slice());
                }
            }
        });
        expand(profiles, &groups)
    }

    /// Loads what a document imports in this phase, after what its children import.
    fn follow(&mut self, contributor: &mut Contributor<'s>, depth: usize) {
        for child in contributor.children.iter_mut().rev().flatten().flatten() {
            self.follow(child, depth + 1);
        }
        let header = contributor.document().header();
        let counts = header.fits_profiles((self.phase == Phase::After).then_some(&self.profiles));
        let is_done = contributor.children[self.phase as usize].is_some();
        if header.imports.is_empty() || !counts || is_done {
            return;
        }
        if depth >= DEPTH_LIMIT {
            let problem = format!("imports lead from file to file more than {DEPTH_LIMIT} times");
            self.problems
                .push(Flaw::new(Cause::Limit, None, problem).in_file(contributor.path));
            return;
        }
        let groups: Vec<_> = header
            .imports
            .iter()
            .map(|import| group(import, contributor.path))
            .collect();
        let children = self.children(&groups, depth + 1);
        contributor.children[self.phase as usize] = Some(children);
    }

    /// Loads the files that locations lead to, the strongest first, with all that they import in turn.
    fn children(&mut self, groups: &[Group], depth: usize) -> Vec<Contributor<'s>> {
        let mut children = Vec::new();
        for candidate in self.candidates(groups, depth).into_iter().rev() {
            self.load_file(&candidate, &mut children);
        }
        children
            .iter_mut()
            .for_each(|child| self.follow(child, depth));
        children
    }

    /// The files to load, the weakest first, each once.
    fn candidates<'g>(&mut self, groups: &'g [Group], depth: usize) -> Vec<Candidate<'s, 'g>>
    where
        'n: 'g,
    {
        let profiles = match self.phase {
            Phase::Before => &[],
            Phase::After => self.profiles.as_slice(),
        };
        let locations = groups.iter().map(Vec::len).sum::<usize>();
        self.candidates += (1 + profiles.len()) * locations * self.names.len() * EXTENSIONS.len();
        self.is_too_large |= self.candidates > CANDIDATE_LIMIT;
        if self.is_too_large {
            return Vec::new();
        }
        // The search locations themselves were searched for all that has no profile before.
        let are_known = self.phase == Phase::After && depth == 0;
        let mut candidates = Candidates::new(self.snapshot, self.names);
        for group in groups {
            if !are_known {
                candidates.search(group, None);
            }
            for profile in profiles {
                candidates.search(group, Some(profile));
            }
        }
        candidates.found
    }

    /// Adds the documents of a file, the last first; none when it was loaded before or cannot be used.
    fn load_file(&mut self, candidate: &Candidate<'s, '_>, children: &mut Vec<Contributor<'s>>) {
        let path = candidate.path.as_str();
        if !self.loaded.insert(path) {
            return;
        }
        let parsed = candidate.blob.parsed(candidate.syntax);
        let documents = parsed.documents().unwrap_or_else(|flaw| {
            self.problems.push(flaw.in_file(path));
            &[]
        });
        self.documents += documents.len();
        self.is_too_large |= self.documents > DOCUMENT_LIMIT;
        if self.is_too_large {
            return;
        }
        let chooses = self.files_choose_profiles();
        let flaws = documents
            .iter()
            .flat_map(|document| flaws(document, candidate.of_profile, chooses));
        self.problems.extend(flaws.map(|flaw| flaw.in_file(path)));
        let counting = documents
            .iter()
            .enumerate()
            .filter(|(_, document)| document.header().fits_platform());
        children.extend(counting.rev().map(|(index, _)| Contributor {
            path,
            location: Rc::clone(candidate.location),
            parsed: Arc::clone(&parsed),
            index,
            children: [None, None],
        }));
    }
}

/// The locations of one import that are paths inside the tree.
fn group(import: &str, importer: &str) -> Group {
    let target = |location: &str| Some((location.into(), imports::resolve(location, importer)?));
    import.split(';').filter_map(target).collect()
}

fn flaws(document: &Document, of_profile: bool, chooses: bool) -> impl Iterator<Item = &Flaw> {
    let header = document.header();
    let of_choice = match (chooses, of_profile) {
        (false, _) => [].iter().chain(&[]),
        (true, false) => header.flaws_of_choice.iter().chain(&[]),
        (true, true) => header
            .flaws_of_choice
            .iter()
            .chain(&header.flaws_in_profile),
    };
    header.flaws.iter().chain(of_choice)
}

/// Each profile, then the members of its group, then the next; each once.
fn expand(profiles: Vec<String>, groups: &IndexMap<&str, &[String]>) -> Vec<String> {
    let mut stack: Vec<String> = profiles.into_iter().rev().collect();
    let mut expanded = indexmap::IndexSet::new();
    while let Some(profile) = stack.pop() {
        if let Some(members) = groups
            .get(profile.as_str())
            .filter(|_| !expanded.contains(&profile))
        {
            stack.extend(members.iter().rev().cloned());
        }
        expanded.insert(profile);
    }
    expanded.into_iter().collect()
}

/// Visits the strongest first: children of the profiles, the other children, then the document itself.
fn walk<'c, 's>(contributors: &'c [Contributor<'s>], visit: &mut impl FnMut(&'c Contributor<'s>)) {
    for contributor in contributors {
        for children in contributor.children.iter().rev().flatten() {
            walk(children, visit);
        }
        visit(contributor);
    }
}

fn in_order(contributors: Vec<Contributor<'_>>) -> Vec<Contributor<'_>> {
    let mut ordered = Vec::new();
    for mut contributor in contributors {
        let children = std::mem::take(&mut contributor.children);
        for children in children.into_iter().rev().flatten() {
            ordered.extend(in_order(children));
        }
        ordered.push(contributor);
    }
    ordered
}
