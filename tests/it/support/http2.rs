use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
};

use super::DEADLINE;

/// Kinds of frames.
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const CONTINUATION: u8 = 9;
/// Flags of frames: the last of a stream, or an answer to a frame of the connection.
pub(crate) const END_STREAM: u8 = 1;
const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
/// The setting of how much may come before more is asked for.
pub(crate) const INITIAL_WINDOW: u16 = 4;

/// A connection of HTTP/2 in clear, frame by frame as a test wants it.
pub(crate) struct Http2 {
    stream: TcpStream,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Http2 {
    /// With these settings.
    pub(crate) fn connect(port: u16, settings: &[(u16, u32)]) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .unwrap();
        let mut connection = Self { stream };
        let one =
            |(name, value): &(u16, u32)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat();
        let payload: Vec<_> = settings.iter().flat_map(one).collect();
        connection.send(SETTINGS, 0, 0, &payload).unwrap();
        connection
    }

    pub(crate) fn send(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
    ) -> io::Result<()> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        self.stream.write_all(&[&head, payload].concat())
    }

    /// A request without a body.
    pub(crate) fn get(
        &mut self,
        stream: u32,
        path: &str,
        fields: &[(&str, &str)],
    ) -> io::Result<()> {
        let block = head("GET", path, fields);
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, &block)
    }

    /// The next frame; `None` once the other side is gone.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.stream.read_exact(&mut payload).ok()?;
        Some(Frame {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]),
            payload,
        })
    }

    /// Waits until everything sent so far was read; `None` when the other side is gone.
    pub(crate) fn ping(&mut self) -> Option<()> {
        self.send(PING, 0, 0, &[7; 8]).ok()?;
        let is_answer = |frame: &Frame| frame.kind == PING && frame.flags & ACK != 0;
        while !is_answer(&self.next()?) {}
        Some(())
    }

    /// The first answer of the connection: status and body.
    pub(crate) fn answer(&mut self, stream: u32) -> Option<(u16, Vec<u8>)> {
        let (mut status, mut body) = (None, Vec::new());
        loop {
            let frame = self.next()?;
            if frame.stream != stream {
                continue;
            }
            match frame.kind {
                HEADERS => status = Some(status_of(&frame.payload)),
                DATA => body.extend(&frame.payload),
                _ => return None,
            }
            if frame.flags & END_STREAM != 0 {
                return Some((status?, body));
            }
        }
    }

    /// Reads until the other side is gone; the kinds of what came before.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        std::iter::from_fn(|| self.next())
            .map(|frame| frame.kind)
            .collect()
    }
}

/// The fields of a request, none of them shortened.
pub(crate) fn head(method: &str, path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let all = [
        (":method", method),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
    ];
    let mut block = Vec::new();
    for (name, value) in all.iter().chain(fields) {
        block.push(0);
        for text in [name, value] {
            literal(text.len(), &mut block);
            block.extend(text.as_bytes());
        }
    }
    block
}

/// A length that leaves the first bit free.
fn literal(length: usize, block: &mut Vec<u8>) {
    const MOST: usize = 127;
    if length < MOST {
        return block.push(u8::try_from(length).unwrap());
    }
    block.push(127);
    let mut rest = length - MOST;
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}

/// The status at the beginning of a block, which it always is: from the table of the standard, or as three digits.
fn status_of(block: &[u8]) -> u16 {
    const TABLE: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
    match *block {
        [first, ..] if first & 0x80 != 0 => TABLE[usize::from(first & 0x7f) - 8],
        [_, length, ref digits @ ..] if length & 0x80 != 0 => {
            shortened(&digits[..usize::from(length & 0x7f)])
        }
        [_, 3, a, b, c, ..] => str::from_utf8(&[a, b, c]).unwrap().parse().unwrap(),
        _ => panic!("no status: {block:?}"),
    }
}

/// Three digits in the code of HPACK: `0` to `2` have five bits, the others six.
fn shortened(bytes: &[u8]) -> u16 {
    let bits: Vec<_> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| u16::from(byte >> bit & 1)))
        .collect();
    let (mut status, mut at) = (0, 0);
    let number = |from: usize, length: usize| {
        bits[from..from + length]
            .iter()
            .fold(0, |number, bit| number * 2 + bit)
    };
    for _ in 0..3 {
        let short = number(at, 5);
        let (digit, length) = if short <= 2 {
            (short, 5)
        } else {
            (number(at, 6) - 0b01_1001 + 3, 6)
        };
        status = status * 10 + digit;
        at += length;
    }
    status
}
