//! The client crate.

use super::{Row, Section, excluded, small, test, tested};
use crate::scenario::replicas;

pub(super) const SECTION: Section = Section {
    title: "Client crate",
    rows: ROWS,
};

const FETCHING: &str = "crates/client/tests/it/fetching.rs";
const LAST_GOOD: &str = "crates/client/tests/it/last_good.rs";
const FILE: &str = "crates/client/src/last_good/tests.rs";
const DISK: &str = "crates/client/src/last_good/disk.rs";
const KEYS: &str = "crates/client/tests/it/keys.rs";
const TOGETHER: &str = "crates/client/tests/it/together.rs";

const ROWS: &[Row] = &[
    tested(
        "C1",
        "no server answers at the start, a last good file is there",
        "it starts from the file, and says so",
        &[
            test(
                LAST_GOOD,
                "a_start_without_a_server_takes_the_newest_accepted_version",
            ),
            test(
                "crates/client/tests/it/servers.rs",
                "a_start_from_the_file_waits_for_nobody",
            ),
        ],
    ),
    tested(
        "C2",
        "no server answers at the start, and there is no file",
        "it ends in time and says why",
        &[test(
            FETCHING,
            "a_start_without_a_server_ends_in_time_and_says_why",
        )],
    ),
    tested(
        "C3",
        "the last good file is torn, another's, open to others, or a link",
        "refused",
        &[
            test(FILE, "a_file_that_is_torn_or_changed_anywhere_is_refused"),
            test(FILE, "only_its_owner_reads_and_writes_it"),
            test(DISK, "what_is_anothers_or_others_may_write_is_mistrusted"),
            test(DISK, "what_is_no_file_is_refused_at_once"),
        ],
    ),
    tested(
        "C4",
        "a server sends half a body, a page, or one without end",
        "refused, what is running is kept",
        &[test(
            FETCHING,
            "nothing_a_server_does_empties_what_is_running",
        )],
    ),
    tested(
        "C5",
        "a version does not fit what is bound",
        "nothing of it is applied, the reason is told",
        &[
            test(TOGETHER, "one_refusal_refuses_everything"),
            test(FETCHING, "a_refused_version_is_told_and_tried_again"),
        ],
    ),
    tested(
        "C6",
        "a callback panics or takes its time",
        "others are called, the next version is applied",
        &[
            test(KEYS, "a_callback_that_panics_is_counted_and_called_again"),
            test(KEYS, "a_slow_callback_holds_up_nothing_and_gets_the_latest"),
        ],
    ),
    tested(
        "C7",
        "many threads read during a swap",
        "each sees one version, whole",
        &[test(
            "crates/client/tests/it/torn.rs",
            "no_reader_sees_a_mix_or_an_older_version_or_one_that_was_refused",
        )],
    ),
    small(
        "C8",
        "a server of several is away, and another one halted",
        "clients that know both get every commit",
        |rig| Box::pin(replicas::c8(rig)),
    ),
    tested(
        "C9",
        "credentials are no longer good",
        "what is running is kept, no storm of tries",
        &[
            test(FETCHING, "a_start_is_tried_again_unless_access_is_denied"),
            test(
                "crates/client/src/settings/tests.rs",
                "pauses_grow_to_a_limit",
            ),
        ],
    ),
    tested(
        "C10",
        "a proxy answers with what it has stored, for ever",
        "every request says that this is not wanted",
        &[test(FETCHING, "requests_carry_what_spring_sends")],
    ),
    excluded(
        "C11",
        "an application is suspended",
        "it looks again when it goes on",
        "clients share the process of these runs; a server that is suspended is W9, a stream that fell silent is given up",
    ),
    tested(
        "C12",
        "a secret is replaced",
        "the old one is wiped from memory",
        &[test(
            "tests/it/memory.rs",
            "a_secret_that_was_replaced_is_nowhere_in_a_client",
        )],
    ),
];
