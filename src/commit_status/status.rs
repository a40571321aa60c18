use crate::{
    environment_repository::{Broken, Judgement},
    ledger::Converged,
    refresh::Whom,
};

/// How a commit is, in a word and a line.
#[derive(Debug, Clone)]
pub(super) struct Status {
    pub(super) judgement: Judgement,
    /// Who is told of it, where that is known.
    pub(super) whom: Option<Whom>,
    /// What became of it, once all have said so.
    pub(super) converged: Option<Converged>,
}

/// What the host shows as a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Success,
    Failure,
}

impl Status {
    pub(super) fn state(&self) -> State {
        let converged = self.converged.as_ref();
        let is_rejected = converged.is_some_and(|converged| converged.is_rejected);
        if self.judgement.broken.is_some() || is_rejected {
            State::Failure
        } else {
            State::Success
        }
    }

    /// One line of no more than so many characters.
    pub(super) fn description(&self, limit: usize) -> String {
        match (&self.judgement.broken, &self.converged) {
            (Some(broken), _) => held(broken, limit),
            (None, Some(converged)) => cut(&converged.sentence, limit),
            (None, None) => served(self.whom),
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
            converged: None,
        }
    }

    pub(in crate::commit_status) fn converged(commit: u8, is_rejected: bool) -> Converged {
        let Judgement {
            repository, commit, ..
        } = judgement(commit, None);
        let end = if is_rejected { "; 1 rejected it" } else { "" };
        Converged {
            repository,
            commit,
            sentence: format!("{} is live on 2 of 3 instances{end}", commit.short()),
            is_rejected,
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
            converged: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        testing::{broken, converged, held as held_status, served as served_status},
        *,
    };

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
    fn what_became_of_it_is_said_unless_it_is_held() {
        for (is_rejected, state) in [(false, State::Success), (true, State::Failure)] {
            let converged = converged(4, is_rejected);
            let status = Status {
                converged: Some(converged.clone()),
                ..served_status()
            };
            assert_eq!(status.description(140), converged.sentence);
            assert_eq!(status.description(10).chars().count(), 10);
            assert_eq!(status.state(), state);
        }
        let status = Status {
            converged: Some(converged(4, false)),
            ..held_status()
        };
        assert_eq!(status.state(), State::Failure);
        assert_eq!(status.description(140), held_status().description(140));
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
