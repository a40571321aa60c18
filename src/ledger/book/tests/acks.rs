use super::*;

#[test]
fn an_ack_alone_is_not_live() {
    let mut world = World::new();
    world.reads("default", 1);
    world.push(1, 2, "orders");
    world.acks(A, "e0");
    world.check(A, "told ack");
    world.check_told(0, A, "told ack");
    assert_eq!(world.timeline(0), ["published", "acked"]);
}

#[test]
fn an_ack_after_a_read_is_live() {
    let mut world = World::new();
    world.push(1, 2, "orders");
    world.reads("default", 2);
    assert_eq!(world.instances()["readers"].as_array().unwrap().len(), 1);
    world.acks(A, "e0");
    world.check(A, "live ack+read");
    world.check_told(0, A, "live ack+read");
    assert_eq!(world.instance(A)["applied"], commit(2).to_string());
    assert_eq!(world.instance(A)["fetched"], commit(2).to_string());
    // The reader has a name now.
    assert!(world.instances()["readers"].as_array().unwrap().is_empty());

    world.push(2, 3, "billing");
    world.unchanged(2, 3);
    world.check(A, "same ack+read");
    world.push(3, 4, "orders");
    world.check(A, "told none");
    assert_eq!(world.instance(A)["fetched"], commit(2).to_string());
    world.acks(A, "e2");
    assert_eq!(world.instance(A)["fetched"], commit(2).to_string());
}

#[test]
fn a_read_at_the_old_version_is_no_proof() {
    let mut world = World::new();
    world.push(1, 2, "orders");
    world.reads("default", 1);
    world.acks(A, "e0");
    world.check(A, "told ack");
}

#[test]
fn of_two_instances_one_of_which_fails_nobody_is_live() {
    let mut world = World::new();
    for instance in [A, B] {
        world.acks(instance, "unknown");
    }
    world.push(1, 2, "orders");
    world.reads("default", 2);
    world.acks(A, "e0");
    // Whose read it was shows only when the other one has acked, too.
    world.check(A, "told ack");
    world.acks(B, "e0");
    world.check(A, "told ack");
    world.check(B, "told ack");
    world.after(60);
    world.check(A, "told ack");
}

#[test]
fn two_instances_that_read_are_live_together() {
    let mut world = World::new();
    for instance in [A, B] {
        world.acks(instance, "unknown");
    }
    world.push(1, 2, "orders");
    world.reads("default", 2);
    world.reads("default", 2);
    world.acks(A, "e0");
    world.check(A, "told ack");
    world.acks(B, "e0");
    world.check(A, "live ack+read");
    world.check(B, "live ack+read");
}

#[test]
fn reads_of_one_that_fails_without_an_ack_prove_nothing_for_its_sibling() {
    let mut world = World::new();
    for instance in [A, B] {
        world.acks(instance, "unknown");
    }
    world.push(1, 2, "orders");
    // A fails to bind what it read, and tries again; B acks what it could not fetch.
    world.reads("default", 2);
    world.reads("default", 2);
    world.acks(B, "e0");
    world.after(60);
    world.check(B, "told ack");
    world.check_told(0, B, "told ack");
    world.acks(A, "e0");
    world.check(A, "live ack+read");
    world.check(B, "live ack+read");
}

#[test]
fn a_sibling_that_is_gone_does_not_hold_the_others_up_for_long() {
    let mut world = World::new();
    for instance in [A, B] {
        world.acks(instance, "unknown");
    }
    world.push(1, 2, "orders");
    world.reads("default", 2);
    world.acks(A, "e0");
    world.check(A, "told ack");
    world.after(11);
    world.check(A, "live ack+read");
    world.check(B, "told none");
    world.after(600);
    world.check(B, "silent none");

    world.push(2, 3, "orders");
    world.reads("default", 3);
    world.acks(A, "e1");
    world.check(A, "live ack+read");
}

#[test]
fn a_late_ack_without_a_read_takes_back_what_seemed_proven() {
    let mut world = World::new();
    world.push(1, 2, "orders");
    world.reads("default", 2);
    world.acks(A, "e0");
    world.check(A, "live ack+read");
    world.acks(B, "e0");
    world.check(A, "told ack");
    world.check_told(0, A, "told ack");
    world.check(B, "told ack");
}

#[test]
fn a_read_under_a_name_proves_the_ack_of_that_instance_only() {
    let mut world = World::new();
    world.reads_as(A, 1);
    world.reads_as(B, 1);
    world.push(1, 2, "orders");
    world.acks(B, "e0");
    world.check(B, "told ack");
    world.reads_as(A, 2);
    world.check(A, "served read");
    world.acks(A, "e0");
    world.check(A, "live ack+read");
    world.check(B, "told ack");
    world.reads("default", 2);
    world.acks(B, "e0");
    world.check(B, "told ack");
}

#[test]
fn profiles_of_an_id_are_those_it_reads_under() {
    let mut world = World::new();
    let dev = "orders:dev:8081:c";
    world.push(1, 2, "orders");
    world.reads("default", 2);
    world.acks(dev, "e0");
    world.check(dev, "told ack");
    world.reads("dev", 2);
    world.acks(dev, "e0");
    world.check(dev, "live ack+read");
}

#[test]
fn an_old_id_without_profiles_reads_under_those_its_application_is_read_under() {
    let mut world = World::new();
    world.push(1, 2, "orders");
    world.reads("prod", 2);
    world.acks(A, "e0");
    world.check(A, "live ack+read");
    assert_eq!(world.instance(A)["profiles"], "prod");
}

#[test]
fn the_ack_of_a_sender_says_nothing() {
    let mut world = World::new();
    world.reads("default", 1);
    world.hears(A, EventKind::Refresh);
    world.reads("default", 1);
    world.acks(A, "orders:8081:a's");
    let refreshes = view::refreshes(world.book.records(), usize::MAX, &Everything, world.now);
    let refreshes = serde_json::to_value(refreshes).unwrap();
    assert_eq!(refreshes["refreshes"][0]["trigger"], "bus");
    assert_eq!(refreshes["refreshes"][0]["origin"], A);
    world.check(A, "told none");

    world.reads("default", 1);
    world.acks(B, "orders:8081:a's");
    world.check(B, "live ack+read");
}
