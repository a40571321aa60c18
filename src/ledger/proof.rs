//! Which acks come with a read.
//!
//! Spring 3.5 acks a refresh whose fetch failed, so an ack alone proves nothing: the instance must have read between the
//! event and its ack. A read that names the instance is proof by itself. A read without a name may be any sibling's, so
//! reads are counted: a read stands for one ack at most, and unless there is one for each ack that may have one, it is
//! unknown whose they were and nobody of these siblings has a proof. Acks before the first such read have none in any case,
//! and do not stand in the way of the others. Reads that are left over may be those of a sibling that read and then failed
//! without an ack, so as long as one is expected to ack, they leave it unknown whose the others were.
//!
//! A read may stand for more that were left out because they only repeat it; then some are left over for certain.
//!
//! A count can be too good: a sibling that starts just then reads, too, and so does a program that asks for the same.
//! Whoever wants to be sure lets its instances name themselves.

use std::collections::{HashMap, VecDeque};

use confbus_protocol::BusId;

use super::{entry::RefreshId, records::ReaderKey};

/// Reads, and acks, of one application that are looked at together.
const MAX_OF_APPLICATION: usize = 1000;
/// Reads and acks of all applications.
const MAX_OF_ALL: usize = 100_000;

/// Reads without a name and acks of those who read without one, by application, while refreshes wait for answers.
#[derive(Debug, Default)]
pub(super) struct Witnesses {
    applications: HashMap<String, Window>,
    seen: usize,
}

#[derive(Debug, Default)]
struct Window {
    reads: VecDeque<SeenRead>,
    acks: VecDeque<SeenAck>,
}

/// A read without a name.
#[derive(Debug, Clone)]
struct SeenRead {
    order: u64,
    key: ReaderKey,
    version: Option<String>,
    /// Others like it were left out, all of them after the same events as this one.
    stands_for_more: bool,
}

/// An ack of an instance that reads without a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeenAck {
    pub(super) instance: BusId,
    pub(super) refresh: RefreshId,
    /// Under which profiles it asks for its configuration.
    pub(super) profiles: String,
    /// When its event went out, in the order of all entries.
    pub(super) published: u64,
    /// When the ack came, in that order.
    pub(super) order: u64,
    /// Versions that stand before its refresh.
    pub(super) outdated: Vec<String>,
}

/// What is now known of an ack.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) instance: BusId,
    pub(super) refresh: RefreshId,
    /// The read that stands for it.
    pub(super) read: Option<FoundRead>,
}

/// A read that stands for an ack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundRead {
    pub(super) version: Option<String>,
    pub(super) key: ReaderKey,
    /// There were more reads than acks, so it may be the read of one who has not acked.
    pub(super) has_spare: bool,
}

impl Witnesses {
    /// Somebody read without a name.
    pub(super) fn read(
        &mut self,
        key: &ReaderKey,
        version: Option<&str>,
        stands_for_more: bool,
        order: u64,
    ) {
        let read = SeenRead {
            order,
            key: key.clone(),
            version: version.map(str::to_owned),
            stands_for_more,
        };
        let window = self.window(&key.coordinates.application);
        if window.reads.len() >= MAX_OF_APPLICATION {
            window.reads.pop_front();
        }
        window.reads.push_back(read);
    }

    /// Somebody acked; what this says of its ack and of those that overlap with it.
    pub(super) fn acked(&mut self, application: &str, ack: SeenAck) -> Vec<Finding> {
        let window = self.window(application);
        if window.acks.len() >= MAX_OF_APPLICATION {
            // A count that leaves acks out would prove too much.
            *window = Window::default();
        }
        window.acks.push_back(ack);
        window.findings()
    }

    /// Under which profiles an application was read since an event, if always under the same.
    pub(super) fn only_profiles(&self, application: &str, published: u64) -> Option<&str> {
        let reads = &self.applications.get(application)?.reads;
        let mut profiles = reads
            .iter()
            .filter(|read| read.order >= published)
            .map(|read| read.key.coordinates.profiles.as_str());
        let first = profiles.next()?;
        profiles.all(|other| other == first).then_some(first)
    }

