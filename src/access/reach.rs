use confbus_protocol::{BusEvent, Destination, EventKind};

use super::{
    kind::Kind,
    rules::Grants,
    wanted::{Wanted, first_part},
};

/// What somebody may have of one kind, of what concerns many: worked out once, asked for each of them.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    kind: Kind,
    grants: Grants,
}

/// Whom an event concerns, worked out once for all who may hear it.
#[derive(Debug, Clone)]
pub(crate) struct Concern {
    applications: Part,
    /// It carries values: who hears it has to be allowed all of this.
    wanted: Option<Wanted>,
}

/// The part of a destination that says which applications are meant.
#[derive(Debug, Clone)]
pub(super) enum Part {
    All,
    /// A pattern of Spring's.
    Pattern(Box<str>),
}

impl Reach {
    pub(super) fn new(kind: Kind, grants: &Grants) -> Self {
        Self {
            kind,
            grants: grants.of(kind),
        }
    }

    /// Whether it is everything.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.grants, Grants::Everything)
    }

    /// Whether rules cover this environment, as it was asked for: each of its names.
    pub(crate) fn has(&self, application: &str, profiles: &str, label: Option<&str>) -> bool {
        self.is_whole() || {
            let wanted = Wanted::environment_of(self.kind, application, profiles, label);
            self.grants.allow(&wanted)
        }
    }

    /// Whether rules cover this address.
    pub(crate) fn has_address(
        &self,
        application: &str,
        profile: Option<&str>,
        label: Option<&str>,
    ) -> bool {
        self.is_whole() || {
            let wanted = Wanted::address(self.kind, application, profile, label);
            self.grants.allow(&wanted)
        }
    }

    /// Whether there is an application of which rules cover this label.
    pub(crate) fn has_label(&self, label: &str) -> bool {
        self.is_whole() || self.grants.allow(&Wanted::label(self.kind, label))
    }

    /// Whether an event for this destination may be for an application that rules cover.
    pub(crate) fn may_be_meant(&self, destination: &Destination) -> bool {
        self.is_whole() || self.meets(&Part::of(destination.as_str()))
    }

    /// Whether an event may be heard.
    pub(crate) fn hears(&self, concern: &Concern) -> bool {
        self.is_whole()
            || match &concern.wanted {
                Some(wanted) => self.grants.allow(wanted),
                None => self.meets(&concern.applications),
            }
    }

    fn meets(&self, part: &Part) -> bool {
        match part {
            Part::All => self.grants.have(self.kind),
            Part::Pattern(pattern) => self.grants.meet(self.kind, pattern),
        }
    }
}

impl Concern {
    pub(crate) fn of(event: &BusEvent) -> Self {
        let carries_values = matches!(event.kind, EventKind::EnvironmentChange { .. });
        let destination = event.destination();
        Self {
            applications: match &event.kind {
                // Everyone is told of an ack, which is about the one who sent it.
                EventKind::Ack { .. } => Part::of(&event.origin_service),
                _ => Part::of(destination.as_str()),
            },
            wanted: carries_values.then(|| Wanted::destination(Kind::Events, &destination)),
        }
    }
}

impl Part {
    fn of(destination: &str) -> Self {
        first_part(destination).map_or(Self::All, |part| Self::Pattern(part.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use confbus_protocol::BusId;
    use serde_json::Map;

    use super::*;
    use crate::access::{
        kind::Kinds,
        pattern::Pattern,
        principal::Proof,
        rules::{Patterns, Rule, Rules, Who},
    };

    fn rule(allow: &str, applications: &[&str]) -> Rule {
        let applications = applications.iter().map(|text| Pattern::new(text));
        Rule {
            principals: vec![Who::Anybody],
            allow: Kinds::named(allow).unwrap(),
            applications: applications.collect(),
            profiles: Patterns::All,
            labels: Patterns::All,
            paths: Patterns::All,
        }
    }

    fn reach(kind: Kind, rules: Vec<Rule>) -> Reach {
        let rules = Arc::new(Rules::new(rules, vec!["main".into()]));
        Reach::new(kind, &rules.grants(Proof::Password, "ana", &Map::new()))
    }

    fn event(destination: &str, kind: EventKind) -> BusEvent {
        let origin = BusId::new("billing:8080:x").unwrap();
        let destination = Destination::from_wire(destination);
        BusEvent {
            kind,
            ..BusEvent::refresh("e".into(), 5, &origin, &destination)
        }
    }

    #[test]
    fn events_are_heard_by_those_whom_they_may_concern() {
        let some = reach(Kind::Events, vec![rule("events", &["orders", "shop-*"])]);
        let values = [("password".to_owned(), Some("s3cret".to_owned()))];
        for (destination, refresh, change) in [
            ("**", true, false),
            ("", true, false),
            ("*:**", true, false),
            ("**:8080", true, false),
            ("orders:**", true, true),
            ("orders:dev:8081:x", true, true),
            ("ord*:**", true, false),
            ("{name}:**", true, false),
            ("order?:**", true, false),
            ("*-eu:**", true, false),
            ("shop-eu:**", true, true),
            ("shop*:**", true, false),
            ("shop-*:**", true, true),
            ("billing:**", false, false),
            ("bill*:**", false, false),
            ("orders-eu:**", false, false),
            ("order:**", false, false),
            ("orders?:**", false, false),
            ("____transient_destination___:**", false, false),
        ] {
            let hears = |kind| some.hears(&Concern::of(&event(destination, kind)));
            assert_eq!(hears(EventKind::Refresh), refresh, "{destination}");
            let kind = EventKind::EnvironmentChange {
                values: values.clone().into(),
            };
            assert_eq!(hears(kind), change, "{destination}");
        }
        // Of somebody else.
        let ack = EventKind::Ack {
            ack_id: None,
            ack_destination_service: None,
            event: None,
        };
        assert!(!some.hears(&Concern::of(&event("**", ack))));
    }

    #[test]
    fn a_rule_that_names_no_applications_is_for_all() {
        for rules in [
            vec![rule("events", &[])],
            vec![rule("all", &["*"])],
            Vec::new(),
        ] {
            let all = reach(Kind::Events, rules);
            assert!(all.is_whole() && all.may_be_meant(&Destination::complete("billing")));
        }
        // That of another kind is not.
        let both = vec![rule("fleet", &[]), rule("events", &["orders"])];
        let orders = reach(Kind::Events, both);
        assert!(!orders.may_be_meant(&Destination::complete("billing")));
        assert!(!reach(Kind::Fleet, vec![rule("events", &[])]).has_label("main"));
    }

    #[test]
    fn profiles_and_labels_count() {
        let patterns = |text| Patterns::These(vec![Pattern::new(text)]);
        let some = Rule {
            profiles: patterns("dev"),
            labels: patterns("main"),
            ..rule("fleet", &["orders", "shop"])
        };
        let some = reach(Kind::Fleet, vec![some]);
        for (application, profiles, label, expected) in [
            ("orders", "dev", None, true),
            ("orders,shop", "dev", Some("main"), true),
            ("orders,billing", "dev", None, false),
            ("orders", "dev,prod", None, false),
            ("orders", "dev", Some("release"), false),
        ] {
            let has = some.has(application, profiles, label);
            assert_eq!(has, expected, "{application} {profiles} {label:?}");
        }
        assert!(some.has_label("main") && !some.has_label("release"));
        assert!(some.has_address("orders", Some("dev"), Some("main")));
        assert!(!some.has_address("orders", None, Some("main")));
    }
}
