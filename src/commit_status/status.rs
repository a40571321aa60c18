use crate::{
    environment_repository::{Broken, Judgement},
    refresh::Whom,
};

/// How a commit is, in a word and a line.
#[derive(Debug, Clone)]
pub(super) struct Status {
    pub(super) judgement: Judgement,
    /// Who is told of it, where that is known.
    pub(super) whom: Option<Whom>,
}

/// What the host shows as a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Success,
    Failure,
}

impl Status {
    pub(super) fn state(&self) -> State {
        match self.judgement.broken {
            None => State::Success,
            Some(_) => State::Failure,
        }
    }

    /// One line of no more than so many characters.
    pub(super) fn description(&self, limit: usize) -> String {
        match &self.judgement.broken {
            None => served(self.whom),
            Some(broken) => held(broken, limit),
        }
    }
}

fn served(whom: Option<Whom>) -> String {
    match whom {
        None => "served".into(),
        Some(Whom::Everyone) => "served; everyone is told".into(),
        Some(Whom::Applications(0)) => "served; nobody's configuration is different".into(),
        Some(Whom::Applications(1)) => "served; 1 application is told".into(),
        Some(Whom::Applications(number)) => format!("served; {number} applications are told"),
    }
}

/// The place comes first and what follows from it last; what is between them gives way.
fn held(broken: &Broken, limit: usize) -> String {
    let more = match broken.more {
        0 => String::new(),
        more => format!("; {more} more"),
    };
    let held = broken.held_at.map_or_else(
        || "; nothing earlier answers".to_owned(),
        |commit| format!("; held at {}", commit.short()),
    );
    let end = format!("{more}{held}");
    let problem = broken.problem.to_string();
    let room = limit.saturating_sub(end.chars().count());
    format!("{}{end}", cut(&problem, room))
}

fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let kept = text.chars().take(limit.saturating_sub(1));
    kept.chain(['…']).collect()
}

#[cfg(test)]
pub(super) mod testing {
    use confbus_protocol::{CommitId, Position};
    use confbus_resolution::{Cause, Origin, Problem};

    use super::*;

    pub(in crate::commit_status) fn judgement(commit: u8, broken: Option<Broken>) -> Judgement {
        Judgement {
            repository: "https://git.example/acme/config".into(),
            commit: CommitId::from_bytes([commit; 20]),
            broken,
        }
    }

    pub(in crate::commit_status) fn served() -> Status {
        Status {
            judgement: judgement(4, None),
            whom: None,
        }
    }

    pub(in crate::commit_status) fn broken() -> Broken {
        let position = Some(Position { line: 3, column: 5 });
        Broken {
            problem: Problem {
                origin: Origin {
                    path: "orders.yml".into(),
                    position,
                },
                problem: "expected a value".into(),
                hint: None,
                cause: Cause::Xml,
            },
            more: 0,
            held_at: Some(CommitId::from_bytes([3; 20])),
        }
    }

    pub(in crate::commit_status) fn held() -> Status {
        Status {
            judgement: judgement(4, Some(broken())),
            whom: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{testing::broken, *};

    #[test]
    fn a_served_commit_says_who_is_told() {
        for (whom, expected) in [
            (None, "served"),
            (Some(Whom::Everyone), "served; everyone is told"),
            (
                Some(Whom::Applications(0)),
                "served; nobody's configuration is different",
            ),
            (Some(Whom::Applications(1)), "served; 1 application is told"),
            (
                Some(Whom::Applications(12)),
                "served; 12 applications are told",
            ),
        ] {
            assert_eq!(served(whom), expected);
        }
    }

    #[test]
    fn a_long_problem_gives_way_to_its_place_and_to_what_follows() {
        let mut broken = Broken {
            more: 2,
            ..broken()
        };
        let whole = "orders.yml:3:5: expected a value; 2 more; held at 0303030";
        assert_eq!(held(&broken, 57), whole);
        let cut = "orders.yml:3:5: expected a va…; 2 more; held at 0303030";
        assert_eq!(held(&broken, 55), cut);
        broken.held_at = None;
        broken.problem.problem = "é".repeat(300);
        let long = held(&broken, 140);
        assert_eq!(long.chars().count(), 140);
        assert!(
            long.ends_with("é…; 2 more; nothing earlier answers"),
            "{long}"
        );
    }
}