    /// No refresh waits for an answer any more.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    fn window(&mut self, application: &str) -> &mut Window {
        self.seen += 1;
        if self.seen > MAX_OF_ALL {
            self.forget();
        }
        self.applications.entry(application.to_owned()).or_default()
    }
}

impl Window {
    /// What is known of the newest ack and of those that overlap with it.
    fn findings(&self) -> Vec<Finding> {
        let acks = self.overlapping();
        let reads = self.assign(&acks);
        let may_have_read = |ack: &SeenAck| self.reads.iter().any(|read| read.fits(ack));
        let all_have_one = acks
            .iter()
            .zip(&reads)
            .all(|(ack, read)| read.is_some() || !may_have_read(ack));
        let may_be_theirs = |read: &&SeenRead| acks.iter().any(|ack| read.fits(ack));
        let theirs = || self.reads.iter().filter(may_be_theirs);
        let has_spare = theirs().count() > acks.len() || theirs().any(|read| read.stands_for_more);
        let findings = acks.iter().zip(reads);
        findings
            .map(|(ack, read)| Finding {
                instance: ack.instance.clone(),
                refresh: ack.refresh.clone(),
                read: read
                    .filter(|_| all_have_one)
                    .map(|read| read.found(has_spare)),
            })
            .collect()
    }

    /// The acks whose times from event to ack overlap, directly or through others, with that of the newest; in order.
    fn overlapping(&self) -> Vec<&SeenAck> {
        let Some(newest) = self.acks.back() else {
            return Vec::new();
        };
        let mut overlapping = Vec::new();
        // The newest ends last, so walking back only the beginning moves.
        let mut since = newest.published;
        for ack in self.acks.iter().rev() {
            if ack.order < since {
                break;
            }
            if ack.profiles == newest.profiles {
                since = since.min(ack.published);
                overlapping.push(ack);
            }
        }
        overlapping.reverse();
        overlapping
    }

    /// Gives each read to the ack that ends first of those that it fits; so as many as possible get one.
    fn assign(&self, acks: &[&SeenAck]) -> Vec<Option<&SeenRead>> {
        let mut given = vec![None; acks.len()];
        for read in &self.reads {
            let mut ends = acks.iter().zip(&mut given);
            let first = ends.find(|(ack, given)| given.is_none() && read.fits(ack));
            if let Some((_, given)) = first {
                *given = Some(read);
            }
        }
        given
    }
}

impl SeenRead {
    /// Whether this may be the read of the one who acked.
    fn fits(&self, ack: &SeenAck) -> bool {
        let outdated = |version: &String| {
            version
                .split(',')
                .any(|commit| ack.outdated.iter().any(|old| old == commit))
        };
        (ack.published..ack.order).contains(&self.order)
            && self.key.coordinates.profiles == ack.profiles
            && !self.version.as_ref().is_some_and(outdated)
    }

