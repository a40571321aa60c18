use std::{borrow::Borrow, fmt, sync::Arc};

/// Where a file lies in the repository: `/` between segments, relative, none of them empty, `.` or `..`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepoPath(Arc<str>);

impl RepoPath {
    /// Takes a path that stays inside the repository; `None` for every other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |segment: &str| !matches!(segment, "" | "." | "..") && !segment.contains('\0');
        text.split('/').all(fits).then(|| Self(text.into()))
    }

    /// The path as text, `config/orders.yml`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for RepoPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_inside() {
        for text in ["a", "a/b.yml", "..a", ".hidden", "a b"] {
            assert_eq!(RepoPath::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "/a", "a/", "a//b", "..", "a/../b", "./a", "a\0"] {
            assert_eq!(RepoPath::parse(text), None, "{text}");
        }
    }
}
