use askama::Template;

use super::{
    address::Named,
    commit::Made,
    frame::Frame,
    links::{below, short, with_query},
    moment::Moment,
    pager::Pager,
    refreshes::cause,
};
use crate::{inspection::HistoryView, ledger::HistoryEntry, pins::PinWhat};

/// Moves that one page shows.
const PAGE: usize = 100;

/// What an address was given, and when.
#[derive(Debug, Template)]
#[template(path = "history.html")]
pub(crate) struct HistoryPage {
    pub(super) frame: Frame,
    address: Named,
    rows: Vec<Row>,
    pager: Pager,
}

#[derive(Debug)]
struct Row {
    served: Moment,
    commit: String,
    /// The configuration of that moment.
    href: String,
    keys: String,
    live: usize,
    rejected: usize,
    instances: usize,
    took: String,
    lived: String,
    cause: &'static str,
    made: Option<Made>,
    /// Who pinned or let go, and why.
    pinned: Option<String>,
    refresh: String,
    refresh_href: String,
    diff: Option<String>,
    pin: String,
}

impl HistoryPage {
    pub(crate) fn new(frame: Frame, view: &HistoryView, page: usize) -> Self {
        let address = Named::of(&view.address);
        let pager = Pager::new(view.entries.len(), page, PAGE, |page| {
            address.part("history", &[("page", page)])
        });
        let rows = view.entries[pager.range()].iter();
        Self {
            rows: rows.map(|entry| Row::new(&address, entry)).collect(),
            frame,
            pager,
            address,
        }
    }
}

impl Row {
    fn new(address: &Named, entry: &HistoryEntry) -> Self {
        let at = |commit: &str| address.at(commit);
        let diff = entry.before.as_deref().map(|before| {
            let (from, to) = (at(before).text(), at(&entry.commit).text());
            with_query("/diff", &[("from", &from), ("to", &to)])
        });
        Self {
            served: Moment::of(&entry.served_from),
            commit: short(&entry.commit),
            href: at(&entry.commit).page(&[]),
            keys: entry
                .keys
                .map_or_else(|| "?".to_owned(), |keys| keys.to_string()),
            live: entry.live,
            rejected: entry.rejected,
            instances: entry.instances,
            took: entry
                .took_seconds
                .map(|took| format!("{took:.2} s"))
                .unwrap_or_default(),
            lived: span(entry.lived_seconds),
            cause: entry
                .pin
                .as_ref()
                .map_or_else(|| cause(entry.trigger), |step| pin_cause(step.what)),
            pinned: entry
                .pin
                .as_ref()
                .map(|step| format!("{}: {}", step.by, step.reason)),
            made: entry.authorship.as_ref().map(Made::by),
            refresh: entry.refresh.clone(),
            refresh_href: below("/refreshes", &entry.refresh),
            diff,
            pin: address.pin(&entry.commit),
        }
    }
}

fn pin_cause(what: PinWhat) -> &'static str {
    match what {
        PinWhat::Pinned => "pinned",
        PinWhat::Released => "let go",
        PinWhat::Ended => "pin ended",
    }
}

/// To the minute, so that a page is not another one each second.
fn span(seconds: f64) -> String {
    match std::time::Duration::try_from_secs_f64(seconds)
        .unwrap_or_default()
        .as_secs()
        / 60
    {
        0 => "less than a minute".to_owned(),
        minutes @ 1..60 => format!("{minutes} min"),
        minutes @ 60..1440 => format!("{} h {} min", minutes / 60, minutes % 60),
        minutes => format!("{} d {} h", minutes / 1440, minutes / 60 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_to_the_minute() {
        for (seconds, expected) in [
            (-1.0, "less than a minute"),
            (61.5, "1 min"),
            (3700.0, "1 h 1 min"),
            (240_000.0, "2 d 18 h"),
        ] {
            assert_eq!(span(seconds), expected);
        }
    }
}
