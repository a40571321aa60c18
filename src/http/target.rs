//! The raw request target: what a servlet container refuses, and the decoded segments of the rest.

use percent_encoding::percent_decode_str;

/// Whether a servlet container would refuse this target before any application sees it.
///
/// Encoded slashes, backslashes and NULs could climb out of a segment once decoded; the raw characters are none of a URI.
pub(super) fn is_refused(path: &str, query: Option<&str>) -> bool {
    !path.bytes().all(is_legal)
        || !query
            .unwrap_or_default()
            .bytes()
            .all(|byte| is_legal(byte) && !b"[]".contains(&byte))
        || !decodes(path)
        || climbs(path)
}

/// The segments after the leading slash, decoded and without `;matrix=parameters`; empty ones are kept.
pub(super) fn segments(path: &str) -> Vec<String> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split('/')
        .map(|segment| decoded(plain(segment)))
        .collect()
}

/// A segment without its matrix parameters.
pub(super) fn plain(segment: &str) -> &str {
    segment.split(';').next().unwrap_or(segment)
}

/// Percent-decoded; what is not UTF-8 was refused before.
pub(super) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn is_legal(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&byte)
}

fn decodes(path: &str) -> bool {
    let mut rest = path.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        match &rest[at + 1..] {
            [high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let forbidden = matches!(
                    (high, low.to_ascii_uppercase()),
                    (b'2', b'F') | (b'5', b'C') | (b'0', b'0')
                );
                if forbidden {
                    return false;
                }
                rest = tail;
            }
            _ => return false,
        }
    }
    percent_decode_str(path).decode_utf8().is_ok()
}

/// Whether `..` leads above the root.
fn climbs(path: &str) -> bool {
    let mut depth = 0_usize;
    for segment in segments(path) {
        match segment.as_str() {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_refuse_what_is_no_path() {
        for path in [
            "/foo/dev/feature%2Fx",
            "/foo/dev/feature%2fx",
            "/foo/a%5Cb",
            "/foo/de%00v",
            "/foo/de|v",
            "/foo/{dev}",
            "/foo/dév",
            "/foo/dev%zz",
            "/foo/dev%2",
            "/foo/dev%",
            "/foo/%ff",
            "/foo/a\"b",
            "/foo/<b>",
            "/foo/a\\b",
            "/foo/a^b",
            "/foo/a`b",
            "/../etc",
            "/foo/../../x",
            "/%2e%2e/x",
        ] {
            assert!(is_refused(path, None), "{path}");
        }
        for path in [
            "/",
            "/foo/%7Bdev%7D",
            "/foo/d%C3%A9v",
            "/foo/../main",
            "/foo/dev/main/%2e%2e/secret",
            "/..%252F..%252Fetc%23foo/x",
            "//foo",
            "/foo/dev;x=1",
            "/a[b]",
        ] {
            assert!(!is_refused(path, None), "{path}");
        }
        assert!(is_refused("/foo/dev", Some("x=|")));
        assert!(!is_refused("/foo/dev", Some("x=%zz&y=a/b?c")));
    }

    #[test]
    fn segments_are_decoded_once_and_lose_their_parameters() {
        for (path, expected) in [
            ("/foo/dev;x=1/main", &["foo", "dev", "main"][..]),
            ("/foo/dev/main;", &["foo", "dev", "main"]),
            ("/semi%3Bcolon.txt", &["semi;colon.txt"]),
            ("/foo/%252e%2B+x", &["foo", "%2e++x"]),
            ("/foo/dev/", &["foo", "dev", ""]),
            ("//foo", &["", "foo"]),
            ("/", &[""]),
        ] {
            assert_eq!(segments(path), expected, "{path}");
        }
    }
}
