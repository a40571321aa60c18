use askama::Template;

use super::{
    links::{app, short, with_query},
    sign::Sign,
};
use crate::ledger::{Column, FleetPart, FleetSummary};

/// Signs that a strip shows, at most; more instances share them.
const LONGEST_STRIP: usize = 200;

/// How many instances stand where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts([usize; Sign::ALL.len()]);

/// All who ask for the same.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) application: String,
    pub(super) profiles: String,
    pub(super) label: Option<String>,
    pub(super) counts: Counts,
    /// What each of them should have; nothing where that is not the same for all.
    pub(super) wanted: Option<String>,
    /// Why some refused it.
    pub(super) reason: Option<String>,
}

/// One sign for each instance, the worst at the right edge.
#[derive(Debug, Template)]
#[template(path = "strip.html")]
pub(super) struct Strip {
    runs: Vec<(&'static str, String)>,
    label: String,
}

/// It is markup already.
impl askama::filters::HtmlSafe for Strip {}

impl Counts {
    pub(super) fn add(&mut self, sign: Sign) {
        self.add_many(sign, 1);
    }

    pub(super) fn add_many(&mut self, sign: Sign, instances: usize) {
        self.0[sign as usize] += instances;
    }

    pub(super) fn of(&self, sign: Sign) -> usize {
        self.0[sign as usize]
    }

    pub(super) fn all(&self) -> usize {
        self.0.iter().sum()
    }

    /// Those that run the wanted content, as far as anybody can know.
    pub(super) fn live(&self) -> usize {
        [Sign::Live, Sign::Acked, Sign::Same, Sign::Restart]
            .iter()
            .map(|sign| self.of(*sign))
            .sum()
    }

    pub(super) fn strip(&self) -> Strip {
        let all = self.all().max(1);
        let length = all.min(LONGEST_STRIP);
        let shown = |sign: &Sign| {
            let count = self.of(*sign);
            // One that is there is never rounded away.
            (count > 0).then(|| (count * length / all).max(1))
        };
        let runs = Sign::ALL.iter().filter_map(|sign| {
            let marks = shown(sign)?;
            Some((sign.class(), sign.mark().to_string().repeat(marks)))
        });
        Strip {
            runs: runs.collect(),
            label: self.told(),
        }
    }

    /// `47 live, 3 rejected`.
    pub(super) fn told(&self) -> String {
        let counted = Sign::ALL.iter().filter(|sign| self.of(**sign) > 0);
        let parts: Vec<_> = counted
            .map(|sign| format!("{} {}", self.of(*sign), sign.word()))
            .collect();
        if parts.is_empty() {
            return "no instance".to_owned();
        }
        parts.join(", ")
    }
}

impl Group {
    fn new(part: &FleetPart) -> Self {
        let mut counts = Counts::default();
        for (place, instances) in &part.places {
            let is_held = place.counts_as == Column::Held;
            let sign = Sign::of(place.state, place.evidence, is_held);
            counts.add_many(sign, *instances);
        }
        Self {
            application: part.application.clone(),
            profiles: part.profiles.clone(),
            label: part.label.clone(),
            counts,
            wanted: part.wanted.clone(),
            reason: part.reason.clone(),
        }
    }

    /// `shop/prod` or `shop/prod@main`.
    pub(super) fn address(&self) -> String {
        let (application, profiles) = (&self.application, &self.profiles);
        match &self.label {
            Some(label) => format!("{application}/{profiles}@{label}"),
            None => format!("{application}/{profiles}"),
        }
    }

    /// What it is given.
    pub(super) fn page(&self) -> String {
        let label = self.label.as_deref().unwrap_or_default();
        with_query(&app(&self.application, &self.profiles), &[("label", label)])
    }

    /// What it was given, and when.
    pub(super) fn history(&self) -> String {
        let label = self.label.as_deref().unwrap_or_default();
        let page = app(&self.application, &self.profiles);
        with_query(&format!("{page}/history"), &[("label", label)])
    }

    /// Its instances, or those of them in this state.
    pub(super) fn instances(&self, state: &str) -> String {
        let query = [
            ("application", self.application.as_str()),
            ("profile", &self.profiles),
            ("state", state),
        ];
        with_query("/instances", &query)
    }

    pub(super) fn short_wanted(&self) -> String {
        self.wanted
            .as_deref()
            .map_or_else(|| "several".to_owned(), short)
    }
}

/// Who asks for the same, in the order of their names.
pub(super) fn groups(fleet: &FleetSummary) -> Vec<Group> {
    fleet.parts.iter().map(Group::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_are_bounded_and_lose_nobody() {
        let mut counts = Counts::default();
        assert_eq!(counts.told(), "no instance");
        (0..9_999).for_each(|_| counts.add(Sign::Live));
        counts.add(Sign::Rejected);
        let strip = counts.strip();
        assert_eq!(strip.label, "9999 live, 1 rejected");
        assert_eq!(strip.runs.last(), Some(&("bad", "✗".to_owned())));
        let marks: usize = strip.runs.iter().map(|(_, run)| run.chars().count()).sum();
        assert!(marks <= LONGEST_STRIP + Sign::ALL.len(), "{marks}");
        assert_eq!(counts.live(), 9_999);
    }
}
