use crate::{
    Layout, Places, RepoPath,
    locations::{matches, normalise},
    snapshot::directory,
};

/// The directories that requests search, whatever their profiles and labels.
///
/// ```
/// use confbus_resolution::{Layout, Places, RepoPath, Searched};
/// let search_paths = vec!["teams/{application}".to_owned()];
/// let places = Places::Tree { uri: String::new(), checkout: String::new(), search_paths };
/// let layout = Layout { places, ..Layout::default() };
/// let path = RepoPath::parse("teams/orders/application.yml").expect("a path inside");
/// assert!(Searched::by(&layout, "orders").holds(&path));
/// assert!(!Searched::by(&layout, "payments").holds(&path));
/// assert!(!Searched::by_everyone(&layout).holds(&path));
/// ```
#[derive(Debug)]
pub struct Searched {
    /// `*` and `**` are wildcards; no segments at all are the root.
    patterns: Vec<Vec<String>>,
}

const APPLICATION: &str = "{application}";

impl Searched {
    /// What the requests of all applications search.
    #[must_use]
    pub fn by_everyone(layout: &Layout) -> Self {
        let of_all = written(layout)
            .into_iter()
            .filter(|pattern| !pattern.contains(APPLICATION));
        Self::of(of_all)
    }

    /// What the requests of one application search.
    #[must_use]
    pub fn by(layout: &Layout, application: &str) -> Self {
        let own = written(layout)
            .into_iter()
            .map(|pattern| pattern.replace(APPLICATION, application));
        Self::of(own)
    }

    /// What the requests of any application search.
    #[must_use]
    pub fn by_anyone(layout: &Layout) -> Self {
        Self::by(layout, "*")
    }

    fn of(patterns: impl Iterator<Item = String>) -> Self {
        let segments = |pattern: String| {
            let segments = normalise(pattern.split('/'))?;
            Some(segments.into_iter().map(str::to_owned).collect())
        };
        Self {
            patterns: patterns.filter_map(segments).collect(),
        }
    }

    /// Whether the file lies in one of the directories.
    #[must_use]
    pub fn holds(&self, path: &RepoPath) -> bool {
        let directory = directory(path.as_str()).trim_end_matches('/');
        self.patterns.iter().any(|pattern| {
            let pattern: Vec<&str> = pattern.iter().map(String::as_str).collect();
            if directory.is_empty() {
                pattern.is_empty()
            } else {
                matches(&pattern, directory)
            }
        })
    }
}

/// The places as written, where a profile and a label may be anything.
fn written(layout: &Layout) -> Vec<String> {
    let anything = |path: &String| path.replace("{profile}", "*").replace("{label}", "*");
    match &layout.places {
        Places::Tree { search_paths, .. } => {
            let root = std::iter::once(String::new());
            root.chain(search_paths.iter().map(anything)).collect()
        }
        Places::Directories { locations, .. } => {
            let paths = locations.iter().map(|location| anything(&location.path));
            // The directory of a label may be any below.
            paths.flat_map(|path| [format!("{path}*"), path]).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::layout;

    #[track_caller]
    fn check(search_paths: &[&str], path: &str, application: &str, everyone: bool, one: bool) {
        let (layout, path) = (layout(search_paths), RepoPath::parse(path).unwrap());
        assert_eq!(Searched::by_everyone(&layout).holds(&path), everyone);
        assert_eq!(Searched::by(&layout, application).holds(&path), one);
    }

    #[test]
    fn placeholders_narrow_who_searches() {
        check(&[], "a.yml", "foo", true, true);
        check(&[], "x/a.yml", "foo", false, false);
        check(&["x"], "x/a.yml", "foo", true, true);
        check(&["{application}"], "foo/a.yml", "foo", false, true);
        check(&["{application}"], "foo/a.yml", "bar", false, false);
        check(&["{profile}/{label}"], "dev/main/a.yml", "foo", true, true);
        check(&["*/c"], "x/c/a.yml", "foo", true, true);
        check(&["../x"], "x/a.yml", "foo", false, false);
    }
}
