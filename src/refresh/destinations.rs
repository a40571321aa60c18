use std::collections::BTreeSet;

use confbus_protocol::{CommitId, Destination, NO_LABEL};

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
#[derive(Debug, Clone, Default)]
pub(super) struct News {
    /// The commit that all labels came to, if a client that runs it already has nothing to ask for.
    ///
    /// Not when several labels moved to different commits, and not when the files of a work tree changed under one.
    pub(super) commit: Option<CommitId>,
    /// The labels that came to it: of clients of other ones it asks nothing.
    pub(super) labels: BTreeSet<String>,
    /// How often the one label that moved has moved.
    pub(super) generation: Option<u64>,
}

impl News {
    /// With one step for each label. `is_default` tells whether requests without a label are answered from it.
    pub(super) fn of(moved: &[Moved], is_default: impl Fn(&Moved) -> bool) -> Self {
        let commit = common_commit(moved);
        let moved_there = moved.iter().filter(|_| commit.is_some());
        let labels = moved_there.flat_map(|moved| {
            let unnamed = is_default(moved).then_some(NO_LABEL);
            std::iter::once(moved.label.as_str()).chain(unnamed)
        });
        Self {
            labels: labels.map(str::to_owned).collect(),
            commit,
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
    use std::{collections::BTreeMap, sync::Arc};

    use confbus_protocol::Label;
    use confbus_resolution::Snapshot;

    use super::*;
    use crate::traces::TraceContext;

    fn step(label: &str, to: u8) -> Moved {
        let commit = |number| {
            let version = CommitId::from_bytes([number; 20]);
            Arc::new(Snapshot::new(version, BTreeMap::new()))
        };
        Moved {
            repository: "repo".into(),
            label: Label::parse(label).unwrap(),
            old: commit(0),
            new: commit(to),
            authorship: None,
            generation: 1,
            trace: TraceContext::default(),
        }
    }

    #[test]
    fn an_event_names_the_labels_of_its_commit() {
        let of = |moved: &[Moved]| {
            let news = News::of(moved, |moved| moved.label.as_str() == "main");
            Vec::from_iter(news.labels).join(" ")
        };
        assert_eq!(of(&[step("main", 2)]), "* main");
        assert_eq!(of(&[step("release", 2)]), "release");
        assert_eq!(of(&[step("main", 2), step("release", 2)]), "* main release");
        assert_eq!(
            of(&[step("main", 2), step("release", 3)]),
            "",
            "no one commit"
        );
    }

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
