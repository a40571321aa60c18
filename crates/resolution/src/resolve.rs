#[cfg(test)]
mod tests;

use std::collections::HashSet;

use confbus_protocol::{Environment, PropertySource};
use indexmap::IndexSet;

use crate::{
    EnvironmentRequest, Layout, Problem, Snapshot,
    contributors::{Contributor, Loader},
    locations, sources,
};

/// What a request reads in a snapshot.
#[derive(Debug, Default)]
pub(crate) struct Reading<'s> {
    /// The documents that count, the strongest first.
    pub(crate) contributors: Vec<Contributor<'s>>,
    /// All files that were opened for it.
    pub(crate) files: HashSet<&'s str>,
    /// What is wrong with them.
    pub(crate) problems: Vec<Problem>,
}

/// A source of an environment, and the file that it is a document of.
#[derive(Debug, Clone, PartialEq)]
pub struct FileSource<'s> {
    /// The file's path in its repository.
    pub path: &'s str,
    /// What the document says.
    pub source: PropertySource,
}

/// Why there is no environment.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResolveError {
    /// Files that this request needs cannot be used.
    #[error("{} of the files for this request cannot be used", files(.0))]
    Broken(Vec<Problem>),
    /// The lists of names in the request, or what the files import, lead to too many files.
    #[error("the request leads to too many files")]
    TooLarge,
    /// A search location has a wildcard where none may be.
    #[error("`*` may stand only as the last directory of a search location: {location}")]
    Wildcard {
        /// The location.
        location: String,
    },
}

impl ResolveError {
    /// All that is wrong, file by file.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Broken(problems) => problems,
            Self::TooLarge | Self::Wildcard { .. } => &[],
        }
    }
}

fn files(problems: &[Problem]) -> usize {
    problems
        .iter()
        .map(|problem| &problem.origin.path)
        .collect::<IndexSet<_>>()
        .len()
}

/// Makes the environment that a snapshot holds for a request.
///
/// Without an application or a profile it is empty.
///
/// # Errors
/// [`ResolveError::Broken`] with every file that is needed and cannot be used.
pub fn resolve(
    snapshot: &Snapshot,
    layout: &Layout,
    request: &EnvironmentRequest,
) -> Result<Environment, ResolveError> {
    Ok(Environment {
        name: request.application.to_string(),
        profiles: vec![request.profiles.to_string()],
        label: request.label.as_ref().map(ToString::to_string),
        version: Some(snapshot.version().to_string()),
        state: Some(String::new()),
        property_sources: resolve_sources(snapshot, layout, request)?,
    })
}

/// The sources of the environment that a snapshot holds for a request, the strongest first.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_sources(
    snapshot: &Snapshot,
    layout: &Layout,
    request: &EnvironmentRequest,
) -> Result<Vec<PropertySource>, ResolveError> {
    let files = resolve_files(snapshot, layout, request)?;
    Ok(files.into_iter().map(|file| file.source).collect())
}

/// The same, each with the file that it comes from.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_files<'s>(
    snapshot: &'s Snapshot,
    layout: &Layout,
    request: &EnvironmentRequest,
) -> Result<Vec<FileSource<'s>>, ResolveError> {
    let reading = read(snapshot, layout, request)?;
    if !reading.problems.is_empty() {
        return Err(ResolveError::Broken(reading.problems));
    }
    let contributors = reading.contributors.iter();
    let files = contributors.map(|contributor| FileSource {
        path: contributor.path,
        source: sources::of_document(contributor, layout),
    });
    Ok(files.collect())
}

/// Reads what there is; what is wrong with it stands beside it.
///
/// # Errors
/// Those that do not depend on what the files say.
pub(crate) fn read<'s>(
    snapshot: &'s Snapshot,
    layout: &Layout,
    request: &EnvironmentRequest,
) -> Result<Reading<'s>, ResolveError> {
    let profiles: IndexSet<String> = request.profiles.names().map(str::to_owned).collect();
    let names = names(request);
    if profiles.is_empty() || names.is_empty() {
        return Ok(Reading::default());
    }
    let locations = locations::of_request(snapshot, layout, request)?;
    let mut loader = Loader::new(snapshot, &names, profiles.into_iter().collect());
    let contributors = loader.load(locations);
    if loader.is_too_large {
        return Err(ResolveError::TooLarge);
    }
    Ok(Reading {
        contributors,
        files: loader.loaded,
        problems: loader.problems,
    })
}

/// The names of files, the weakest first: `application` stands before all others.
pub(crate) fn names(request: &EnvironmentRequest) -> Vec<&str> {
    if request.application.as_str().is_empty() {
        return Vec::new();
    }
    let names: IndexSet<_> = std::iter::once("application")
        .chain(request.application.names())
        .collect();
    names.into_iter().collect()
}
