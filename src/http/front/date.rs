use std::{
    cell::Cell,
    rc::Rc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use crate::http::{conditional::http_date, serve::Clock};

/// The line that tells the time and ends a head; made once a tick.
pub(super) struct Date {
    clock: Rc<Clock>,
    made: Cell<Instant>,
    line: Cell<Line>,
}

/// `Date: Sat, 21 Nov 2026 14:25:10 GMT` and the end of the head.
type Line = [u8; 39];

impl Date {
    pub(super) fn new(clock: Rc<Clock>) -> Self {
        Self {
            made: Cell::new(clock.now()),
            line: Cell::new(line()),
            clock,
        }
    }

    pub(super) fn line(&self) -> Line {
        let now = self.clock.now();
        if self.made.replace(now) != now {
            self.line.set(line());
        }
        self.line.get()
    }
}

fn line() -> Line {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = seconds.map_or(0, |since| since.as_secs());
    // Until the year 9999 every date has the same length.
    let text = http_date(seconds.try_into().unwrap_or(0)).unwrap_or_default();
    let line = format!("Date: {text:29}\r\n\r\n");
    line.as_bytes()
        .try_into()
        .expect("a date has 29 characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_the_time() {
        let line = line();
        let line = str::from_utf8(&line).unwrap();
        assert!(
            line.starts_with("Date: ") && line.ends_with(" GMT\r\n\r\n"),
            "{line}"
        );
    }
}
