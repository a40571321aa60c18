use askama::Template;

use super::{
    frame::Frame,
    links::{below, short, with_query},
    moment::Moment,
    overview::spoken,
    pager::Pager,
    sign::{Sign, told_by},
};
use crate::ledger::{FleetApplication, FleetInstance, FleetView, InstanceView, ReaderView};

/// Instances that one page shows.
pub(super) const PAGE: usize = 100;

/// Instances, and who only reads.
#[derive(Debug, Template)]
#[template(path = "instances.html")]
pub(crate) struct InstancesPage {
    pub(super) frame: Frame,
    sentence: String,
    filter: Filter,
    states: [&'static str; 9],
    rows: Vec<Row>,
    pager: Pager,
    readers: Vec<Reader>,
    more_readers: usize,
}

/// Which instances are wanted; what is empty is any.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) application: String,
    pub(crate) profile: String,
    pub(crate) state: String,
    pub(crate) page: usize,
}

/// One process.
#[derive(Debug, Template)]
#[template(path = "instance.html")]
pub(crate) struct InstancePage {
    pub(super) frame: Frame,
    row: Row,
    meaning: &'static str,
    evidence: &'static str,
    label: Option<String>,
    wanted: String,
    fetched: String,
    restart: Vec<String>,
    transport: String,
    refresh: Option<(String, String)>,
    siblings: String,
    pin: String,
}

#[derive(Debug)]
struct Row {
    id: String,
    href: String,
    address: String,
    class: &'static str,
    mark: char,
    word: &'static str,
    evidence: &'static str,
    applied: String,
    reason: Option<String>,
    last_sign: Moment,
}

#[derive(Debug)]
struct Reader {
    address: String,
    peer: String,
    served: String,
    last_read: Moment,
}

impl InstancesPage {
    /// `fleet` is the part that the filter names, but for the state.
    pub(crate) fn new(
        frame: Frame,
        fleet: &FleetView,
        readers: &[ReaderView],
        filter: Filter,
    ) -> Self {
        let parts = fleet.applications.iter();
        let all = parts.flat_map(|part| part.instances.iter().map(move |one| (part, one)));
        let fit: Vec<_> = all.filter(|(_, one)| filter.fits(one)).collect();
        let pager = Pager::new(fit.len(), filter.page, PAGE, |page| filter.link(page));
        let rows = fit[pager.range()].iter();
        let readers: Vec<_> = readers
            .iter()
            .filter(|reader| filter.has(&reader.application, &reader.profiles))
            .collect();
        let shown = readers.iter().take(PAGE).map(|reader| Reader {
            address: address(
                &reader.application,
                &reader.profiles,
                reader.label.as_deref(),
            ),
            peer: reader.peer.to_string(),
            served: known(reader.served.as_deref()),
            last_read: Moment::of(&reader.last_read),
        });
        Self {
            frame,
            sentence: spoken(&fleet.sentence),
            states: [
                "live", "same", "restart", "applying", "told", "served", "silent", "held",
                "rejected",
            ],
            rows: rows.map(|(part, one)| Row::of(part, one)).collect(),
            pager,
            readers: shown.collect(),
            more_readers: readers.len().saturating_sub(PAGE),
            filter,
        }
    }
}

impl Filter {
    /// Whether readers are wanted as well, who have no state.
    pub(crate) fn has_readers(&self) -> bool {
        self.state.is_empty() && self.page <= 1
    }

    fn fits(&self, instance: &FleetInstance) -> bool {
        self.state.is_empty() || self.state == Sign::of_instance(instance).state()
    }

    fn has(&self, application: &str, profiles: &str) -> bool {
        let names = |list: &str, name: &str| list.split(',').any(|one| one.trim() == name);
        let is_any =
            |wanted: &str, list: &str| wanted.is_empty() || wanted == list || names(list, wanted);
        is_any(&self.application, application) && is_any(&self.profile, profiles)
    }

    fn link(&self, page: &str) -> String {
        let query = [
            ("application", self.application.as_str()),
            ("profile", &self.profile),
            ("state", &self.state),
            ("page", page),
        ];
        with_query("/instances", &query)
    }
}

impl InstancePage {
    pub(crate) fn new(frame: Frame, instance: &InstanceView) -> Self {
        let sign = Sign::of(instance.state, instance.evidence, false);
        let refresh = instance.refresh.clone();
        let query = [
            ("application", instance.application.as_str()),
            ("profile", &instance.profiles),
        ];
        Self {
            frame,
            row: Row::new(instance),
            meaning: sign.meaning(),
            evidence: told_by(instance.evidence),
            label: instance.label.clone(),
            wanted: known(instance.wanted.as_deref()),
            fetched: known(instance.fetched.as_deref()),
            restart: instance.restart.clone(),
            transport: instance.transport.clone().unwrap_or_default(),
            refresh: refresh.map(|id| (below("/refreshes", &id), id)),
            siblings: with_query("/instances", &query),
            pin: with_query("/pin", &query),
        }
    }
}

impl Row {
    fn of(part: &FleetApplication, instance: &FleetInstance) -> Self {
        let sign = Sign::of_instance(instance);
        let id = instance.id.as_str();
        Self {
            id: id.to_owned(),
            href: below("/instances", id),
            address: address(
                &part.application,
                &part.profiles.join(","),
                part.label.as_deref(),
            ),
            class: sign.class(),
            mark: sign.mark(),
            word: sign.word(),
            evidence: told_by(instance.evidence),
            applied: known(instance.runs.as_deref()),
            reason: instance
                .rejection
                .as_ref()
                .map(|rejection| rejection.message.clone()),
            last_sign: Moment::of(&instance.last_sign),
        }
    }

    fn new(instance: &InstanceView) -> Self {
        let sign = Sign::of(instance.state, instance.evidence, false);
        let id = instance.instance.as_str();
        Self {
            id: id.to_owned(),
            href: below("/instances", id),
            address: address(
                &instance.application,
                &instance.profiles,
                instance.label.as_deref(),
            ),
            class: sign.class(),
            mark: sign.mark(),
            word: sign.word(),
            evidence: told_by(instance.evidence),
            applied: known(instance.applied.as_deref()),
            reason: instance.reason.clone(),
            last_sign: Moment::of(&instance.last_sign),
        }
    }
}

fn known(commit: Option<&str>) -> String {
    commit.map_or_else(|| "–".to_owned(), short)
}

fn address(application: &str, profiles: &str, label: Option<&str>) -> String {
    match label {
        Some(label) => format!("{application}/{profiles}@{label}"),
        None => format!("{application}/{profiles}"),
    }
}
