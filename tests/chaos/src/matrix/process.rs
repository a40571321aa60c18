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
];
