use std::collections::BTreeSet;

use confbus_protocol::{CommitId, Destination};

use crate::environment_repository::Moved;

/// Above this, one event for everyone is less work for the broker and for the clients.
pub(super) const MAX_EVENTS: usize = 50;

/// What stands for everyone among names of applications.
pub(super) const EVERYONE: &str = "*";

/// One destination for each application; everyone when there are too many, or one is everyone.
pub(super) fn of_applications(names: &BTreeSet<String>) -> Vec<Destination> {
    if are_everyone(names) {
        return vec![Destination::everyone()];
    }
    let destinations = names.iter().map(|name| Destination::complete(name));
    destinations.collect()
}

/// Whether further names make no difference.
pub(super) fn are_everyone(names: &BTreeSet<String>) -> bool {
    names.contains(EVERYONE) || names.len() > MAX_EVENTS
}

/// What an event says of what moved.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct News {
    /// The commit that all labels came to, if a client that runs it already has nothing to ask for.
    ///
    /// Not when several labels moved to different commits, and not when the files of a work tree changed under one.
    pub(super) commit: Option<CommitId>,
    /// How often the one label that moved has moved.
    pub(super) generation: Option<u64>,
}

impl News {
    /// With one step for each label.
    pub(super) fn of(moved: &[Moved]) -> Self {
        Self {
            commit: common_commit(moved),
            generation: match moved {
                [one] => Some(one.generation),
                _ => None,
            },
        }
    }
}

fn common_commit(moved: &[Moved]) -> Option<CommitId> {
    let commit = moved.first()?.new.version();
    let is_common = |moved: &Moved| moved.new.version() == commit && moved.old.version() != commit;
    moved.iter().all(is_common).then_some(commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_everyone() {
        let names = |number: usize| (0..number).map(|index| format!("app-{index}")).collect();
        assert_eq!(of_applications(&names(MAX_EVENTS)).len(), MAX_EVENTS);
        assert_eq!(
            of_applications(&names(MAX_EVENTS + 1)),
            [Destination::everyone()]
        );
        let all = ["orders".to_owned(), EVERYONE.to_owned()].into();
        assert_eq!(of_applications(&all), [Destination::everyone()]);
    }
}
