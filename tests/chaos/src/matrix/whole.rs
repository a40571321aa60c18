//! Not a single fault: what users are promised as a whole.

use super::{Row, SMALL, Section, bare, played};
use crate::rig::{Size, Start};
use crate::scenario::{balanced, half, outage};

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
    bare(
        "replicas",
        "three servers behind a balancer are killed, cut off from Git, cut off from readers and slow, one after the other, under a commit a second",
        "no reader is ever led back, in a million reads",
        |rig| Box::pin(balanced::monotonic(rig)),
    ),
    played(
        "rolling",
        "three servers behind a balancer are stopped and started one after the other, under load and commits",
        "no read fails, and nobody is told to come again: who has seen a commit that the next server has yet to fetch waits for it",
        Start::Running(Size {
            servers: 3,
            ..SMALL
        }),
        |rig| Box::pin(balanced::rolling(rig)),
    ),
];