    fn found(&self, has_spare: bool) -> FoundRead {
        FoundRead {
            version: self.version.clone(),
            key: self.key.clone(),
            has_spare,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::ledger::coordinates::Coordinates;

    /// `p1` publishes event 1, `r` is a read at the new version, `o` one at the old, `d` one under another profile,
    /// `a1` is the ack of event 1 by instance a.
    #[track_caller]
    fn check(steps: &str, expected: &str) {
        let mut witnesses = Witnesses::default();
        let mut published = HashMap::new();
        let mut proven: HashMap<String, bool> = HashMap::new();
        for (step, order) in steps.split_whitespace().zip(1..) {
            let (kind, event) = step.split_at(1);
            match kind {
                "p" => _ = published.insert(event, order),
                "r" => witnesses.read(&reader("default"), Some("new"), false, order),
                "o" => witnesses.read(&reader("default"), Some("old"), false, order),
                "d" => witnesses.read(&reader("dev"), Some("new"), false, order),
                instance => {
                    let ack = SeenAck {
                        instance: BusId::new(format!("orders:8081:{instance}")).unwrap(),
                        refresh: refresh(event),
                        profiles: "default".into(),
                        published: published[event],
                        order,
                        outdated: vec!["old".into()],
                    };
                    for finding in witnesses.acked("orders", ack) {
                        let instance = finding.instance.as_str().chars().last().unwrap();
                        let key = format!("{instance}{}", finding.refresh);
                        proven.insert(key, finding.read.is_some());
                    }
                }
            }
        }
        let mut proven: Vec<_> = proven
            .into_iter()
            .filter(|(_, is)| *is)
            .map(|(key, _)| key)
            .collect();
        proven.sort();
        assert_eq!(proven.join(" "), expected, "{steps}");
    }

    fn reader(profiles: &str) -> ReaderKey {
        ReaderKey {
            coordinates: Coordinates {
                application: "orders".into(),
                profiles: profiles.into(),
                label: None,
            },
            peer: Ipv4Addr::LOCALHOST.into(),
        }
    }

    fn refresh(event: &str) -> RefreshId {
        serde_json::from_value(event.into()).unwrap()
    }

    #[test]
    fn one_instance_needs_one_read_between_event_and_ack() {
        check("p1 r a1", "a1");
        check("p1 a1", "");
        check("r p1 a1", "");
        check("p1 a1 r", "");
        check("p1 o a1", "");
        check("p1 d a1", "");
        check("p1 r r r a1", "a1");
    }

    #[test]
    fn two_instances_need_two_reads() {
        check("p1 r r a1 b1", "a1 b1");
        check("p1 r a1 r b1", "a1 b1");
        check("p1 r o a1 b1", "");
    }

    #[test]
    fn of_two_one_of_whom_did_not_read_nobody_is_proven() {
        check("p1 r a1 b1", "");
        check("p1 r a1 b1 r", "");
    }

    #[test]
    fn an_ack_before_the_first_read_does_not_hurt_the_others() {
        check("p1 a1 r b1", "b1");
        check("p1 a1 r r b1 c1", "b1 c1");
        check("p1 a1 r b1 c1", "");
    }

    #[test]
    fn a_read_stands_for_one_event_only() {
        check("p1 p2 r a1 r a2", "a1 a2");
        check("p1 p2 r a1 a2", "");
        // b fails both times, a reads twice.
        check("p1 p2 r a1 b1 b2 r a2", "");
        check("p1 p2 r r a1 b1 a2 b2", "");
    }

    #[test]
    fn refreshes_one_after_the_other_have_nothing_to_do_with_each_other() {
        check("p1 r a1 b1 p2 r r a2 b2", "a2 b2");
        check("p1 r r a1 b1 p2 r a2 b2", "a1 b1");
    }

    #[test]
    fn reads_are_given_so_that_most_acks_have_one() {
        // The first read fits both events of a, the second only the later one.
        check("p1 r p2 a1 r a2", "a1 a2");
        check("p1 p2 r r a2 a1", "a1 a2");
    }

    #[test]
    fn what_is_forgotten_proves_nothing() {
        let mut witnesses = Witnesses::default();
        witnesses.read(&reader("default"), None, false, 2);
        assert_eq!(witnesses.only_profiles("orders", 2), Some("default"));
        assert_eq!(witnesses.only_profiles("orders", 3), None);
        witnesses.read(&reader("dev"), None, false, 3);
        assert_eq!(witnesses.only_profiles("orders", 2), None);
        witnesses.forget();
        assert_eq!(witnesses.only_profiles("orders", 0), None);
    }

    #[test]
    fn a_read_that_stands_for_more_leaves_some_over() {
        for (stands_for_more, expected) in [(false, false), (true, true)] {
            let mut witnesses = Witnesses::default();
            witnesses.read(&reader("default"), Some("new"), stands_for_more, 2);
            let ack = SeenAck {
                instance: BusId::new("orders:8081:a").unwrap(),
                refresh: refresh("1"),
                profiles: "default".into(),
                published: 1,
                order: 3,
                outdated: Vec::new(),
            };
            let findings = witnesses.acked("orders", ack);
            let read = findings[0].read.as_ref().unwrap();
            assert_eq!(read.has_spare, expected);
        }
    }
}
