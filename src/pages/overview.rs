use askama::Template;

use super::{
    fleet::{Counts, Group, groups},
    frame::Frame,
    links::{below, short, with_query},
    moment::Moment,
    refreshes::Line,
    sentence::sentence,
    sign::Sign,
};
use crate::{
    ledger::{InstancesView, RefreshesView},
    pins::Pin,
    waves::WaveView,
};

/// Applications that one page shows.
const PAGE: usize = 100;
/// Matters that need a look, each of a kind.
const MOST_LOOKS: usize = 20;
/// Refreshes that the overview shows.
const LAST: usize = 5;

/// The first page: who runs what, and what needs a look.
#[derive(Debug, Template)]
#[template(path = "overview.html")]
pub(crate) struct Overview {
    frame: Frame,
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
    pub(crate) instances: &'f InstancesView,
    pub(crate) refreshes: &'f RefreshesView,
    pub(crate) pins: Vec<&'f Pin>,
    pub(crate) waves: Vec<WaveView>,
    pub(crate) troubles: Vec<Trouble>,
}

/// One matter that needs a look.
#[derive(Debug)]
struct Look {
    class: &'static str,
    mark: char,
    address: String,
    text: String,
    until: Option<Moment>,
    href: String,
    link: &'static str,
}

/// One address.
#[derive(Debug)]
struct Row {
    address: String,
    href: String,
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

/// Where in a long list a page is.
#[derive(Debug)]
pub(super) struct Pager {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) all: usize,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

impl Overview {
    pub(crate) fn new(frame: Frame, facts: &Facts<'_>, filter: Filter) -> Self {
        let instances = &facts.instances.instances;
        let all = groups(instances);
        let sentence = whole_sentence(&all);
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
            sentence,
            looks,
            rows,
            addresses,
            instances: instances.len(),
            readers: facts.instances.readers.len(),
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
            ("silent", "dim", counts.of(Sign::Silent)),
        ];
        Self {
            address: group.address(),
            href: group.instances(""),
            cells: cells
                .map(|(name, class, count)| Cell { name, class, count })
                .into(),
            group,
        }
    }
}

impl Pager {
    /// `link` makes the address of a page.
    pub(super) fn new(all: usize, page: usize, size: usize, link: impl Fn(&str) -> String) -> Self {
        let pages = all.div_ceil(size).max(1);
        let page = page.clamp(1, pages);
        let first = (page - 1) * size;
        let to = |page: usize| link(&page.to_string());
        Self {
            first: first + usize::from(all > 0),
            last: (first + size).min(all),
            all,
            before: (page > 1).then(|| to(page - 1)),
            after: (page < pages).then(|| to(page + 1)),
        }
    }

    pub(super) fn range(&self) -> std::ops::Range<usize> {
        self.first.saturating_sub(1)..self.last
    }

    pub(super) fn is_one(&self) -> bool {
        self.before.is_none() && self.after.is_none()
    }
}

/// About all; it names a commit where everybody should have the same one.
fn whole_sentence(groups: &[Group]) -> String {
    let mut counts = Counts::default();
    for group in groups {
        counts.add_all(&group.counts);
    }
    let first = groups.first().and_then(|group| group.wanted.as_deref());
    let is_same = groups.iter().all(|group| group.wanted.as_deref() == first);
    sentence(&counts, first.filter(|_| is_same))
}

fn looks(held: usize, groups: &[Group], facts: &Facts<'_>) -> Vec<Look> {
    let held = (held > 0).then(|| Look::of_held(held));
    let troubles = facts.troubles.iter().map(Look::of_trouble);
    let rejections = groups.iter().filter_map(Look::of_rejection);
    let waves = facts.waves.iter().filter_map(Look::of_wave);
    let pins = facts.pins.iter().map(|pin| Look::of_pin(pin));
    let silences = groups.iter().filter_map(Look::of_silence);
    troubles
        .take(MOST_LOOKS)
        .chain(held)
        .chain(rejections.take(MOST_LOOKS))
        .chain(waves.take(MOST_LOOKS))
        .chain(pins.take(MOST_LOOKS))
        .chain(silences.take(MOST_LOOKS))
        .collect()
}

impl Look {
    fn of_trouble(trouble: &Trouble) -> Self {
        let serving = trouble.serving.as_deref().map(short);
        let serving = match serving {
            Some(commit) => format!("Serving {commit}"),
            None => "Nothing is served".to_owned(),
        };
        let age = trouble
            .seconds
            .map(|seconds| format!(", unconfirmed for {} min", seconds / 60))
            .unwrap_or_default();
        Self {
            class: "wait",
            mark: '!',
            address: trouble.repository.clone(),
            text: format!(
                "{serving}{age}: {}. Reads are not affected.",
                trouble.error.trim_end_matches('.')
            ),
            until: None,
            href: "/delivery".to_owned(),
            link: "delivery",
        }
    }

    fn of_held(problems: usize) -> Self {
        let what = if problems == 1 {
            "1 problem in them is".to_owned()
        } else {
            format!("{problems} problems in them are")
        };
        Self {
            class: "held",
            mark: '‖',
            address: "Files held back".to_owned(),
            text: format!("{what} to be mended; whoever needs them is given the last good version"),
            until: None,
            href: "/quarantine".to_owned(),
            link: "quarantine",
        }
    }

    fn of_rejection(group: &Group) -> Option<Self> {
        let rejected = group.counts.of(Sign::Rejected);
        let reason = group.reason.as_deref().unwrap_or("no reason was given");
        (rejected > 0).then(|| Self {
            class: "bad",
            mark: Sign::Rejected.mark(),
            address: group.address(),
            text: format!(
                "{rejected} of {} rejected {}: {reason}",
                group.counts.all(),
                group.short_wanted()
            ),
            until: None,
            href: group.instances("rejected"),
            link: "instances",
        })
    }

    fn of_wave(wave: &WaveView) -> Option<Self> {
        let reason = wave.reason.as_deref().unwrap_or_default();
        let is_slow = wave.overdue;
        (is_slow || !reason.is_empty()).then(|| Self {
            class: "wait",
            mark: '◐',
            address: wave.address().to_string(),
            text: format!(
                "{} reached {} %{}{reason}",
                short(&wave.commit),
                wave.percent,
                if reason.is_empty() {
                    " and takes longer than it should"
                } else {
                    " and stands still: "
                }
            ),
            until: None,
            href: with_query(
                "/instances",
                &[("application", &wave.address().application)],
            ),
            link: "instances",
        })
    }

    fn of_pin(pin: &Pin) -> Self {
        Self {
            class: "held",
            mark: '‖',
            address: pin.address.to_string(),
            text: format!(
                "pinned to {} by {}: {}; ends",
                pin.commit.short(),
                pin.by,
                pin.reason
            ),
            until: Some(Moment::of_millis(pin.until)),
            href: format!("{}/release", below("/pins", &pin.id)),
            link: "let go…",
        }
    }

    fn of_silence(group: &Group) -> Option<Self> {
        let silent = group.counts.of(Sign::Silent);
        (silent > 0).then(|| Self {
            class: "dim",
            mark: Sign::Silent.mark(),
            address: group.address(),
            text: if silent == 1 {
                "1 instance gives no sign any more".to_owned()
            } else {
                format!("{silent} instances give no sign any more")
            },
            until: None,
            href: group.instances("silent"),
            link: "instances",
        })
    }
}
