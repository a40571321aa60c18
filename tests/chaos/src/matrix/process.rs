//! The server's process, its HTTP, and its replicas.

use super::{Row, Section, bare, excluded, small, test, tested, watched};
use crate::scenario::{crowd, limits, process, replicas, stuck};

pub(super) const SECTION: Section = Section {
    title: "Server process, HTTP, replicas",
    rows: ROWS,
};

const ROWS: &[Row] = &[
    small(
        "P1",
        "servers are ended politely under load",
        "what was accepted is answered, they end well and soon",
        |rig| Box::pin(process::p1(rig)),
    ),
    small(
        "P2",
        "servers are killed under load again and again",
        "each answers from disk right after its start",
        |rig| Box::pin(process::p2(rig)),
    ),
    small(
        "P3",
        "two servers are restarted in turn, ten times",
        "clients that know both lose nothing and never go back",
        |rig| Box::pin(process::p3(rig)),
    ),
    bare(
        "P4",
        "one of two servers cannot fetch, also while a commit is taken back",
        "no client goes back; both agree soon after",
        |rig| Box::pin(replicas::p4(rig)),
    ),
    small(
        "P5",
        "a server is killed amid a storm of webhooks",
        "the last commit is everywhere",
        |rig| Box::pin(process::p5(rig)),
    ),
    bare(
        "P6",
        "a server runs out of descriptors",
        "who is connected is served, nothing spins, all are served afterwards",
        |rig| Box::pin(limits::p6(rig)),
    ),
    bare(
        "P7",
        "a server may use no more than 128 MiB",
        "it lives, commits arrive",
        |rig| Box::pin(limits::p7(rig)),
    ),
    bare(
        "P8",
        "a server gets a tenth of its time",
        "slower, and nothing fails",
        |rig| Box::pin(limits::p8(rig)),
    ),
    excluded(
        "P9",
        "a handler or a check panics",
        "that request fails, or that commit is refused; the process lives",
        "no request and no file is known that makes one panic; fuzzing looks for them",
    ),
    tested(
        "P10",
        "a file is nested so deeply that a parser would run out of stack",
        "refused",
        &[test(
            "crates/resolution/tests/generated.rs",
            "no_file_stops_a_parser",
        )],
    ),
    bare(
        "P11",
        "ten thousand clients start within five seconds",
        "no failed read",
        |rig| Box::pin(crowd::p11(rig)),
    ),
    tested(
        "P12",
        "ten thousand clients are told at once",
        "they ask one after the other",
        &[
            test(
                "src/refresh/window.rs",
                "small_fleets_ask_at_once_and_large_ones_within_a_second",
            ),
            test(
                "crates/client/src/pace.rs",
                "a_fleet_fills_its_window_evenly",
            ),
        ],
    ),
    watched(
        "P13",
        "a thousand connections never end their request, or never read their answer",
        "reads are as fast as before",
        |rig| Box::pin(limits::p13(rig)),
    ),
    excluded(
        "P14",
        "floods of HTTP/2 frames",
        "limited",
        "the server speaks HTTP/1.1 alone",
    ),
    bare(
        "P15",
        "a thread that answers does nothing any more",
        "said within seconds; who waits is answered once it goes on",
        |rig| Box::pin(stuck::p15(rig)),
    ),
    bare(
        "P16",
        "nobody reads the log, and its pipe is full",
        "reads go on",
        |rig| Box::pin(limits::p16(rig)),
    ),
    tested(
        "P17",
        "the settings of a server are wrong",
        "it does not start and says where; settings are read at starts alone",
        &[test(
            "tests/it/program.rs",
            "wrong_values_name_file_line_and_column_all_at_once",
        )],
    ),
    tested(
        "P18",
        "the host of token keys is away, or changes its keys",
        "known keys are good, and new ones are fetched once",
        &[
            test(
                "tests/it/tokens.rs",
                "keys_that_rotate_are_fetched_once_and_known_ones_outlive_their_issuer",
            ),
            test(
                "tests/it/tokens.rs",
                "without_keys_nobody_is_refused_for_good",
            ),
        ],
    ),
    tested(
        "P19",
        "the server's certificate is replaced",
        "used for the next connection; open ones live on, and a file of no use changes nothing",
        &[test(
            "tests/it/tls.rs",
            "a_renewed_certificate_is_shown_to_new_connections_and_disturbs_nobody",
        )],
    ),
    tested(
        "P20",
        "somebody has seen a commit that a server has yet to fetch, and its remote may be away",
        "answered with it once it is there; sent away within a bound, and so many wait at a time",
        &[
            test(
                "tests/it/waiting_reads.rs",
                "a_reader_whose_commit_is_on_its_way_is_answered_with_it",
            ),
            test(
                "tests/it/waiting_reads.rs",
                "who_has_waited_too_long_is_sent_away",
            ),
            test(
                "tests/it/waiting_reads.rs",
                "a_look_that_fails_is_not_waited_for",
            ),
            test(
                "tests/it/waiting_reads.rs",
                "no_more_than_so_many_wait_and_who_goes_leaves_a_place",
            ),
        ],
    ),
    tested(
        "P21",
        "a server is away while instances report to another one, or hears what makes no sense",
        "all show the same fleet and the same refreshes once it is back; what makes no sense is dropped and counted",
        &[
            test("tests/it/replicas.rs", "a_server_that_was_away_catches_up"),
            test(
                "tests/it/replicas.rs",
                "what_is_not_of_a_server_is_dropped_and_counted",
            ),
            test(
                "src/ledger/book/tests/learn.rs",
                "neither_order_nor_repetition_makes_a_difference",
            ),
        ],
    ),
];
