use std::fmt;

use confbus_protocol::Position;

use crate::Cause;

/// Where something is written: `orders.yml:14:9`, or only the file when no place in it is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// The file's path in its repository.
    pub path: String,
    /// Line and column, when known.
    pub position: Option<Position>,
}

/// What is wrong in a file, for the person who wrote it; never holds a value from the file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{origin}: {problem}")]
pub struct Problem {
    /// Where it is.
    pub origin: Origin,
    /// What was expected and what was met, in one line.
    pub problem: String,
    /// How to mend it, in one line.
    pub hint: Option<String>,
    /// What kind of mistake it is.
    pub cause: Cause,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "{}:{position}", self.path),
            None => f.write_str(&self.path),
        }
    }
}
