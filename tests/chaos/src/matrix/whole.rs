//! Not a single fault: what users are promised as a whole.

use super::{Row, SMALL, Section, bare, played};
use crate::rig::Start;
use crate::scenario::{half, outage};

pub(super) const SECTION: Section = Section {
    title: "Whole runs",
    rows: ROWS,
};

const ROWS: &[Row] = &[
    played(
        "outage",
        "remote and broker are dead, the server of 3,000 files is killed and started again and again, under more than a million reads",
        "no read fails while it runs; half of the first answers come within 50 ms of a start, as shipped",
        Start::Large(SMALL),
        |rig| Box::pin(outage::play(rig)),
    ),
    bare(
        "half-the-events",
        "half of the events to a thousand clients are lost",
        "all are on the last commit within 60 s",
        |rig| Box::pin(half::play(rig)),
    ),
];
