//! Whom a refresh waits for, and who has answered before it is told.

use super::*;

/// How many an event for everyone concerns, as far as the book knows.
fn there(world: &World) -> usize {
    let fleet = world.book.fleet(world.now);
    fleet.meant_by(&Destination::everyone())
}

#[test]
fn nobody_waits_for_who_is_silent() {
    let mut world = World::new();
    world.applies(A, 1);
    world.after(60);
    world.applies(B, 1);
    world.after(31);
    world.check(A, "silent none");
    world.push(1, 2, "orders");
    world.check_told(0, A, "");
    world.check_told(0, B, "told none");
    world.check(A, "silent none");
    // Who is back looks again by itself, and is told from then on.
    world.polls(A, 2, 1);
    world.check(A, "applying read");
    world.push(2, 3, "orders");
    world.check_told(1, A, "told none");
}

#[test]
fn who_leaves_is_not_waited_for_and_what_it_answered_stays() {
    let mut world = World::new();
    world.applies(A, 1);
    world.applies(B, 1);
    world.push(1, 2, "orders");
    world.applies(A, 2);
    world.reports(A, 2, Outcome::Leaving);
    world.reports(B, 2, Outcome::Leaving);
    world.check(A, "unknown");
    world.check(B, "unknown");
    world.check_told(0, A, "live report");
    world.check_told(0, B, "");
    assert_eq!(there(&world), 0);
    world.push(2, 3, "orders");
    world.check_told(1, A, "");
    // A process with the same name may come.
    world.applies(A, 3);
    world.check(A, "live report");
    // Nobody is made known by leaving.
    world.reports("orders:8081:c", 3, Outcome::Leaving);
    world.check("orders:8081:c", "unknown");
}

#[test]
fn a_wave_still_counts_who_ran_it_and_left() {
    let mut world = World::new();
    world.polls(A, 1, 1);
    world.applies(A, 1);
    world.push(1, 2, "orders");
    world.applies(A, 2);
    world.reports(A, 2, Outcome::Leaving);
    world.check(A, "unknown");
    let standing = |world: &World| {
        let all = standing::standings(world.book.records(), |_| true, world.now);
        all.first().cloned()
    };
    let left = standing(&world).unwrap();
    assert_eq!(left.applied, Some(commit(2).to_string()));
    assert!(left.is_gone_since(0, world.now));
    // What another process of this name runs, it has to say.
    world.read("default", 2, Some(A), None);
    assert_eq!(standing(&world).unwrap().applied, None);
    world.check(A, "applying read");
    world.applies(A, 2);
    world.reports(A, 2, Outcome::Leaving);
    world.after(25 * 3600);
    assert!(standing(&world).is_none());
}

#[test]
fn a_refusal_outlives_who_leaves() {
    let mut world = World::new();
    world.applies(A, 1);
    world.push(1, 2, "orders");
    world.refuses(A, 2);
    world.reports(A, 2, Outcome::Leaving);
    world.after(0);
    world.check(A, "silent none");
    world.check_told(0, A, "rejected report");
    assert_eq!(there(&world), 0);
    let standings = standing::standings(world.book.records(), |_| true, world.now);
    assert!(standings.is_empty(), "it never named itself in a read");
    world.polls(A, 2, 1);
    world.check(A, "rejected report");
    world.reports(A, 2, Outcome::Leaving);
    let standings = standing::standings(world.book.records(), |_| true, world.now);
    let [standing] = &standings[..] else {
        panic!("{standings:?}")
    };
    let rejected = standing.rejected.as_ref();
    assert_eq!(rejected.unwrap().0, commit(2).to_string());
    assert!(standing.is_gone_since(0, world.now));
    world.after(25 * 3600);
    world.check(A, "unknown");
}

#[test]
fn who_stands_there_already_has_answered() {
    let mut world = World::new();
    let [c, d] = ["orders:8081:c", "orders:8081:d"];
    for instance in [A, B, c, d] {
        world.applies(instance, 1);
    }
    // Somebody's command has them look before the move is announced.
    world.applies(A, 2);
    world.refuses(B, 2);
    let restart = vec!["server.port".to_owned()];
    world.reports(c, 2, Outcome::Applied { restart });
    world.push(1, 2, "orders");
    world.check_told(0, A, "live report");
    world.check_told(0, B, "rejected report");
    world.check_told(0, c, "restart report");
    world.check_told(0, d, "told none");
    let timeline = world.refresh(0)["timeline"].clone();
    let refused = timeline.as_array().unwrap().iter();
    let refused: Vec<_> = refused
        .filter(|moment| moment["what"] == "rejected")
        .collect();
    assert_eq!(refused[0]["instance"], B);
    assert_eq!(refused[0]["detail"], "`pool.max`: at least 1");
    assert_eq!(refused.len(), 1);

    // What comes later does not answer for what was refused.
    world.push(2, 3, "orders");
    for instance in [A, B, c, d] {
        world.applies(instance, 3);
    }
    world.check_told(0, B, "rejected report");
    world.check_told(0, d, "live report");
    world.check_told(1, B, "live report");
}

#[test]
fn who_runs_what_was_left_behind_or_something_else_has_not_answered() {
    let mut world = World::new();
    world.applies(A, 1);
    world.applies(B, 7);
    world.push(1, 2, "orders");
    world.check_told(0, A, "told none");
    world.check_told(0, B, "told none");
    // A move of another repository; the version names both.
    let both = format!("{},{}", commit(2), commit(9));
    world.write(Entry::Reported(Report {
        instance: id(A),
        application: "orders".into(),
        profiles: "default".into(),
        label: None,
        version: Some(both.clone()),
        running: Some(both),
        outcome: Outcome::Applied {
            restart: Vec::new(),
        },
        transport: None,
        poll_seconds: None,
    }));
    world.push(8, 9, "orders");
    world.check_told(1, A, "live report");
    world.push(9, 2, "orders");
    world.check_told(2, A, "told none");
}
