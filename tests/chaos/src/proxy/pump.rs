//! One direction of one connection.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;

use super::frames::Frames;
use super::{Control, Manner, Way};

const CHUNK: usize = 16 * 1024;

/// From who asks to who answers: late, or not at all, but whole.
pub(super) async fn request(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut control: watch::Receiver<Control>,
) {
    let mut chunk = vec![0; CHUNK];
    while let Some(read) = next(&mut from, &mut chunk, &mut control).await {
        if let Manner::Delay(delay) = manner(&control) {
            tokio::time::sleep(delay).await;
        }
        if to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
    _ = to.shutdown().await;
}

/// The other way, with everything that can go wrong.
pub(super) async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Way) {
    let mut control = way.control;
    let mut frames = way.is_amqp.then(Frames::default);
    let mut chunk = vec![0; CHUNK];
    let mut passed = 0;
    while let Some(read) = next(&mut from, &mut chunk, &mut control).await {
        let mut kept;
        let mut chunk = &mut chunk[..read];
        if let Some(frames) = &mut frames {
            let fate = match manner(&control) {
                Manner::Events(fate) => Some(fate),
                _ => None,
            };
            kept = frames.pass(chunk, fate);
            way.counts.lost.fetch_add(kept.lost, Ordering::Relaxed);
            chunk = &mut kept.bytes;
        }
        let length = chunk.len() as u64;
        if pass(chunk, passed, &mut to, &mut control).await.is_none() {
            return;
        }
        passed += length;
    }
    _ = to.shutdown().await;
}

/// Reads, unless nothing moves; nothing at the end.
async fn next(
    from: &mut OwnedReadHalf,
    chunk: &mut [u8],
    control: &mut watch::Receiver<Control>,
) -> Option<usize> {
    moves(control).await?;
    let read = from.read(chunk).await.ok().filter(|read| *read > 0)?;
    // It may have begun to hold everything back while nothing was to be read.
    moves(control).await?;
    Some(read)
}

async fn moves(control: &mut watch::Receiver<Control>) -> Option<()> {
    let moves = control.wait_for(|now| now.manner != Manner::BlackHole);
    moves.await.ok().map(|_| ())
}

fn manner(control: &watch::Receiver<Control>) -> Manner {
    control.borrow().manner
}

/// Writes what was read behind so many bytes of the answer; nothing when the connection is to end.
async fn pass(
    chunk: &mut [u8],
    passed: u64,
    to: &mut OwnedWriteHalf,
    control: &mut watch::Receiver<Control>,
) -> Option<()> {
    let length = chunk.len() as u64;
    match manner(control) {
        Manner::Delay(delay) => tokio::time::sleep(delay).await,
        Manner::Drip(each) => return drip(chunk, each, to, control).await,
        Manner::CutAfter(limit) if passed + length > limit => {
            let rest = usize::try_from(limit.saturating_sub(passed)).ok()?;
            _ = to.write_all(&chunk[..rest.min(chunk.len())]).await;
            return None;
        }
        Manner::Flip(each) => {
            let wrong = (passed..).zip(chunk.iter_mut());
            for (_, byte) in wrong.filter(|(at, _)| at % each.max(1) == each.max(1) - 1) {
                *byte ^= 0x10;
            }
        }
        Manner::Pass
        | Manner::BlackHole
        | Manner::CutAfter(_)
        | Manner::Refuse
        | Manner::Say(_)
        | Manner::Events(_) => {}
    }
    to.write_all(chunk).await.ok()
}

/// Byte by byte, until it may go faster.
async fn drip(
    chunk: &[u8],
    each: Duration,
    to: &mut OwnedWriteHalf,
    control: &mut watch::Receiver<Control>,
) -> Option<()> {
    for (at, byte) in chunk.iter().enumerate() {
        if !matches!(manner(control), Manner::Drip(_)) {
            return to.write_all(&chunk[at..]).await.ok();
        }
        to.write_all(&[*byte]).await.ok()?;
        let faster = control.wait_for(|now| !matches!(now.manner, Manner::Drip(_)));
        _ = tokio::time::timeout(each, faster).await;
    }
    Some(())
}
