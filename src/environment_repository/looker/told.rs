//! What a look tells of itself where it is part of a trace, or found something: a look that finds nothing is no story.

use std::time::SystemTime;

use super::{super::served::Moved, Looker};
use crate::traces::{COMMIT, LABELS, Part, REPOSITORY, Span, TRIGGER, TraceContext};

/// More labels than these are not named.
const MOST_LABELS: usize = 16;

/// A look that goes on.
#[derive(Debug)]
pub(super) struct Look {
    trace: TraceContext,
    began: SystemTime,
    fetched: Option<Fetched>,
}

/// A remote was asked.
#[derive(Debug)]
struct Fetched {
    /// Why that failed.
    failure: Option<&'static str>,
    until: SystemTime,
}

impl Look {
    pub(super) fn in_trace(trace: TraceContext) -> Self {
        Self {
            trace,
            began: SystemTime::now(),
            fetched: None,
        }
    }

    pub(super) fn fetched(&mut self, failure: Option<&'static str>) {
        self.fetched = Some(Fetched {
            failure,
            until: SystemTime::now(),
        });
    }
}

impl Looker {
    /// Once, and not before it is known in which trace.
    pub(super) fn tell_fetch(&self, look: &mut Look) {
        if look.trace.is_nowhere() {
            return;
        }
        if let Some(fetched) = look.fetched.take() {
            let traces = &self.outcome.traces;
            let span = traces.part_since(Part::Fetch, &look.trace, look.began);
            let span = span.with(REPOSITORY, self.name.to_string());
            let span = match fetched.failure {
                Some(why) => span.failed(why),
                None => span,
            };
            span.end_at(fetched.until);
        }
    }

    /// Labels moved, which is a story even where nobody asked for the look.
    pub(super) fn tell_moved(&mut self, look: &mut Look, moved: &mut [Moved], since: SystemTime) {
        let traces = self.outcome.traces.clone();
        let mut root = Span::default();
        if look.trace.is_nowhere() {
            root = traces.root(Part::Refresh, look.began);
            root = root.with(TRIGGER, "look");
            look.trace = root.context();
            self.tell_fetch(look);
        }
        let labels = moved.iter().take(MOST_LABELS);
        let labels: Vec<_> = labels.map(|moved| moved.label.to_string()).collect();
        let commit = moved.first().map(|moved| moved.new.version());
        let span = traces.part_since(Part::Swap, &look.trace, since);
        let span = span.with(REPOSITORY, self.name.to_string());
        let span = span.with(LABELS, labels.join(" "));
        let commit = commit.map_or_else(String::new, |commit| commit.to_string());
        span.with(COMMIT, commit).end();
        for step in moved {
            step.trace = look.trace.clone();
        }
        self.unjudged_trace = look.trace.clone();
        root.end();
    }
}
