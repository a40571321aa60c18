use askama::Template;
use confbus_protocol::BusId;

use super::{
    commit::Made,
    fleet::{Counts, Strip},
    frame::Frame,
    links::{below, short},
    moment::{Moment, between},
    pager::Pager,
    sign::{Sign, told_by},
};
use crate::{
    ledger::{
        Becomes, Column, Goal, PinStepView, RefreshDetails, RefreshView, RefreshesView, Sentence,
        Totals, What,
    },
    look::Trigger,
    pins::PinWhat,
};

/// Refreshes that one page shows, and instances.
const PAGE: usize = 100;

/// Which refreshes there were, newest first.
#[derive(Debug, Template)]
#[template(path = "refreshes.html")]
pub(crate) struct RefreshesPage {
    pub(super) frame: Frame,
    lines: Vec<Line>,
    pager: Pager,
}

/// One refresh in a line.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: String,
    pub(super) href: String,
    pub(super) cause: &'static str,
    pub(super) moved: String,
    pub(super) started: Moment,
    pub(super) took: String,
    pub(super) live: usize,
    pub(super) all: usize,
    pub(super) strip: Strip,
}

/// One refresh from its beginning on.
#[derive(Debug, Template)]
#[template(path = "refresh.html")]
pub(crate) struct RefreshPage {
    pub(super) frame: Frame,
    line: Line,
    sentence: String,
    /// Each with who made the commit to which it leads, where that is known.
    moves: Vec<(String, Option<Made>)>,
    /// What became of pins, each with when it ends by itself.
    pins: Vec<(String, Moment)>,
    destinations: Vec<String>,
    steps: Vec<Step>,
    told: Vec<Told>,
    more_told: usize,
    changes: Vec<Change>,
    more_changes: usize,
    was_compared: bool,
    /// Some have not answered yet, so the page is worth another look.
    is_open: bool,
}

/// A phase, or what somebody answered.
#[derive(Debug)]
struct Step {
    what: &'static str,
    class: &'static str,
    after: String,
    detail: String,
    href: Option<String>,
    count: usize,
}

#[derive(Debug)]
struct Told {
    id: String,
    href: String,
    class: &'static str,
    mark: char,
    word: &'static str,
    evidence: &'static str,
}

#[derive(Debug)]
struct Change {
    application: String,
    keys: Vec<(&'static str, &'static str, String)>,
    more: usize,
}

impl RefreshesPage {
    pub(crate) fn new(frame: Frame, view: &RefreshesView, page: usize) -> Self {
        let all = &view.refreshes;
        let pager = Pager::new(all.len(), page, PAGE, |page| {
            super::links::with_query("/refreshes", &[("page", page)])
        });
        Self {
            lines: all[pager.range()].iter().map(Line::new).collect(),
            frame,
            pager,
        }
    }
}

impl Line {
    pub(super) fn new(refresh: &RefreshView) -> Self {
        let counts = counts(refresh);
        let moved = refresh.labels.iter().map(|moved| {
            let from = moved
                .from
                .as_deref()
                .map_or_else(|| "new".to_owned(), short);
            format!("{} {from} → {}", moved.label, short(&moved.to))
        });
        let pins = refresh.pins.iter().map(step);
        let moved: Vec<_> = moved.chain(pins).take(3).collect();
        let last = refresh.timeline.last().map(|moment| moment.time.as_str());
        Self {
            id: refresh.id.clone(),
            href: below("/refreshes", &refresh.id),
            cause: cause(refresh.trigger),
            moved: moved.join(", "),
            started: Moment::of(&refresh.started),
            took: last
                .and_then(|last| between(&refresh.started, last))
                .unwrap_or_default(),
            live: counts.live(),
            all: counts.all(),
            strip: counts.strip(),
        }
    }
}

impl RefreshPage {
    pub(crate) fn new(frame: Frame, details: &RefreshDetails) -> Self {
        let refresh = &details.refresh;
        let line = Line::new(refresh);
        let counts = counts(refresh);
        let to = refresh.labels.first().map(|moved| moved.to.as_str());
        let moves = refresh.labels.iter().map(|moved| {
            let from = moved
                .from
                .as_deref()
                .map_or_else(|| "nothing".to_owned(), short);
            let (label, repository) = (&moved.label, &moved.repository);
            let text = format!("{label} of {repository}: {from} → {}", short(&moved.to));
            (text, moved.authorship.as_ref().map(Made::by))
        });
        let pins = refresh.pins.iter().map(|one| {
            let text = format!("{}: {}", step(one), one.reason);
            (text, Moment::of(&one.until))
        });
        let changes = details.changes.as_ref();
        let waits = |sign: Sign| counts.of(sign) > 0;
        Self {
            frame,
            sentence: if counts.all() == 0 {
                "No instance had to be told.".to_owned()
            } else {
                sentence(refresh, to)
            },
            moves: moves.collect(),
            pins: pins.collect(),
            destinations: refresh.destinations.clone(),
            steps: steps(refresh),
            told: refresh.told.iter().take(PAGE).map(Told::new).collect(),
            more_told: refresh.told.len().saturating_sub(PAGE),
            changes: changes.map(all_changes).unwrap_or_default(),
            more_changes: changes.map_or(0, |changes| changes.more),
            was_compared: changes.is_some(),
            is_open: waits(Sign::Told) || waits(Sign::Applying),
            line,
        }
    }
}

