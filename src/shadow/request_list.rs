//! Where requests come from: a list, or the access log of the server that is to be replaced.

use std::{
    collections::HashSet,
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read as _},
    path::Path,
};

use super::request::{Request, Unreadable};

/// Longer than any server takes a request line, with room for what a log says around it.
const LONGEST_LINE: u64 = 64 * 1024;

/// Requests in the order in which they stand there, each once.
#[derive(Debug, Default)]
pub(super) struct RequestList {
    pub(super) requests: Vec<Listed>,
    /// Whether there were more than the limit.
    pub(super) cut: bool,
    /// Lines of a log that are no reads.
    pub(super) left_out: usize,
}

/// A request and the line that it was first found on.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) line: usize,
    pub(super) request: Request,
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadList {
    #[error("{name}: {cause}")]
    Io { name: String, cause: io::Error },
    #[error("{name}:{line}: longer than {LONGEST_LINE} bytes")]
    LongLine { name: String, line: usize },
    #[error("{name}:{line}:1: {problem}")]
    Line {
        name: String,
        line: usize,
        problem: Unreadable,
    },
    #[error("{name}: there is no request in it")]
    Empty { name: String },
}

impl RequestList {
    /// Reads a file, or standard input when it is called `-`.
    pub(super) fn read(path: &Path, most: usize) -> Result<Self, BadList> {
        if path.as_os_str() == "-" {
            return Self::parse("standard input", io::stdin().lock(), most);
        }
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Self::parse(&name, BufReader::new(file), most),
            Err(cause) => Err(BadList::Io { name, cause }),
        }
    }

    fn parse(name: &str, mut lines: impl BufRead, most: usize) -> Result<Self, BadList> {
        let mut list = Self::default();
        let mut known = HashSet::new();
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = lines
                .by_ref()
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line);
            let read = read.map_err(|cause| BadList::Io {
                name: name.to_owned(),
                cause,
            })?;
            if read == 0 {
                break;
            }
            if !line.ends_with(b"\n") && read as u64 == LONGEST_LINE {
                return Err(BadList::LongLine {
                    name: name.to_owned(),
                    line: number,
                });
            }
            let request = match meant(line.trim_ascii()) {
                Ok(Line::Request(request)) => request,
                Ok(Line::Nothing) => continue,
                Ok(Line::NotARead) => {
                    list.left_out += 1;
                    continue;
                }
                Err(problem) => {
                    return Err(BadList::Line {
                        name: name.to_owned(),
                        line: number,
                        problem,
                    });
                }
            };
            if known.contains(&request) {
                continue;
            }
            if list.requests.len() == most {
                list.cut = true;
                break;
            }
            known.insert(request.clone());
            list.requests.push(Listed {
                line: number,
                request,
            });
        }
        if list.requests.is_empty() {
            return Err(BadList::Empty {
                name: name.to_owned(),
            });
        }
        Ok(list)
    }
}

enum Line {
    Request(Request),
    Nothing,
    NotARead,
}

fn meant(line: &[u8]) -> Result<Line, Unreadable> {
    if line.is_empty() || line.starts_with(b"#") {
        return Ok(Line::Nothing);
    }
    match Request::parse(line) {
        Err(Unreadable::Neither) => logged(line).ok_or(Unreadable::Neither),
        parsed => parsed.map(Line::Request),
    }
}

/// A line of a common or combined log: `host user [time] "GET /orders/dev HTTP/1.1" 200 …`.
fn logged(line: &[u8]) -> Option<Line> {
    let start = line.iter().position(|byte| *byte == b'"')? + 1;
    let (said, rest) = unescaped(&line[start..])?;
    let [b' ', a, b, c, ..] = rest else {
        return None;
    };
    if ![a, b, c].into_iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(read(&said).map_or(Line::NotARead, Line::Request))
}

