mod acks;
mod counts;
mod departures;
mod learn;
mod refreshes;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use confbus_protocol::{BusEvent, BusId, EventKind, Outcome, Report};
use confbus_resolution::EnvironmentRequest;

use super::{
    coordinates::{Coordinates, LONGEST_TEXT, shortened},
    entry::{Entry, Read},
    fleet::Fleet,
    instance::{Applied, Fetched, Rejected},
    news::Untold,
    proof::Witnesses,
    records::{Reader, ReaderKey, Records, make_room},
    refresh::What,
    state::{Evidence, State},
};
use counts::Counts;
use departures::Departures;

/// How long a refresh waits for answers.
const LONGEST_ANSWER: i64 = 10 * 60 * 1000;
/// Whoever is silent for so long is gone.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// Turns entries into records; knows no clock and no file.
#[derive(Debug)]
pub(super) struct Book {
    own: BusId,
    records: Records,
    /// The records as they were shown last, as long as they are the same.
    shown: Option<Arc<Records>>,
    witnesses: Witnesses,
    /// When the last event went out.
    published: Option<i64>,
    pub(super) counts: Counts,
    departures: Departures,
    /// What other servers have yet to hear; nothing where there are none.
    pub(super) untold: Option<Untold>,
    /// Since the last save.
    pub(super) changes: Changes,
    /// Somebody asked for coordinates that nobody had asked for before.
    pub(super) has_new_coordinates: bool,
}

/// What a save would be worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Changes {
    /// Nothing.
    None,
    /// Times of known signs.
    Signs,
    /// Something new.
    Facts,
}

impl Book {
    pub(super) fn new(own: BusId, records: Records) -> Self {
        Self {
            own,
            records,
            shown: None,
            witnesses: Witnesses::default(),
            published: None,
            counts: Counts::default(),
            departures: Departures::default(),
            untold: None,
            changes: Changes::None,
            has_new_coordinates: false,
        }
    }

    /// Whose configuration was asked for.
    pub(super) fn known(&self) -> Vec<EnvironmentRequest> {
        let known = self.records.coordinates.keys();
        known.filter_map(Coordinates::request).collect()
    }

    /// How many instances are known.
    pub(super) fn instances(&self) -> usize {
        self.records.instances.len()
    }

    /// Those that still answer, by their applications.
    pub(super) fn fleet(&self, now: i64) -> Fleet {
        let instances = self.records.instances.values();
        instances
            .filter(|instance| !instance.is_silent(now))
            .collect()
    }

    pub(super) fn records(&self) -> &Records {
        &self.records
    }

    /// Writes down what happened; `now` in milliseconds since 1970.
    pub(super) fn write(&mut self, entry: Entry, now: i64) {
        // Nobody may wait for the answer any more.
        let entry = match entry {
            Entry::Show(reply) => {
                _ = reply.send(self.shown());
                return;
            }
            Entry::Tell(what, reply) => {
                _ = reply.send(self.tell(what, now));
                return;
            }
            entry => entry,
        };
        self.shown = None;
        self.records.order += 1;
        self.note_untold(&entry, now);
        match entry {
            Entry::Read(read) => self.read(read, now),
            Entry::Reported(report) => self.reported(report, now),
            Entry::Started(id, started) => self.started(id, started, now),
            Entry::Noted(id, noted) => self.noted(&id, noted, now),
            Entry::Heard(event) => self.heard(&event, now),
            Entry::Unchanged { request, from, to } => {
                let known = Coordinates::of_request(&request)
                    .and_then(|coordinates| self.records.contents_mut(&coordinates));
                if let Some(contents) = known {
                    contents.unchanged(&from.to_string(), &to.to_string());
                    self.changes = Changes::Facts;
                }
            }
            Entry::Learnt(news, place) => {
                self.learn(*news, now);
                drop(place);
            }
            // That is all, above.
            Entry::Show(_) | Entry::Tell(..) => {}
        }
    }

    /// The records, made once for all who ask before anything else is written.
    fn shown(&mut self) -> Arc<Records> {
        let records = &self.records;
        let shown = self.shown.get_or_insert_with(|| Arc::new(records.clone()));
        Arc::clone(shown)
    }

    /// Forgets what is too old.
    pub(super) fn forget(&mut self, now: i64) {
        if self.published.is_some_and(|at| now - at > LONGEST_ANSWER) {
            self.witnesses.forget();
            self.published = None;
        }
        self.counts.finish(&self.records, now);
        self.departures.forget(now);
        let instances = &mut self.records.instances;
        let before = instances.len();
        instances.retain(|_, instance| !instance.is_silent_for(DAY, now));
        if instances.len() < before {
            self.shown = None;
            self.changes = Changes::Facts;
        }
    }

    fn read(&mut self, read: Read, now: i64) {
        let Some(coordinates) = Coordinates::of_request(&read.answered.request) else {
            return;
        };
        let (_, is_new) = self.records.asked_for(&coordinates, now);
        self.has_new_coordinates |= is_new;
        let worth = if is_new {
            Changes::Facts
        } else {
            Changes::Signs
        };
        self.changes = self.changes.max(worth);
        let version = read.answered.version.clone().map(shortened);
        match read.instance.as_ref().filter(|id| is_short(id)) {
            Some(id) => self.named_read(id, coordinates, version, read.running, now),
            None => self.nameless_read(coordinates, version, &read, now),
        }
    }

