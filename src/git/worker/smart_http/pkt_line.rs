use bytes::{Bytes, BytesMut};
use reqwest::Response;

use super::Trouble;

/// The longest line that Git writes, its own length included.
const MAX_LINE: usize = 65_520;

/// One line of Git's protocols.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// With a text or bytes.
    Data(Bytes),
    /// The end of an answer.
    Flush,
    /// Between the parts of an answer.
    Delimiter,
}

/// Reads the lines of an answer as it comes.
#[derive(Debug)]
pub(super) struct Lines {
    response: Response,
    buffer: BytesMut,
    /// Bytes that may still come.
    left: u64,
}

impl Lines {
    pub(super) fn new(response: Response, limit: u64) -> Self {
        Self {
            response,
            buffer: BytesMut::new(),
            left: limit,
        }
    }

    pub(super) async fn next(&mut self) -> Result<Line, Trouble> {
        loop {
            if let Some(line) = split(&mut self.buffer)? {
                return Ok(line);
            }
            let chunk = self.response.chunk().await?.ok_or(Trouble::CutOff)?;
            let length = chunk.len() as u64;
            self.left = self.left.checked_sub(length).ok_or(Trouble::TooLarge)?;
            self.buffer.extend_from_slice(&chunk);
        }
    }

    /// The text of the next line, without its end; `None` for any other than one with a text.
    pub(super) async fn text(&mut self) -> Result<Option<String>, Trouble> {
        match self.next().await? {
            Line::Data(data) => Ok(Some(text(&data)?.to_owned())),
            Line::Flush | Line::Delimiter => Ok(None),
        }
    }

    /// Reads to the end, so that the connection can serve again.
    pub(super) async fn finish(mut self) -> Result<(), Trouble> {
        match self.response.chunk().await? {
            Some(chunk) if !chunk.is_empty() => Err(Trouble::NotGit),
            _ => Ok(()),
        }
    }
}

/// What stands in a line, without its end; what the remote says against us is an error.
pub(super) fn text(data: &[u8]) -> Result<&str, Trouble> {
    let text = str::from_utf8(data).map_err(|_| Trouble::NotGit)?;
    let text = text.trim_end_matches('\n');
    match text.strip_prefix("ERR ") {
        Some(reason) => Err(Trouble::Refused(reason.to_owned())),
        None => Ok(text),
    }
}

/// Writes a line.
pub(super) fn write(body: &mut String, text: &str) {
    use std::fmt::Write as _;
    // Writing to a text does not fail.
    _ = writeln!(body, "{:04x}{text}", text.len() + 5);
}

/// Ends a request.
pub(super) const FLUSH: &str = "0000";
/// Ends the part of a request that says what we can.
pub(super) const DELIMITER: &str = "0001";

fn split(buffer: &mut BytesMut) -> Result<Option<Line>, Trouble> {
    let Some(digits) = buffer.get(..4) else {
        return Ok(None);
    };
    let length = match length(digits).ok_or(Trouble::NotGit)? {
        0 => return Ok(Some(short(buffer, Line::Flush))),
        1 => return Ok(Some(short(buffer, Line::Delimiter))),
        length @ 4..=MAX_LINE => length,
        _ => return Err(Trouble::NotGit),
    };
    if buffer.len() < length {
        buffer.reserve(length - buffer.len());
        return Ok(None);
    }
    let mut line = buffer.split_to(length).freeze();
    Ok(Some(Line::Data(line.split_off(4))))
}

fn length(digits: &[u8]) -> Option<usize> {
    digits.iter().try_fold(0, |length, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(length * 16 + digit as usize)
    })
}

fn short(buffer: &mut BytesMut, line: Line) -> Line {
    _ = buffer.split_to(4);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Result<Vec<Line>, String> {
        let mut buffer = BytesMut::from(text);
        let mut lines = Vec::new();
        while let Some(line) = split(&mut buffer).map_err(|trouble| trouble.to_string())? {
            lines.push(line);
        }
        assert_eq!(buffer.len(), if text.ends_with("000") { 3 } else { 0 });
        Ok(lines)
    }

    #[test]
    fn lines_are_taken_apart() {
        let mut written = String::new();
        write(&mut written, "want x");
        assert_eq!(written, "000bwant x\n");
        assert_eq!(
            lines(&format!("{written}{DELIMITER}0004{FLUSH}000")).unwrap(),
            [
                Line::Data("want x\n".into()),
                Line::Delimiter,
                Line::Data(Bytes::new()),
                Line::Flush,
            ]
        );
    }

    #[test]
    fn garbage_is_no_line() {
        for garbage in ["<htm", "0002", "0003", "fff1", "ffff", "+004", "é12"] {
            assert!(lines(garbage).is_err(), "{garbage}");
        }
    }

    #[test]
    fn what_the_remote_has_against_us_is_told() {
        let refused = text(b"ERR not our ref\n").unwrap_err().to_string();
        assert_eq!(refused, "it answered: not our ref");
    }
}