fn read(request_line: &[u8]) -> Option<Request> {
    let mut words = request_line.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let method = ["GET", "HEAD"]
        .into_iter()
        .find(|known| known.as_bytes() == method)?;
    if words.next().is_some() || !version.starts_with(b"HTTP/") {
        return None;
    }
    Request::new(method, target)
}

/// Up to the closing quotation mark, with `\"`, `\\` and `\xHH` read as servers write them, and what follows.
fn unescaped(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut said = Vec::new();
    let mut rest = text;
    loop {
        rest = match rest {
            [b'"', rest @ ..] => return Some((said, rest)),
            [b'\\', b'x', high, low, rest @ ..]
                if digit(*high).is_some() && digit(*low).is_some() =>
            {
                said.push(digit(*high)? * 16 + digit(*low)?);
                rest
            }
            [b'\\', byte @ (b'"' | b'\\'), rest @ ..] | [byte, rest @ ..] => {
                said.push(*byte);
                rest
            }
            [] => return None,
        };
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {})", self.request, self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, most: usize) -> Result<RequestList, String> {
        RequestList::parse("list", text.as_bytes(), most).map_err(|error| error.to_string())
    }

    fn shown(text: &str) -> Vec<String> {
        let list = parsed(text, 100).unwrap();
        list.requests.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_list_has_comments_and_names_each_request_once() {
        let text = "# all routes\n\n/orders/dev\nGET /orders/dev\r\nHEAD /orders/dev\n/orders/dev -H 'Accept: x/y'";
        assert_eq!(
            shown(text),
            [
                "GET /orders/dev (line 3)",
                "HEAD /orders/dev (line 5)",
                "GET /orders/dev (line 6)"
            ]
        );
    }

    #[test]
    fn a_log_gives_its_reads() {
        let text = r#"127.0.0.1 - - [21/Nov/2026:18:58:10 +0000] "GET /orders/dev HTTP/1.1" 200 812
10.0.0.7 - ana [21/Nov/2026:18:58:11 +0000] "POST /monitor HTTP/1.1" 200 12 "-" "curl/8.5"
10.0.0.7 - - [21/Nov/2026:18:58:12 +0000] "GET /d\xC3\xA9v\x22/x?a=b HTTP/1.1" 404 1 "http://a \"b\"" "Java/17"
10.0.0.7 - - [21/Nov/2026:18:58:13 +0000] "-" 400 -
10.0.0.7 - - [21/Nov/2026:18:58:14 +0000] "\x16\x03\x01" 400 166
10.0.0.7 - - [21/Nov/2026:18:58:15 +0000] "GET /with space HTTP/1.1" 400 166
10.0.0.8 - - [21/Nov/2026:18:58:16 +0000] "GET /orders/dev HTTP/1.1" 200 812
"#;
        assert_eq!(
            shown(text),
            ["GET /orders/dev (line 1)", "GET /dév\"/x?a=b (line 3)"]
        );
        assert_eq!(parsed(text, 100).unwrap().left_out, 4);
    }

    #[test]
    fn what_is_no_request_is_named_with_its_place() {
        for (text, expected) in [
            (
                "/a/b\n{\"path\": 200}\n",
                "list:2:1: neither a request such as `GET /orders/dev` nor a line of an access log",
            ),
            (
                "POST /monitor",
                "list:1:1: only reads are compared: GET, HEAD and OPTIONS",
            ),
            ("# nothing\n", "list: there is no request in it"),
        ] {
            assert_eq!(parsed(text, 100).unwrap_err(), expected);
        }
        let long = format!("/a\n/{}\n", "x".repeat(70_000));
        assert_eq!(
            parsed(&long, 100).unwrap_err(),
            "list:2: longer than 65536 bytes"
        );
    }

    #[test]
    fn a_list_ends_at_its_limit() {
        let list = parsed("/a\n/a\n/b\n/c\n", 2).unwrap();
        assert_eq!((list.requests.len(), list.cut), (2, true));
        assert!(!parsed("/a\n/b\n/b\n", 2).unwrap().cut);
    }
}
