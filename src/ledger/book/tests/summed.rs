//! The fleet in short says the same as the fleet at length.

use super::*;
use crate::ledger::{
    FleetFilter, Sight,
    entry::HeldBack,
    view::{FleetSummary, fleet, summary},
};

/// Whoever may not see how production is.
struct NotProd;

impl Sight for NotProd {
    fn is_whole(&self) -> bool {
        false
    }

    fn has_environment(&self, _: &str, profiles: &str, _: Option<&str>) -> bool {
        profiles != "prod"
    }

    fn has_address(&self, _: &str, _: Option<&str>, _: Option<&str>) -> bool {
        false
    }

    fn has_label(&self, _: &str) -> bool {
        true
    }

    fn may_be_meant(&self, _: &Destination) -> bool {
        true
    }
}

/// Instances of several addresses, in many states.
fn world() -> World {
    let mut world = World::new();
    for (number, profiles) in [(1, "dev"), (2, "prod"), (3, "prod,eu")] {
        for version in 1..=3 {
            let instance = format!("orders:{number}:{version}");
            world.read(profiles, version, Some(&instance), Some(1));
        }
    }
    world.applies(A, 1);
    world.push(1, 2, "orders");
    world.polls(A, 2, 1);
    world.refuses(A, 2);
    world.refuses(B, 2);
    world
}

fn check(
    world: &World,
    sight: &dyn Sight,
    wanted: impl Fn(&EnvironmentRequest, &BusId) -> Version,
) -> FleetSummary {
    let (records, now) = (world.book.records(), world.now);
    let whole = fleet(records, &FleetFilter::default(), sight, now, &wanted);
    let short = summary(records, sight, now, &wanted);
    assert_eq!(short.sentence, whole.sentence);
    assert_eq!(short.totals, whole.totals);
    assert_eq!(short.parts.len(), whole.applications.len());
    for (part, all) in short.parts.iter().zip(&whole.applications) {
        assert_eq!(part.application, all.application);
        assert_eq!(part.profiles, all.profiles.join(","));
        assert_eq!((&part.label, &part.wanted), (&all.label, &all.wanted));
        for (place, count) in &part.places {
            let there = all.instances.iter().filter(|one| {
                (one.state, one.evidence, one.counts_as)
                    == (place.state, place.evidence, place.counts_as)
            });
            assert_eq!(there.count(), *count, "{place:?}");
        }
        let counted: usize = part.places.iter().map(|(_, count)| count).sum();
        assert_eq!(counted, all.instances.len());
        let mut reasons = all
            .instances
            .iter()
            .filter_map(|one| one.rejection.as_ref());
        let first = reasons.next().map(|one| &one.message);
        assert_eq!(part.reason.as_ref(), first);
    }
    short
}

#[test]
fn the_fleet_in_short_counts_the_same() {
    let world = world();
    let version = |number, held: bool, is_for_all| Version {
        current: Some(Current {
            version: commit(number).to_string(),
            generation: None,
        }),
        held: held.then(|| HeldBack {
            wanted: commit(9).to_string(),
            because: "pinned".to_owned(),
        }),
        is_for_all,
    };
    let all = check(&world, &Everything, |_, _| version(2, false, true));
    assert_eq!(all.parts.len(), 4);
    assert!(all.totals.rejected > 0 && all.totals.waiting > 0, "{all:?}");
    assert!(all.parts.iter().any(|part| part.reason.is_some()));
    let held = check(&world, &Everything, |asked, _| {
        version(1, asked.profiles.as_str() == "dev", true)
    });
    assert!(held.totals.held > 0, "{held:?}");
    let each = check(&world, &Everything, |_, instance| {
        let is_first = instance.as_str().ends_with('1');
        version(if is_first { 1 } else { 2 }, is_first, false)
    });
    assert!(each.parts.iter().any(|part| part.wanted.is_none()));
    let some = check(&world, &NotProd, |_, _| version(2, false, true));
    assert_eq!(some.parts.len(), 3);
    let nothing = |_: &EnvironmentRequest, _: &BusId| Version {
        current: None,
        held: None,
        is_for_all: true,
    };
    check(&world, &Everything, nothing);
    check(&World::new(), &Everything, nothing);
}
