use std::sync::Arc;

use confbus_resolution::EnvironmentRequest;
use serde::Serialize;

use super::{Pin, PinError, now};

/// More of them are refused: a pin is for an emergency, and every read that misses looks through all.
pub(super) const MAX_PINS: usize = 200;

/// Pins, the most specific first, of those the newest.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct List(Vec<Arc<Pin>>);

impl List {
    pub(crate) fn of(pins: Vec<Pin>) -> Self {
        let mut list = Self(pins.into_iter().take(MAX_PINS).map(Arc::new).collect());
        list.sort();
        list
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Pin>> {
        self.0.iter()
    }

    /// The one that decides.
    pub(super) fn holding(
        &self,
        request: &EnvironmentRequest,
        repository: &str,
    ) -> Option<&Arc<Pin>> {
        self.iter()
            .find(|pin| pin.repository == repository && pin.address.holds(request))
    }

    pub(super) fn by_id(&self, id: &str) -> Option<&Arc<Pin>> {
        self.iter().find(|pin| pin.id == id)
    }

    /// With one more, in place of the one that the same address has.
    pub(super) fn with(&self, pin: Arc<Pin>) -> Result<Self, PinError> {
        let mut next = self.without(|other| pin.replaces(other));
        if next.0.len() >= MAX_PINS {
            return Err(PinError::TooMany);
        }
        next.0.push(pin);
        next.sort();
        Ok(next)
    }

    pub(super) fn without(&self, goes: impl Fn(&Pin) -> bool) -> Self {
        Self(self.iter().filter(|pin| !goes(pin)).cloned().collect())
    }

    /// Those that go on, and those whose time is over.
    pub(super) fn split(&self, now: i64) -> (Self, Vec<Arc<Pin>>) {
        let ended = self.iter().filter(|pin| pin.is_over(now));
        (
            self.without(|pin| pin.is_over(now)),
            ended.cloned().collect(),
        )
    }

    /// How long until the next one ends, or is to be said again after a look at this time; in milliseconds.
    pub(super) fn next(&self, looked: i64) -> Option<u64> {
        let next = |pin: &Arc<Pin>| pin.next_reminder(looked).unwrap_or(pin.until);
        let next = self.iter().map(next).min()?;
        Some(u64::try_from(next.saturating_sub(now())).unwrap_or_default())
    }

    fn sort(&mut self) {
        self.0
            .sort_by_key(|pin| std::cmp::Reverse((pin.address.specificity(), pin.since)));
    }
}

#[cfg(test)]
mod tests {
    use confbus_protocol::CommitId;

    use super::{super::Address, *};

    fn pin(number: u8, profile: Option<&str>, label: Option<&str>) -> Pin {
        Pin {
            id: number.to_string(),
            address: Address {
                application: "orders".into(),
                profile: profile.map(str::to_owned),
                label: label.map(str::to_owned),
            },
            repository: "repo".into(),
            commit: CommitId::from_bytes([number; 20]),
            reason: "INC-812".into(),
            by: "jo".into(),
            since: number.into(),
            until: 10 * i64::from(number),
        }
    }

    fn decides(list: &List, profile: &str, label: &str) -> Option<String> {
        let request = pin(0, Some(profile), Some(label)).address.request();
        let pin = list.holding(&request.unwrap(), "repo")?;
        Some(pin.id.clone())
    }

    #[test]
    fn the_most_specific_pin_decides_and_then_the_newest() {
        let list = List::of(vec![
            pin(1, Some("dev"), Some("main")),
            pin(2, None, None),
            pin(3, Some("dev"), None),
            pin(4, None, Some("main")),
        ]);
        for (profile, label, expected) in [
            ("dev", "main", "1"),
            ("dev", "next", "3"),
            ("dev,cloud", "next", "3"),
            ("prod", "main", "4"),
            ("prod", "next", "2"),
        ] {
            assert_eq!(decides(&list, profile, label).as_deref(), Some(expected));
        }
        let older = list.without(|pin| pin.id == "1");
        assert_eq!(decides(&older, "dev", "main").as_deref(), Some("4"));
        let request = pin(0, None, Some("main")).address.request().unwrap();
        assert!(list.holding(&request, "another").is_none());
    }

    #[test]
    fn an_address_has_one_pin() {
        let list = List::default();
        let list = list.with(Arc::new(pin(1, Some("dev"), None))).unwrap();
        let list = list.with(Arc::new(pin(2, Some("dev"), None))).unwrap();
        assert_eq!(list.iter().count(), 1);
        assert_eq!(decides(&list, "dev", "main").as_deref(), Some("2"));
        assert!(list.by_id("1").is_none() && list.by_id("2").is_some());
    }

    #[test]
    fn there_are_only_so_many() {
        let profile = |number: usize| Pin {
            address: Address {
                profile: Some(format!("p{number}")),
                ..pin(1, None, None).address
            },
            ..pin(1, None, None)
        };
        let list = List::of((0..MAX_PINS).map(profile).collect());
        let one_more = list.with(Arc::new(profile(MAX_PINS)));
        assert!(matches!(one_more, Err(PinError::TooMany)));
        assert!(list.with(Arc::new(profile(0))).is_ok(), "it takes a place");
    }

    #[test]
    fn each_ends_at_its_time() {
        let list = List::of(vec![pin(1, None, None), pin(2, Some("dev"), None)]);
        let ids = |pins: &[Arc<Pin>]| pins.iter().map(|pin| pin.id.clone()).collect::<Vec<_>>();
        for (now, over) in [(9, vec![]), (10, vec!["1"]), (20, vec!["2", "1"])] {
            let (held, ended) = list.split(now);
            assert_eq!(ids(&ended), over, "{now}");
            assert_eq!(held.iter().count() + ended.len(), 2);
        }
        assert_eq!(list.next(0), Some(0), "it is later than that");
        assert_eq!(List::default().next(0), None);
    }
}