    fn named_read(
        &mut self,
        id: &BusId,
        coordinates: Coordinates,
        version: Option<String>,
        running: Option<String>,
        now: i64,
    ) {
        let order = self.records.order;
        let application = coordinates.application.clone();
        let running = running.map(shortened);
        let content = running
            .as_deref()
            .map(|running| self.records.asked_for(&coordinates, now).0.of(running));
        let instance = self.records.instance_mut(id, now, || coordinates.clone());
        instance.asks_for(coordinates);
        instance.names_itself = true;
        instance.gives_sign(now);
        let is_news = instance
            .fetched
            .as_ref()
            .is_none_or(|fetched| fetched.version != version);
        if is_news {
            self.changes = Changes::Facts;
        }
        instance.fetched = Some(Fetched {
            version: version.clone(),
            order,
            at: now,
        });
        if let Some(running) = &running {
            instance.reports = true;
            instance.runs(running, content, now);
        }
        let reports = instance.reports;
        let (state, evidence) = match reports {
            true if running.is_some() && running == version => (State::Live, Evidence::Report),
            true => (State::Applying, Evidence::Read),
            false => (State::Served, Evidence::Read),
        };
        for refresh in self.records.waiting_for(id) {
            if refresh.is_served_by(version.as_deref()) {
                if is_news {
                    refresh.happened(What::Fetched, Some(id), version.clone(), now);
                }
                if evidence == Evidence::Report {
                    self.counts
                        .answered(refresh, &application, state, "report", now);
                }
                refresh.answered(id, state, evidence);
                self.changes = Changes::Facts;
            }
        }
    }

    fn nameless_read(
        &mut self,
        coordinates: Coordinates,
        version: Option<String>,
        read: &Read,
        now: i64,
    ) {
        let key = ReaderKey {
            coordinates,
            peer: read.peer,
        };
        if read.answered.is_environment && self.published.is_some() {
            let order = self.records.order;
            self.witnesses
                .read(&key, version.as_deref(), read.stands_for_more, order);
        }
        if !self.records.readers.contains_key(&key) {
            make_room(&mut self.records.readers, |reader| reader.last_read);
            self.changes = Changes::Facts;
        }
        let reader = Reader {
            served: version,
            last_read: now,
        };
        self.records.readers.insert(key, reader);
    }

    fn reported(&mut self, report: Report, now: i64) {
        let coordinates = Coordinates::of_report(&report);
        let Some(coordinates) = coordinates.filter(|_| is_short(&report.instance)) else {
            return;
        };
        self.changes = Changes::Facts;
        if report.outcome == Outcome::Leaving {
            return self.left(&report.instance, now);
        }
        let (contents, is_new) = self.records.asked_for(&coordinates, now);
        self.has_new_coordinates |= is_new;
        let content = report
            .version
            .as_deref()
            .map(|version| contents.of(version));
        let running = report.running.as_deref();
        let running_content = running.map(|running| contents.of(running));
        let id = report.instance;
        let instance = self.records.instance_mut(&id, now, || coordinates.clone());
        instance.asks_for(coordinates);
        instance.reports = true;
        instance.gives_sign(now);
        instance.transport = report.transport;
        instance.poll_seconds = report.poll_seconds;
        let (state, what, detail) = match report.outcome {
            Outcome::Applied { restart } => {
                let is_whole = restart.is_empty();
                instance.rejected = None;
                instance.applied = Some(Applied {
                    version: report.version.clone(),
                    content,
                    restart: restart.into_iter().map(shortened).collect(),
                    evidence: Evidence::Report,
                    at: now,
                });
                let state = if is_whole {
                    State::Live
                } else {
                    State::Restart
                };
                (state, What::Applied, report.version.clone())
            }
            Outcome::Rejected { reason } => {
                // It ran, and then something was bound that it does not fit.
                let is_refused = |applied: &mut Applied| {
                    applied.version == report.version && running != applied.version.as_deref()
                };
                instance.applied.take_if(is_refused);
                if let Some(running) = running {
                    instance.runs(running, running_content, now);
                }
                let reason = shortened(reason);
                self.counts.fleet.rejected(&report.application, &reason);
                instance.rejected = Some(Rejected {
                    version: report.version.clone(),
                    content,
                    reason: reason.clone(),
                    at: now,
                });
                (State::Rejected, What::Rejected, Some(reason))
            }
            // That is all, above.
            Outcome::Leaving => return,
        };
        for refresh in self.records.waiting_for(&id) {
            if refresh.is_served_by(report.version.as_deref()) {
                self.counts
                    .answered(refresh, &report.application, state, "report", now);
                refresh.answered(&id, state, Evidence::Report);
                refresh.happened(what, Some(&id), detail.clone(), now);
            }
        }
    }

    fn heard(&mut self, event: &BusEvent, now: i64) {
        match &event.kind {
            EventKind::Refresh => self.others_refresh(event, now),
            EventKind::Ack { ack_id, .. } => self.acked(event, ack_id.as_deref(), now),
            EventKind::EnvironmentChange { .. }
            | EventKind::Shutdown
            | EventKind::Ledger { .. }
            | EventKind::Unknown { .. } => {}
        }
    }
}

fn is_short(id: &BusId) -> bool {
    id.as_str().len() <= LONGEST_TEXT
}
