use serde::Serialize;

use super::{
    course::{Count, State},
    line::Line,
    now,
};
use crate::pins::Address;

/// A wave as strangers see it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct WaveView {
    #[serde(flatten)]
    pub(super) address: Address,
    repository: String,
    /// The label whose commit it is.
    branch: String,
    pub(crate) commit: String,
    /// What everybody else is given.
    before: String,
    state: State,
    pub(crate) percent: u8,
    steps: Vec<u8>,
    /// Milliseconds since 1970.
    started: i64,
    since: i64,
    pub(crate) reason: Option<String>,
    by: Option<String>,
    instances: Count,
    /// Its step takes longer than it should.
    pub(crate) overdue: bool,
}

impl WaveView {
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// `None` where everybody has the same.
    pub(super) fn of(line: &Line) -> Option<Self> {
        let wave = line.course.wave.as_ref()?;
        Some(Self {
            address: line.rule.address.clone(),
            repository: line.course.repository.clone(),
            branch: line.course.label.clone(),
            commit: wave.commit.to_string(),
            before: line.course.settled().to_string(),
            state: wave.state,
            percent: wave.percent,
            steps: line.rule.steps.clone(),
            started: wave.started,
            since: wave.since,
            reason: wave.reason.clone(),
            by: wave.by.clone(),
            instances: line.count.clone(),
            overdue: wave.is_overdue(&line.rule, now()),
        })
    }
}
