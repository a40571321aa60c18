//! Where configuration lies in a snapshot, and how its sources are named.

use confbus_protocol::Label;

/// How the files of a snapshot are laid out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// Where configuration lies, and how sources are named after it.
    pub places: Places,
    /// What `{label}` stands for when a request has no label.
    pub default_label: Option<Label>,
    /// Plain files are looked for in the last location first.
    pub reverse_location_order: bool,
}

/// The places of configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Places {
    /// The tree of a commit: its root, and the search paths below it.
    Tree {
        /// The repository's URI as shown in names of sources, without credentials.
        uri: String,
        /// The directory shown in names of sources that come from a file with several documents.
        checkout: String,
        /// Directories beside the root, the later one stronger: `{application}`, `{profile}` and `{label}` stand for
        /// the request's, `*` and `**` are wildcards.
        search_paths: Vec<String>,
    },
    /// Directories of a machine.
    Directories {
        /// The later one stronger; with placeholders like those of search paths.
        locations: Vec<SearchLocation>,
        /// Below each location, the directory with the label's name is a location, too, and stronger than all others.
        label_locations: bool,
        /// The directories whose files the snapshot holds.
        roots: Vec<Root>,
    },
}

/// A directory that is searched, as the operator wrote it and as the snapshot has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchLocation {
    /// With a final `/`: `file:/srv/config/{application}/`, `./`.
    pub written: String,
    /// In the paths of the snapshot: `srv/config/{application}/`.
    pub path: String,
}

/// A directory of the machine as a part of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// In the paths of the snapshot, with a final `/`; empty for all.
    pub path: String,
    /// In names of sources: `/srv/config/`, or nothing for the working directory.
    pub shown: String,
}

impl Default for Places {
    fn default() -> Self {
        Self::Tree {
            uri: String::new(),
            checkout: String::new(),
            search_paths: Vec::new(),
        }
    }
}

impl Places {
    /// A path of the snapshot without what the operator wrote before the first placeholder or wildcard: of a directory of a
    /// machine, names above it say nothing of applications.
    #[must_use]
    pub fn below<'p>(&self, path: &'p str) -> &'p str {
        let Self::Directories { locations, .. } = self else {
            return path;
        };
        let fixed = locations.iter().map(|location| {
            let path = location.path.split(['{', '*']).next().unwrap_or_default();
            path.rfind('/').map_or("", |slash| &path[..=slash])
        });
        let below = fixed.filter_map(|fixed| path.strip_prefix(fixed));
        below.min_by_key(|below| below.len()).unwrap_or(path)
    }
}

impl Root {
    /// How a file below this root is shown.
    pub(crate) fn show(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix(&self.path)?;
        Some(format!("{}{rest}", self.shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_above_a_location_is_not_below_it() {
        let location = |path: &str| SearchLocation {
            written: path.to_owned(),
            path: path.to_owned(),
        };
        let places = Places::Directories {
            locations: vec![location("srv/"), location("srv/orders/c-{profile}/")],
            label_locations: true,
            roots: Vec::new(),
        };
        assert_eq!(places.below("srv/orders/c-billing/x"), "c-billing/x");
        assert_eq!(places.below("srv/billing/x"), "billing/x");
        assert_eq!(Places::default().below("srv/x"), "srv/x");
    }
}
