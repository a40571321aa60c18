//! The Git remote.

use super::{Row, Section, bare, excluded, small, test, tested, watched};
use crate::scenario::{commits, git};

pub(super) const SECTION: Section = Section {
    title: "Git remote",
    rows: ROWS,
};

const ROWS: &[Row] = &[
    small(
        "G1",
        "the remote is down at a start, the disk has everything",
        "it is served at once",
        |rig| Box::pin(git::g1(rig)),
    ),
    bare(
        "G2",
        "the remote is down at the very first start",
        "503 with Retry-After, ready by itself",
        |rig| Box::pin(git::g2(rig)),
    ),
    small(
        "G3",
        "the remote refuses connections",
        "reads do not notice",
        |rig| Box::pin(git::g3(rig)),
    ),
    watched(
        "G4",
        "the remote accepts and says nothing",
        "given up at the deadline, told by health, reads as fast as before",
        |rig| Box::pin(git::g4(rig)),
    ),
    watched(
        "G5",
        "the remote sends a byte each half second",
        "given up at the deadline, told by health, reads as fast as before",
        |rig| Box::pin(git::g5(rig)),
    ),
    small(
        "G6",
        "the remote is slow",
        "what is pushed meanwhile arrives later, and together",
        |rig| Box::pin(git::g6(rig)),
    ),
    small(
        "G7",
        "connections are cut within answers, at twenty places",
        "nothing half is ever served",
        |rig| Box::pin(git::g7(rig)),
    ),
    small(
        "G8",
        "bits of packs are flipped on their way",
        "refused, fetched again, never served",
        |rig| Box::pin(git::g8(rig)),
    ),
    small(
        "G9",
        "the remote answers 401, 403, 404, 429, 500, a login page, a redirect to itself and one to another host",
        "told by health, reads do not notice, nobody else is asked",
        |rig| Box::pin(git::g9(rig)),
    ),
    tested(
        "G10",
        "the certificate of the remote is expired, for another host, or signed by itself",
        "nothing is fetched, what is there is served, health names the reason",
        &[test(
            "tests/it/remote_tls.rs",
            "nothing_is_fetched_from_a_remote_whose_certificate_is_not_good",
        )],
    ),
    excluded(
        "G11",
        "the name of the remote does not resolve, or takes its time",
        "as G3",
        "needs a resolver of its own; to the server it is a connection that is refused, or that says nothing (G3, G4)",
    ),
    small(
        "G12",
        "commits are replaced by force",
        "the new ones are served, nothing goes back",
        |rig| Box::pin(commits::g12(rig)),
    ),
    small(
        "G13",
        "the history is replaced by one with another root",
        "as G12",
        |rig| Box::pin(commits::g13(rig)),
    ),
    small(
        "G14",
        "the branch goes back by force",
        "old values are a new state that everybody gets",
        |rig| Box::pin(commits::g14(rig)),
    ),
    small(
        "G15",
        "the branch is deleted, and comes back",
        "what was served is served on",
        |rig| Box::pin(commits::g15(rig)),
    ),
    tested(
        "G16",
        "the default branch has another name",
        "master stands in for main, as in Spring",
        &[test(
            "tests/it/unreachable_remote.rs",
            "master_stands_in_for_a_missing_main",
        )],
    ),
    small(
        "G17",
        "a tag is moved",
        "it is found where it is now",
        |rig| Box::pin(commits::g17(rig)),
    ),
    small(
        "G18",
        "a commit breaks the file of one application",
        "it is held, the others move on, health says where",
        |rig| Box::pin(commits::g18(rig)),
    ),
    small(
        "G19",
        "a commit makes a file a bomb of aliases",
        "refused without memory to speak of, the others move on",
        |rig| Box::pin(commits::g19(rig)),
    ),
    small(
        "G20",
        "a thousand commits come within ten seconds",
        "the last one is everywhere soon",
        |rig| Box::pin(commits::g20(rig)),
    ),
    watched(
        "G21",
        "a commit brings fifty thousand files",
        "reads are as fast as before",
        |rig| Box::pin(commits::g21(rig)),
    ),
    bare(
        "G22",
        "commits come while the one before is fetched",
        "the last one is there without another word",
        |rig| Box::pin(commits::g22(rig)),
    ),
    small(
        "G23",
        "two branches are moved one after the other",
        "each is whole by itself",
        |rig| Box::pin(commits::g23(rig)),
    ),
];
