use std::fmt;

use crate::CommitId;

/// The request header in which a client names, by comma, the commits that an answer must not be older than: the version
/// that it runs, and those that events told it of. Servers that do not know the header answer as ever.
pub const MIN_VERSION_HEADER: &str = "x-config-min-version";

/// The request header of a client that turns to another server: it wants what the repository has from now on. It says
/// [`SINCE_NOW`] first, and then what [`LAGGING_HEADER`] answered, by comma where there are several servers at one address. Commits alone do not tell which of two servers is ahead,
/// since a branch may go back to where it was.
pub const SINCE_HEADER: &str = "x-config-since";

/// The first [`SINCE_HEADER`].
pub const SINCE_NOW: &str = "now";

/// The answer header of a server that cannot say that it is as new as [`MIN_VERSION_HEADER`] or [`SINCE_HEADER`] want: it has
/// served none of these commits, or has not heard from the repository since it was asked. Its value, `epoch-number`, marks this moment of
/// the process that the epoch stands for.
pub const LAGGING_HEADER: &str = "x-config-lagging";

/// Among the labels of an event, what stands for requests without a label. No branch may be called so.
pub const NO_LABEL: &str = "*";

/// Commits in one header; a label list has no more, and few events come at once.
const MOST: usize = 32;

/// The commits that an answer must not be older than, as [`MIN_VERSION_HEADER`] carries them.
///
/// ```
/// use confbus_protocol::Minimum;
/// let commit = "9f2c1ab0c7d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7";
/// assert_eq!(Minimum::parse(commit).map(|minimum| minimum.to_string()).as_deref(), Some(commit));
/// assert!(Minimum::parse("main").is_none());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Minimum(Vec<CommitId>);

impl Minimum {
    /// Reads commit ids by comma, 32 at most; `None` for anything else, as a version that names no commit.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MOST * 41 {
            return None;
        }
        let commits: Option<Vec<_>> = text
            .split(',')
            .map(|id| CommitId::parse(id.trim()))
            .collect();
        commits.map(Self)
    }

    /// Adds a commit that was heard of, unless there are too many.
    pub fn add(&mut self, commit: CommitId) {
        if !self.0.contains(&commit) && self.0.len() < MOST {
            self.0.push(commit);
        }
    }

    /// Whether nothing is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The commits in the order given.
    #[must_use]
    pub fn commits(&self) -> &[CommitId] {
        &self.0
    }
}

impl fmt::Display for Minimum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, commit) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{commit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lists_of_full_commit_ids_are_read() {
        let ids: Vec<_> = (0..=MOST).map(|number| format!("{number:040}")).collect();
        let list = |count: usize| ids[..count].join(",");
        for count in [1, 2, MOST] {
            let minimum = Minimum::parse(&list(count)).unwrap();
            assert_eq!(minimum.commits().len(), count);
            assert_eq!(minimum.to_string(), list(count));
        }
        let spaced = format!("{}, {}", ids[0], ids[1]);
        assert_eq!(Minimum::parse(&spaced).unwrap().to_string(), list(2));
        for text in ["", ",", "abcdef1", &list(MOST + 1), &format!("{},", ids[0])] {
            assert_eq!(Minimum::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_commit_is_named_once_and_their_number_is_bounded() {
        let commit = |number| CommitId::from_bytes([number; 20]);
        let mut minimum = Minimum::default();
        assert!(minimum.is_empty());
        for number in 0..=u8::MAX {
            minimum.add(commit(number));
            minimum.add(commit(number));
        }
        assert_eq!(minimum.commits().len(), MOST);
    }
}
