//! Lines of the log on their way to standard error, for which nobody waits.
//!
//! Whoever reads our log may be slow, or hang; then lines are lost and counted, and requests go on.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait to be written.
const WAITING: usize = 8_192;
/// How long the end of the process waits for what was said last.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Where lines are put; each clone is the same place.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    lines: SyncSender<Line>,
    lost: Arc<AtomicU64>,
}

/// Keeps the log; dropping it waits a moment until what was said is written.
#[derive(Debug)]
#[must_use = "the last lines are lost without it"]
pub struct Log(Lines);

#[derive(Debug)]
enum Line {
    Text(Vec<u8>),
    /// Whoever wants to know that everything before it is written.
    End(SyncSender<()>),
}

impl Lines {
    /// Starts to write to a place.
    pub(super) fn to(place: impl Write + Send + 'static) -> io::Result<(Self, Log)> {
        let (lines, waiting) = sync_channel(WAITING);
        let lost = Arc::default();
        let counted = Arc::clone(&lost);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(&waiting, &counted, place))?;
        let lines = Self { lines, lost };
        Ok((lines.clone(), Log(lines)))
    }
}

fn write(waiting: &Receiver<Line>, lost: &AtomicU64, mut place: impl Write) {
    while let Ok(line) = waiting.recv() {
        // Nobody can be told that the log cannot be written, and who asks may have left.
        match line {
            Line::Text(line) => _ = place.write_all(&line),
            Line::End(end) => _ = end.send(()),
        }
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            _ = writeln!(place, "{lost} lines were lost, because nobody read the log");
        }
    }
}

/// One line, which `tracing_subscriber` writes at once.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Err(TrySendError::Full(_)) = self.lines.try_send(Line::Text(line.to_vec())) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let (end, ended) = sync_channel(1);
        // One who is full is stuck, and is not waited for.
        if self.0.lines.try_send(Line::End(end)).is_ok() {
            _ = ended.recv_timeout(LAST_WORDS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_there_at_the_end() {
        let (mut read, written) = io::pipe().unwrap();
        let (mut lines, log) = Lines::to(written).unwrap();
        for number in 0..100 {
            writeln!(lines, "line {number}").unwrap();
        }
        drop(log);
        drop(lines);
        let text = io::read_to_string(&mut read).unwrap();
        assert_eq!(text.lines().count(), 100);
        assert!(text.ends_with("line 99\n"));
    }

    #[test]
    fn nobody_waits_for_who_does_not_read() {
        let (unread, written) = io::pipe().unwrap();
        let (mut lines, log) = Lines::to(written).unwrap();
        // More than a pipe and the queue take.
        let line = [b'x'; 1_024];
        for _ in 0..2 * WAITING {
            lines.write_all(&line).unwrap();
        }
        assert!(lines.lost.load(Ordering::Relaxed) > 0);
        drop(log);
        drop(unread);
    }
}
