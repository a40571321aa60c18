//! The broker and the bus.

use super::{Row, Section, bare, excluded, small, test, tested, watched};
use crate::scenario::{bus, events};

pub(super) const SECTION: Section = Section {
    title: "Broker and bus",
    rows: ROWS,
};

const FAULTS: &str = "crates/bus/tests/broker/faults.rs";
const OPERATOR: &str = "crates/bus/tests/broker/operator.rs";

const ROWS: &[Row] = &[
    bare(
        "B1",
        "the broker is down at the start of servers and clients",
        "both start, polls carry the news",
        |rig| Box::pin(bus::b1(rig)),
    ),
    small(
        "B2",
        "the broker stops amid pushes and returns without memory",
        "what could not be said is made up for",
        |rig| Box::pin(bus::b2(rig)),
    ),
    tested(
        "B3",
        "the broker is killed again and again under a stream of commits",
        "no final state is lost",
        &[test(
            "tests/it/broker_outage.rs",
            "no_final_state_is_lost_however_often_the_broker_is_killed_under_a_stream_of_commits",
        )],
    ),
    small(
        "B4",
        "the broker is away for many commits (half a minute for ten)",
        "few events on its return, memory as before",
        |rig| Box::pin(bus::b4(rig)),
    ),
    small(
        "B5",
        "connections to the broker are open and dead",
        "given up, made again, nothing lost",
        |rig| Box::pin(bus::b5(rig)),
    ),
    small(
        "B6",
        "confirms of the broker never arrive",
        "webhooks are answered at once, nothing is lost",
        |rig| Box::pin(events::b6(rig)),
    ),
    tested(
        "B7",
        "the broker does not take an event",
        "it is an error, and told again",
        &[
            test(
                FAULTS,
                "an_event_that_is_not_confirmed_is_an_error_and_ends_the_connection",
            ),
            test(
                "src/refresh/outage.rs",
                "what_a_connected_broker_refused_is_tried_again_soon",
            ),
        ],
    ),
    small(
        "B8",
        "the broker is out of memory and blocks who publishes",
        "reads do not notice, what could not be said is made up for",
        |rig| Box::pin(bus::b8(rig)),
    ),
    small(
        "B9",
        "queues are deleted under their owners",
        "new ones are made, nothing is lost",
        |rig| Box::pin(bus::b9(rig)),
    ),
    tested(
        "B10",
        "a channel is closed because of an error",
        "it is made again, whatever closed it",
        &[
            test(FAULTS, "an_exchange_that_was_deleted_is_declared_again"),
            test(FAULTS, "without_declaring_the_exchange_has_to_exist"),
        ],
    ),
    small(
        "B11",
        "the broker closes all connections again and again",
        "made again with pauses, descriptors as before",
        |rig| Box::pin(bus::b11(rig)),
    ),
    tested(
        "B12",
        "the exchange is there and of another kind",
        "told what to do, tried again until it is mended",
        &[test(
            FAULTS,
            "an_exchange_declared_otherwise_is_explained_until_it_is_mended",
        )],
    ),
    tested(
        "B13",
        "credentials are rotated or wrong, the virtual host is gone",
        "told without showing them, tried again with the new ones",
        &[
            test(
                OPERATOR,
                "a_rotated_password_counts_with_the_next_connection",
            ),
            test(FAULTS, "wrong_credentials_are_explained_and_not_shown"),
            test(FAULTS, "a_virtual_host_that_is_missing_is_explained"),
        ],
    ),
    small(
        "B14",
        "each event is delivered twenty times",
        "nobody applies a version twice",
        |rig| Box::pin(events::b14(rig)),
    ),
    small(
        "B15",
        "events arrive in another order",
        "nobody goes back",
        |rig| Box::pin(events::b15(rig)),
    ),
    bare(
        "B16",
        "every event is lost: servers publish where nobody listens",
        "polls carry the news",
        |rig| Box::pin(bus::b16(rig)),
    ),
    bare(
        "B17",
        "an event comes before the server that is asked has the commit",
        "clients keep what they have and get it once it is there",
        |rig| Box::pin(events::b17(rig)),
    ),
    small(
        "B18",
        "a client is away when it is told",
        "it has the news when it is back",
        |rig| Box::pin(bus::b18(rig)),
    ),
    watched(
        "B19",
        "a thousand events a second ask everybody to refresh, for a while",
        "every read is answered, the next commit is everywhere soon",
        |rig| Box::pin(events::b19(rig)),
    ),
    tested(
        "B20",
        "what is no event is published on the exchange",
        "skipped, the next event is heard",
        &[
            test(
                "crates/bus/tests/broker/wire.rs",
                "what_is_no_event_is_survived",
            ),
            test(FAULTS, "headers_larger_than_a_frame_cost_a_reconnect"),
        ],
    ),
    excluded(
        "B21",
        "the broker is replaced by a later version",
        "queues are declared as before",
        "one version of RabbitMQ is at hand; queues are exclusive, which later versions allow",
    ),
    tested(
        "B22",
        "applications of Spring and of ours share an exchange",
        "both refresh",
        &[
            test("xtask/src/interop/bus/scenarios/events.rs", "everyone"),
            test("xtask/src/interop/bus/scenarios/events.rs", "our_client"),
            test(
                "tests/it/bus_messages.rs",
                "messages_are_those_of_boot_4_but_for_a_listed_difference",
            ),
        ],
    ),
    small(
        "B23",
        "every client could acknowledge every event to everybody",
        "clients say nothing on the bus unless told to",
        |rig| Box::pin(events::b23(rig)),
    ),
];
