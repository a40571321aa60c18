use confbus_protocol::{Position, PropertyValue};
use confbus_resolution::{Cause, FileSource, Origin, Problem};
use indexmap::IndexMap;

/// What wins under each key, in file order.
pub(crate) struct Winners<'f> {
    of_keys: IndexMap<&'f str, Winner<'f>>,
    /// The strongest file, for what is nowhere.
    strongest: Option<&'f str>,
}

/// A value and where it is written.
pub(crate) struct Winner<'f> {
    pub(crate) value: &'f PropertyValue,
    path: &'f str,
    position: Option<Position>,
}

impl<'f> Winners<'f> {
    pub(crate) fn of(files: &'f [FileSource<'_>]) -> Self {
        let mut of_keys = IndexMap::new();
        for file in files {
            for (key, property) in file.source.source.iter() {
                of_keys.entry(key.as_str()).or_insert(Winner {
                    value: &property.value,
                    path: file.path,
                    position: property.origin,
                });
            }
        }
        Self {
            of_keys,
            strongest: files.first().map(|file| file.path),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'f str, &Winner<'f>)> {
        self.of_keys.iter().map(|(key, winner)| (*key, winner))
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Winner<'f>> {
        self.of_keys.get(key)
    }

    /// Where a key, or the first one below it, is written; of what is nowhere, the strongest file.
    pub(super) fn origin(&self, key: &str) -> Origin {
        let is_below = |candidate: &str| {
            let rest = candidate.strip_prefix(key);
            rest.is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        let below = || {
            let mut all = self.of_keys.iter();
            all.find(|(candidate, _)| is_below(candidate))
        };
        let winner = self.get(key).or_else(|| Some(below()?.1));
        winner.map_or_else(
            || Origin {
                path: self.strongest.unwrap_or_default().to_owned(),
                position: None,
            },
            Winner::origin,
        )
    }
}

impl Winner<'_> {
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            path: self.path.to_owned(),
            position: self.position,
        }
    }

    /// Something that is wrong with this value.
    pub(super) fn problem(&self, cause: Cause, problem: String) -> Problem {
        Problem {
            origin: self.origin(),
            problem,
            hint: None,
            cause,
        }
    }
}
