//! Webhooks and time.

use super::{Row, Section, bare, small};
use crate::scenario::{clock, webhook};

pub(super) const SECTION: Section = Section {
    title: "Webhooks and time",
    rows: ROWS,
};

const ROWS: &[Row] = &[
    bare(
        "W1",
        "a webhook comes before its push can be seen",
        "the server looks again until it is there",
        |rig| Box::pin(webhook::w1(rig)),
    ),
    small(
        "W2",
        "webhooks are lost",
        "the poll finds what was pushed",
        |rig| Box::pin(webhook::w2(rig)),
    ),
    small(
        "W3",
        "a thousand webhooks come at once",
        "all are answered, and are no more events than one",
        |rig| Box::pin(webhook::w3(rig)),
    ),
    bare(
        "W4",
        "a server is killed right after it took a webhook",
        "its next start looks by itself",
        |rig| Box::pin(webhook::w4(rig)),
    ),
    small(
        "W5",
        "a webhook is delivered again and again",
        "nobody is told twice",
        |rig| Box::pin(webhook::w5(rig)),
    ),
    bare(
        "W6",
        "thousands of forged webhooks come",
        "each is refused, reads as fast as before",
        |rig| Box::pin(webhook::w6(rig)),
    ),
    bare(
        "W7",
        "one of two servers is told, and neither looks by itself",
        "the other one learns it from the bus",
        |rig| Box::pin(webhook::w7(rig)),
    ),
    bare(
        "W8",
        "the clock of a server jumps by a day, forth and back",
        "nothing goes back, nobody is told again and again",
        |rig| Box::pin(clock::w8(rig)),
    ),
    small(
        "W9",
        "a server is suspended for a while",
        "timers do not catch up, commits arrive",
        |rig| Box::pin(clock::w9(rig)),
    ),
];
