//! What lies on the disk of a server.

use super::{Row, Section, bare, small, test, tested, watched};
use crate::scenario::{damage, full, process};

pub(super) const SECTION: Section = Section {
    title: "Local state",
    rows: ROWS,
};

const ROWS: &[Row] = &[
    small(
        "D1",
        "a server is killed at random moments of fetching, checking, saving and swapping",
        "it comes back with the old or the new commit, whole",
        |rig| Box::pin(process::d1(rig)),
    ),
    tested(
        "D2",
        "what was saved is torn or changed anywhere",
        "it is not believed, and made anew",
        &[test(
            "src/environment_repository/last_good/tests.rs",
            "a_journal_that_is_cut_or_damaged_gives_what_it_held_earlier",
        )],
    ),
    watched(
        "D3",
        "locks of Git that nobody holds lie in the clone, before a start and during a run",
        "commits arrive, reads are as fast as before",
        |rig| Box::pin(damage::d3(rig)),
    ),
    watched(
        "D4",
        "objects of the newest commits are cut off",
        "commits arrive, reads are as fast as before, no thread spins",
        |rig| Box::pin(damage::d4(rig)),
    ),
    watched(
        "D5",
        "packs are cut off, changed, and without index",
        "the clone is made anew, commits arrive, reads are as fast as before",
        |rig| Box::pin(damage::d5(rig)),
    ),
    bare(
        "D6",
        "the disk is full",
        "what was served is served on; commits arrive again when there is room",
        |rig| Box::pin(full::d6(rig)),
    ),
    bare(
        "D7",
        "the disk becomes read-only",
        "what was served is served on; commits arrive again when it may be written",
        |rig| Box::pin(full::d7(rig)),
    ),
    small(
        "D8",
        "the clone is deleted under a running server",
        "it serves from memory and clones again",
        |rig| Box::pin(process::d8(rig)),
    ),
    tested(
        "D9",
        "somebody else puts a link or a folder where the clones belong",
        "it is refused, and nothing elsewhere is written",
        &[test(
            "src/git/folder.rs",
            "what_others_put_where_everybody_may_write_is_refused",
        )],
    ),
    small(
        "D10",
        "a second server is started on the same disk",
        "it does not start, or leaves what is there alone",
        |rig| Box::pin(process::d10(rig)),
    ),
    tested(
        "D11",
        "files of an earlier or a later version lie there",
        "what is not understood is made anew, without a panic",
        &[
            test(
                "src/environment_repository/last_good/tests.rs",
                "a_journal_that_is_cut_or_damaged_gives_what_it_held_earlier",
            ),
            test("src/ledger/store.rs", "what_makes_no_sense_is_left_out"),
            test("tests/it/ledger.rs", "a_damaged_ledger_starts_anew"),
            test("tests/it/pins.rs", "damaged_pins_are_put_aside"),
        ],
    ),
    bare(
        "D12",
        "the disk has no room for another file",
        "as D6",
        |rig| Box::pin(full::d12(rig)),
    ),
    tested(
        "D13",
        "a store that is asked by name is away at a start",
        "what it said last is answered, and nothing that it never said",
        &[test(
            "tests/it/sources/restarts.rs",
            "its_answers_outlive_the_server",
        )],
    ),
    tested(
        "D14",
        "the file of what such a store said is damaged",
        "it is put aside and told of; nothing is answered until the store is asked anew",
        &[test(
            "tests/it/sources/restarts.rs",
            "a_file_that_makes_no_sense_is_put_aside_and_told",
        )],
    ),
];