impl Told {
    fn new(told: &crate::ledger::ToldView) -> Self {
        let sign = Sign::of(told.state, told.evidence, false);
        let id = told.instance.as_str();
        Self {
            id: id.to_owned(),
            href: below("/instances", id),
            class: sign.class(),
            mark: sign.mark(),
            word: sign.word(),
            evidence: told_by(told.evidence),
        }
    }
}

/// `orders/dev pinned to 4e81d07 by jo`.
fn step(step: &PinStepView) -> String {
    let (address, commit, by) = (&step.address, short(&step.commit), &step.by);
    match step.what {
        PinWhat::Pinned => format!("{address} pinned to {commit} by {by}"),
        PinWhat::Released => format!("{address} let go of {commit} by {by}"),
        PinWhat::Ended => format!("{address} no longer pinned to {commit}, as {by} had said"),
    }
}

/// How far those are who were told.
fn sentence(refresh: &RefreshView, to: Option<&str>) -> String {
    let mut totals = Totals::default();
    for told in &refresh.told {
        totals.count(Column::of(told.state, false));
    }
    let goal = to.map_or(Goal::Several, |version| Goal::One(version.to_owned()));
    let sentence = Sentence {
        goal: &goal,
        totals: &totals,
    };
    format!("{sentence}.")
}

fn counts(refresh: &RefreshView) -> Counts {
    let mut counts = Counts::default();
    for told in &refresh.told {
        counts.add(Sign::of(told.state, told.evidence, false));
    }
    counts
}

/// Phases in their order; the same answer of many instances is one step, from the first of them on.
fn steps(refresh: &RefreshView) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for moment in &refresh.timeline {
        let (what, class) = phase(moment.what);
        let is_answer = moment.instance.is_some() && moment.what != What::Rejected;
        let same = steps.iter_mut().find(|step| is_answer && step.what == what);
        if let Some(step) = same {
            step.count += 1;
            step.detail = format!("{} instances", step.count);
            step.href = None;
            continue;
        }
        let instance = moment.instance.as_ref().map(BusId::as_str);
        let detail = [instance, moment.detail.as_deref()];
        let detail: Vec<_> = detail.into_iter().flatten().collect();
        steps.push(Step {
            what,
            class,
            after: between(&refresh.started, &moment.time).unwrap_or_default(),
            detail: detail.join(": "),
            href: instance.map(|id| below("/instances", id)),
            count: 1,
        });
    }
    steps
}

fn phase(what: What) -> (&'static str, &'static str) {
    match what {
        What::Looked => ("looked", ""),
        What::Swapped => ("swapped", ""),
        What::Published => ("announced", ""),
        What::Acked => ("acked", "ok"),
        What::Fetched => ("fetched", "wait"),
        What::Applied => ("applied", "ok"),
        What::Rejected => ("rejected", "bad"),
        What::Failed => ("not announced", "bad"),
    }
}

pub(super) fn cause(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Poll => "poll",
        Trigger::Reconnect => "the bus came back",
        Trigger::Bus => "bus",
        Trigger::BusRefresh => "command",
        Trigger::Pin => "pin",
        Trigger::Wave => "wave",
        Trigger::Change => "files changed",
        Trigger::Push => "webhook",
    }
}

fn all_changes(view: &crate::ledger::ChangesView) -> Vec<Change> {
    let keys = |keys: &[crate::ledger::KeyView]| {
        let keys = keys.iter().map(|key| {
            let (mark, word) = match key.change {
                Becomes::Added => ("+", "added"),
                Becomes::Removed => ("−", "removed"),
                Becomes::Changed => ("~", "changed"),
            };
            (mark, word, key.key.clone())
        });
        keys.collect()
    };
    let applications = view.applications.iter().map(|application| Change {
        application: application.application.clone(),
        keys: keys(&application.keys),
        more: application.more,
    });
    applications.collect()
}
