//! Many sockets that one thread reads, and the least that it takes to write to all of them.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rustix::event::{Timespec, epoll};

use super::clock;
use crate::bench::bytes::contains;

/// As long as an event of ours with its frame.
pub(super) const MESSAGE: usize = 300;
const DEADLINE: Duration = Duration::from_secs(10);

/// Sockets of one reader.
pub(super) struct Readers {
    epoll: OwnedFd,
    sockets: Vec<TcpStream>,
}

impl Readers {
    pub(super) fn new(sockets: Vec<TcpStream>) -> anyhow::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for (number, socket) in (0_u64..).zip(&sockets) {
            socket.set_nonblocking(true)?;
            let data = epoll::EventData::new_u64(number);
            epoll::add(&epoll, socket, data, epoll::EventFlags::IN)?;
        }
        Ok(Self { epoll, sockets })
    }

    /// Reads until every socket had bytes that hold the mark; the moment at which the last one had.
    pub(super) fn all_have(&mut self, mark: &[u8]) -> anyhow::Result<i64> {
        let until = Instant::now() + DEADLINE;
        let mut left = self.sockets.len();
        let mut buffer = [0; 4096];
        while left > 0 {
            ensure!(Instant::now() < until, "{left} sockets did not get it");
            let mut ready = Vec::with_capacity(256);
            let patience = Timespec {
                tv_sec: 1,
                tv_nsec: 0,
            };
            epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut ready),
                Some(&patience),
            )?;
            for event in ready {
                let number = usize::try_from(event.data.u64())?;
                let read = self.sockets[number].read(&mut buffer)?;
                ensure!(read > 0, "a socket was closed");
                left -= usize::from(contains(&buffer[..read], mark));
            }
        }
        Ok(clock::now())
    }
}

/// One thread writes a message to so many sockets, another one reads them.
pub(super) struct Floor {
    readers: Readers,
    writers: Vec<TcpStream>,
}

impl Floor {
    pub(super) fn new(count: usize) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..count {
            ours.push(TcpStream::connect(listener.local_addr()?)?);
            let (stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            theirs.push(stream);
        }
        Ok(Self {
            readers: Readers::new(ours)?,
            writers: theirs,
        })
    }

    /// Milliseconds from the first write to the last read.
    pub(super) fn round(&mut self) -> anyhow::Result<f64> {
        let message = [b'x'; MESSAGE];
        let (readers, writers) = (&mut self.readers, &mut self.writers);
        thread::scope(|scope| {
            let last = scope.spawn(|| readers.all_have(&message[..1]));
            let began = clock::now();
            for writer in writers {
                writer.write_all(&message)?;
            }
            let last = last.join().ok().context("the reader panicked")??;
            Ok(clock::millis(began, last))
        })
    }
}
