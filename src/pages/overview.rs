mod looks;

use askama::Template;

use super::{
    fleet::{Group, groups},
    frame::Frame,
    links::with_query,
    pager::Pager,
    refreshes::Line,
    sign::Sign,
};
use crate::{
    ledger::{FleetSummary, RefreshesView},
    pins::Pin,
    waves::WaveView,
};

use looks::{Look, looks};

/// Applications that one page shows.
const PAGE: usize = 100;
/// Refreshes that the overview shows.
pub(crate) const LAST: usize = 5;

/// The first page: who runs what, and what needs a look.
#[derive(Debug, Template)]
#[template(path = "overview.html")]
pub(crate) struct Overview {
    pub(super) frame: Frame,
    sentence: String,
    looks: Vec<Look>,
    rows: Vec<Row>,
    /// Addresses that the filter lets through.
    addresses: usize,
    instances: usize,
    readers: usize,
    filter: Filter,
    pager: Pager,
    refreshes: Vec<Line>,
}

/// Which addresses are wanted.
#[derive(Debug, Default, Clone)]
pub(crate) struct Filter {
    /// A part of the address.
    pub(crate) text: String,
    /// A state that one of its instances is in.
    pub(crate) state: String,
    pub(crate) page: usize,
}

/// What a repository of the server suffers from; reads go on.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) repository: String,
    pub(crate) serving: Option<String>,
    pub(crate) error: String,
    pub(crate) seconds: Option<u64>,
}

/// The facts that the page is made of.
#[derive(Debug)]
pub(crate) struct Facts<'f> {
    pub(crate) fleet: &'f FleetSummary,
    /// How many read without a name; asked for where nobody has one.
    pub(crate) readers: usize,
    pub(crate) refreshes: &'f RefreshesView,
    pub(crate) pins: Vec<&'f Pin>,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
    pub(crate) waves: Vec<WaveView>,
    pub(crate) troubles: Vec<Trouble>,
}

/// One address.
#[derive(Debug)]
struct Row {
    address: String,
    href: String,
    history: String,
    instances: String,
    group: Group,
    cells: Vec<Cell>,
}

/// A count of instances in some state.
#[derive(Debug)]
struct Cell {
    name: &'static str,
    class: &'static str,
    count: usize,
}

impl Overview {
    pub(crate) fn new(frame: Frame, facts: &Facts<'_>, filter: Filter) -> Self {
        let all = groups(facts.fleet);
        let looks = looks(frame.held, &all, facts);
        let mut fit: Vec<_> = all.into_iter().filter(|group| filter.fits(group)).collect();
        let addresses = fit.len();
        let pager = Pager::new(addresses, filter.page, PAGE, |page| {
            let query = [
                ("q", &*filter.text),
                ("state", &filter.state),
                ("page", page),
            ];
            with_query("/", &query)
        });
        let rows = fit.drain(pager.range()).map(Row::new).collect();
        let refreshes = facts.refreshes.refreshes.iter().take(LAST);
        Self {
            frame,
            sentence: spoken(&facts.fleet.sentence),
            looks,
            rows,
            addresses,
            instances: facts.fleet.totals.instances,
            readers: facts.readers,
            filter,
            pager,
            refreshes: refreshes.map(Line::new).collect(),
        }
    }
}

impl Filter {
    fn fits(&self, group: &Group) -> bool {
        let has_state = || {
            let mut all = Sign::ALL.iter();
            all.any(|sign| sign.state() == self.state && group.counts.of(*sign) > 0)
        };
        (self.text.is_empty() || group.address().contains(&self.text))
            && (self.state.is_empty() || has_state())
    }
}

impl Row {
    fn new(group: Group) -> Self {
        let counts = &group.counts;
        let waiting = [Sign::Told, Sign::Applying, Sign::Restart, Sign::Served];
        let waiting = waiting.iter().map(|sign| counts.of(*sign)).sum();
        let cells = [
            ("live", "ok", counts.of(Sign::Live) + counts.of(Sign::Acked)),
            ("same", "dim", counts.of(Sign::Same)),
            ("waiting", "wait", waiting),
            ("rejected", "bad", counts.of(Sign::Rejected)),
            ("held", "held", counts.of(Sign::Held)),
            ("silent", "dim", counts.of(Sign::Silent)),
        ];
        Self {
            address: group.address(),
            href: group.page(),
            history: group.history(),
            instances: group.instances(""),
            cells: cells
                .map(|(name, class, count)| Cell { name, class, count })
                .into(),
            group,
        }
    }
}

/// As a sentence that stands alone.
pub(super) fn spoken(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().map(char::to_uppercase);
    let is_commit = sentence.starts_with(|first: char| first.is_ascii_hexdigit())
        && sentence
            .split(' ')
            .next()
            .is_some_and(|word| word.len() == 7);
    match first {
        Some(first) if !is_commit => format!("{first}{}.", letters.as_str()),
        _ => format!("{sentence}."),
    }
}
