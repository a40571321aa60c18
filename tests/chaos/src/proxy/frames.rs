//! What a broker says, frame by frame, so that single events can be lost.

use std::collections::HashMap;

use super::Fate;

/// Type, channel and length stand in front of a frame, and a mark behind it.
const HEAD: usize = 7;
const MARK: usize = 1;

const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
/// Class and method.
const DELIVER: [u8; 4] = [0, 60, 0, 60];
const CONFIRM: [u8; 4] = [0, 60, 0, 80];

/// The answers of one connection, of which only whole frames are passed on.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The begin of a frame.
    rest: Vec<u8>,
    /// By channel: an event that is not whole yet.
    open: HashMap<[u8; 2], Event>,
    /// An event that waits for the next one.
    held: Option<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Event {
    frames: Vec<u8>,
    /// How much of the body is missing; unknown before the header.
    missing: Option<u64>,
}

/// What is passed on of something that came.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) bytes: Vec<u8>,
    /// How many events, or confirms, are not in it and never will be.
    pub(super) lost: u64,
}

impl Frames {
    /// Takes what came, and lets its events have their fate.
    pub(super) fn pass(&mut self, came: &[u8], fate: Option<Fate>) -> Passed {
        self.rest.extend_from_slice(came);
        let all = std::mem::take(&mut self.rest);
        let mut left = all.as_slice();
        let mut passed = Passed::default();
        while let Some((frame, behind)) = length(left).and_then(|end| left.split_at_checked(end)) {
            left = behind;
            self.frame(frame, fate, &mut passed);
        }
        self.rest = left.to_vec();
        passed
    }

    fn frame(&mut self, frame: &[u8], fate: Option<Fate>, passed: &mut Passed) {
        let channel = [frame[1], frame[2]];
        let payload = &frame[HEAD..frame.len() - MARK];
        let method = payload.first_chunk().filter(|_| frame[0] == METHOD);
        if method == Some(&CONFIRM) && fate == Some(Fate::LoseConfirms) {
            passed.lost += 1;
            return;
        }
        if method == Some(&DELIVER) {
            self.open.insert(channel, Event::default());
        }
        let Some(event) = self.open.get_mut(&channel) else {
            passed.bytes.extend_from_slice(frame);
            return;
        };
        event.frames.extend_from_slice(frame);
        event.missing = match (frame[0], event.missing) {
            (HEADER, _) => payload
                .get(4..12)
                .and_then(|size| size.try_into().ok())
                .map(u64::from_be_bytes),
            (BODY, missing) => missing.map(|missing| missing.saturating_sub(payload.len() as u64)),
            (_, missing) => missing,
        };
        if event.missing == Some(0)
            && let Some(event) = self.open.remove(&channel)
        {
            self.event(event.frames, fate, passed);
        }
    }

    /// One that is whole.
    fn event(&mut self, frames: Vec<u8>, fate: Option<Fate>, passed: &mut Passed) {
        match fate {
            Some(Fate::Lose(of_hundred)) if fastrand::u8(..100) < of_hundred => passed.lost += 1,
            Some(Fate::Swap) if self.held.is_none() => {
                self.held = Some(frames);
                return;
            }
            Some(Fate::Repeat(times)) => {
                for _ in 0..times {
                    passed.bytes.extend_from_slice(&frames);
                }
            }
            _ => passed.bytes.extend_from_slice(&frames),
        }
        passed.bytes.extend(self.held.take().into_iter().flatten());
    }
}

/// Of the first frame, once its head is there.
fn length(bytes: &[u8]) -> Option<usize> {
    let length: [u8; 4] = bytes.get(3..HEAD)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(length))
        .ok()?
        .checked_add(HEAD + MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&[kind, 0, 1], &length[..], payload, &[0xCE]].concat()
    }

    fn event(body: &[u8]) -> Vec<u8> {
        let size = (body.len() as u64).to_be_bytes();
        let (first, second) = body.split_at(1);
        [
            frame(METHOD, &[&DELIVER[..], b"tag"].concat()),
            frame(HEADER, &[&[0, 60, 0, 0], &size[..], &[0, 0]].concat()),
            frame(BODY, first),
            frame(BODY, second),
        ]
        .concat()
    }

    /// Whatever the pieces are that it comes in.
    fn pass(came: &[u8], fate: Option<Fate>) -> Passed {
        let mut frames = Frames::default();
        let mut all = Passed::default();
        for piece in came.chunks(3) {
            let passed = frames.pass(piece, fate);
            all.bytes.extend(passed.bytes);
            all.lost += passed.lost;
        }
        all
    }

    #[test]
    fn an_event_is_lost_whole_and_nothing_else() {
        let confirm = frame(METHOD, &CONFIRM);
        let came = [confirm.clone(), event(b"one"), confirm.clone()].concat();
        assert_eq!(pass(&came, None).bytes, came);
        assert_eq!(pass(&came, Some(Fate::Lose(0))).bytes, came);
        let passed = pass(&came, Some(Fate::Lose(100)));
        assert_eq!(passed.bytes, [confirm.clone(), confirm].concat());
        assert_eq!(passed.lost, 1);
        let passed = pass(&came, Some(Fate::LoseConfirms));
        assert_eq!((passed.bytes, passed.lost), (event(b"one"), 2));
    }

    #[test]
    fn events_come_again_or_in_another_order() {
        let came = [event(b"one"), event(b"two")].concat();
        let again = [event(b"one"), event(b"one"), event(b"two"), event(b"two")].concat();
        assert_eq!(pass(&came, Some(Fate::Repeat(2))).bytes, again);
        let swapped = [event(b"two"), event(b"one")].concat();
        assert_eq!(pass(&came, Some(Fate::Swap)).bytes, swapped);
    }
}
