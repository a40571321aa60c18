//! How far the first clones are, on a terminal.

use std::{
    io::{self, IsTerminal as _, Write as _},
    os::fd::AsFd,
    time::Duration,
};

use confbus::{Clones, ClonesProgress, Megabytes, telemetry::LogFormat};

/// Between two looks at how far they are.
const EVERY: Duration = Duration::from_millis(500);
/// Columns of a terminal that does not say how many it has.
const WIDTH: u16 = 80;

/// Shows a line as long as clones go on, where people read the log; it takes no row of its own and leaves nothing.
pub(crate) async fn show(clones: Clones, format: LogFormat) {
    if format != LogFormat::Text || !io::stderr().is_terminal() {
        return;
    }
    let mut is_shown = false;
    let mut turns = tokio::time::interval(EVERY);
    loop {
        turns.tick().await;
        let line = clones.progress().map(line);
        if line.is_some() || is_shown {
            write(line.as_deref().unwrap_or_default());
        }
        is_shown = line.is_some();
    }
}

/// The cursor goes back to the beginning of the row, so that whatever comes next takes its place.
fn write(line: &str) {
    let mut terminal = io::stderr().lock();
    let line = cut(line, columns(&terminal));
    // Nobody is left to tell when it cannot be written.
    _ = write!(terminal, "\r\x1b[K{line}\r").and_then(|()| terminal.flush());
}

fn columns(terminal: &impl AsFd) -> u16 {
    let size = rustix::termios::tcgetwinsize(terminal);
    let columns = size.map_or(0, |size| size.ws_col);
    if columns == 0 { WIDTH } else { columns }
}

/// What stays on one row; in the last column some terminals go on to the next one.
fn cut(line: &str, columns: u16) -> &str {
    let mut ends = line.char_indices().map(|(end, _)| end);
    let end = ends.nth(usize::from(columns).saturating_sub(1));
    &line[..end.unwrap_or(line.len())]
}

fn line(progress: ClonesProgress) -> String {
    let ClonesProgress {
        bytes,
        bytes_per_second,
        left,
    } = progress;
    let mut line = format!(
        "  cloning  {}  {}/s",
        Megabytes(bytes),
        Megabytes(bytes_per_second)
    );
    if let Some(left) = left {
        line.push_str(&format!("  about {} s left", left.as_secs().max(1)));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_bytes_rate_and_time_left() {
        let progress = ClonesProgress {
            bytes: 41_234_567,
            bytes_per_second: 2_049_999,
            left: None,
        };
        assert_eq!(line(progress), "  cloning  41.2 MB  2.0 MB/s");
        let progress = ClonesProgress {
            bytes: 12_345_678_901,
            left: Some(Duration::from_secs(12_345)),
            ..progress
        };
        let longest = line(progress);
        assert_eq!(
            longest,
            "  cloning  12345.6 MB  2.0 MB/s  about 12345 s left"
        );
        assert_eq!(cut(&longest, WIDTH), longest);
        assert_eq!(cut(&longest, 22), "  cloning  12345.6 MB");
        assert_eq!(cut(&longest, 0), "");
    }
}
