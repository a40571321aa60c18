//! What it costs to read one field of a section: `cargo bench -p confbus-client --bench read`.
//!
//! The bare `Arc`, which nobody can replace, is the floor; `RwLock` and `Mutex` are what a program would take without us.
//! All run in one go, so the ratios hold on any machine; `t=2` shows what readers do to each other.

use std::{
    hint::black_box,
    sync::{Arc, Mutex, RwLock},
};

use confbus_client::{Live, testing};
use divan::Bencher;
use serde::Deserialize;

#[derive(PartialEq, Deserialize)]
struct Limits {
    max_open: u32,
}

fn main() {
    divan::main();
}

fn live() -> Live<Limits> {
    let (client, _server) = testing::client([("limits.max-open", 10)]);
    client.bind("limits").live().expect("it fits")
}

#[divan::bench(threads = [1, 2])]
fn a_bare_arc(bencher: Bencher<'_, '_>) {
    let limits = Arc::new(Limits { max_open: 10 });
    bencher.bench(|| black_box(&limits).max_open);
}

/// One thread's own, so others cannot disturb it.
#[divan::bench]
fn live_reader(bencher: Bencher<'_, '_>) {
    let mut reader = live().reader();
    bencher.bench_local(|| black_box(&mut reader).load().max_open);
}

#[divan::bench(threads = [1, 2])]
fn live_load(bencher: Bencher<'_, '_>) {
    let live = live();
    bencher.bench(|| black_box(&live).load().max_open);
}

#[divan::bench(threads = [1, 2])]
fn live_latest(bencher: Bencher<'_, '_>) {
    let live = live();
    bencher.bench(|| black_box(&live).latest().max_open);
}

#[divan::bench(threads = [1, 2])]
fn rw_lock_of_arc(bencher: Bencher<'_, '_>) {
    let limits = RwLock::new(Arc::new(Limits { max_open: 10 }));
    bencher.bench(|| Arc::clone(&black_box(&limits).read().expect("nobody panics")).max_open);
}

#[divan::bench(threads = [1, 2])]
fn mutex_of_arc(bencher: Bencher<'_, '_>) {
    let limits = Mutex::new(Arc::new(Limits { max_open: 10 }));
    bencher.bench(|| Arc::clone(&black_box(&limits).lock().expect("nobody panics")).max_open);
}
