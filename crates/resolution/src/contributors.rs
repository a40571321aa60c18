//! Which documents take part in an environment, in Spring Boot's order of loading and precedence.
//!
//! Boot loads the files without a profile, then learns the profiles from them, then loads the files of the profiles.
//! Every file is loaded once, by whoever asks first; documents of an imported file stand above the importing document,
//! and those of profiles above those without.

use std::collections::HashSet;

use indexmap::IndexMap;

use crate::{
    Problem, Snapshot,
    documents::{Document, EXTENSIONS, Flaw, Syntax},
    imports::{self, Target},
    locations::Location,
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
    pub(crate) location: String,
    pub(crate) document: &'s Document,
    /// The place among the documents of the file, and their number.
    pub(crate) index: usize,
    pub(crate) of: usize,
    children: [Option<Vec<Self>>; 2],
}

/// Before and after the profiles are known; what is loaded after stands above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Before,
    After,
}

/// A path that may hold a file.
struct Candidate {
    path: String,
    location: String,
    syntax: Syntax,
    of_profile: bool,
}

/// Locations that are searched together: all of them for one profile, then all for the next.
type Group = Vec<(String, Target)>;

/// What a request asks for, and what is found on the way.
#[derive(Debug)]
pub(crate) struct Loader<'s, 'n> {
    snapshot: &'s Snapshot,
    /// The names of files, the weakest first.
    names: Vec<&'n str>,
    profiles: Vec<String>,
    phase: Phase,
    pub(crate) loaded: HashSet<&'s str>,
    documents: usize,
    candidates: usize,
    pub(crate) problems: Vec<Problem>,
    pub(crate) is_too_large: bool,
}

impl<'s, 'n> Loader<'s, 'n> {
    pub(crate) fn new(snapshot: &'s Snapshot, names: Vec<&'n str>, profiles: Vec<String>) -> Self {
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
        let root = locations
            .into_iter()
            .map(|location| (location.written, Target::Directory(location.directory)));
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
        all.retain(|contributor| contributor.document.header.fits_profiles(profiles));
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
            let header = &contributor.document.header;
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
        let header = &contributor.document.header;
        let counts = header.fits_profiles((self.phase == Phase::After).then_some(&self.profiles));
        let children = &mut contributor.children[self.phase as usize];
        if header.imports.is_empty() || !counts || children.is_some() {
            return;
        }
        if depth >= DEPTH_LIMIT {
            let problem = format!("imports lead from file to file more than {DEPTH_LIMIT} times");
            self.problems
                .push(Flaw::new(None, problem).in_file(contributor.path));
            return;
        }
        let groups: Vec<_> = header
            .imports
            .iter()
            .map(|import| group(import, contributor.path))
            .collect();
        *children = Some(self.children(&groups, depth + 1));
    }

    /// Loads the files that locations lead to, the strongest first, with all that they import in turn.
    fn children(&mut self, groups: &[Group], depth: usize) -> Vec<Contributor<'s>> {
        let mut children = Vec::new();
        for candidate in self.candidates(groups).into_iter().rev() {
            children.extend(self.file(candidate));
        }
        children
            .iter_mut()
            .for_each(|child| self.follow(child, depth));
        children
    }

    /// The documents of a file, the last first; none when it does not exist, was loaded before or cannot be used.
    fn file(&mut self, candidate: Candidate) -> Vec<Contributor<'s>> {
        let Some((path, blob)) = self.snapshot.find(&candidate.path) else {
            return Vec::new();
        };
        let path = path.as_str();
        if !self.loaded.insert(path) {
            return Vec::new();
        }
        let documents = blob.documents(candidate.syntax).unwrap_or_else(|flaw| {
            self.problems.push(flaw.in_file(path));
            &[]
        });
        self.documents += documents.len();
        self.is_too_large |= self.documents > DOCUMENT_LIMIT;
        if self.is_too_large {
            return Vec::new();
        }
        let chooses = self.files_choose_profiles();
        self.problems.extend(
            documents
                .iter()
                .flat_map(|document| flaws(document, candidate.of_profile, chooses))
                .map(|flaw| flaw.in_file(path)),
        );
        let counting = documents
            .iter()
            .enumerate()
            .filter(|(_, document)| document.header.fits_platform());
        let contributor = |(index, document)| Contributor {
            path,
            location: candidate.location.clone(),
            document,
            index,
            of: documents.len(),
            children: [None, None],
        };
        counting.rev().map(contributor).collect()
    }

    /// The paths to look for, the weakest first, each once.
    fn candidates(&mut self, groups: &[Group]) -> Vec<Candidate> {
        let profiles = if self.phase == Phase::After {
            self.profiles.as_slice()
        } else {
            &[]
        };
        let suffixes = profiles.iter().map(|profile| format!("-{profile}"));
        let suffixes: Vec<_> = std::iter::once(String::new()).chain(suffixes).collect();
        let locations = groups.iter().map(Vec::len).sum::<usize>();
        self.candidates += suffixes.len() * locations * self.names.len() * EXTENSIONS.len();
        self.is_too_large |= self.candidates > CANDIDATE_LIMIT;
        if self.is_too_large {
            return Vec::new();
        }
        let mut candidates = IndexMap::new();
        for group in groups {
            for suffix in &suffixes {
                for (location, target) in group {
                    self.add_candidates(target, suffix, location, &mut candidates);
                }
            }
        }
        candidates.into_values().collect()
    }

    fn add_candidates(
        &self,
        target: &Target,
        suffix: &str,
        location: &str,
        candidates: &mut IndexMap<String, Candidate>,
    ) {
        let mut add = |path: String, syntax| {
            let candidate = Candidate {
                path: path.clone(),
                location: location.to_owned(),
                syntax,
                of_profile: !suffix.is_empty(),
            };
            candidates.entry(path).or_insert(candidate);
        };
        match target {
            Target::File {
                stem,
                extension,
                syntax,
            } => add(format!("{stem}{suffix}.{extension}"), *syntax),
            Target::Directory(directory) => {
                for name in &self.names {
                    for (extension, syntax) in EXTENSIONS {
                        add(format!("{directory}{name}{suffix}.{extension}"), syntax);
                    }
                }
            }
        }
    }
}

/// The locations of one import that are paths inside the tree.
fn group(import: &str, importer: &str) -> Group {
    let target =
        |location: &str| Some((location.to_owned(), imports::resolve(location, importer)?));
    import.split(';').filter_map(target).collect()
}

fn flaws(document: &Document, of_profile: bool, chooses: bool) -> impl Iterator<Item = &Flaw> {
    let header = &document.header;
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
