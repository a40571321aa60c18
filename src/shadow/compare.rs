//! Two answers to one request: the same, or where they begin to differ.

use serde_json::Value;

use super::{
    deliberate,
    difference::{Difference, Values},
    environment,
    normal::{Checkouts, without_credentials, without_time},
    request::Request,
    wire::{Answer, NoAnswer},
};

/// What clients act upon. `Date`, `Cache-Control`, entity tags and what only confbus tells are not among them.
const HEADERS: [&str; 8] = [
    "content-type",
    "content-disposition",
    "content-encoding",
    "allow",
    "accept",
    "accept-patch",
    "location",
    "www-authenticate",
];

/// Java's sets come in another order in every process.
const LISTS: [&str; 2] = ["allow", "accept"];

/// What came of one request.
#[derive(Debug)]
pub(super) enum Verdict {
    /// With this status.
    Identical(u16),
    Different(Difference),
    /// They differ because confbus means to, and why.
    Deliberate(Difference, String),
    /// One of them did not answer.
    Unanswered(&'static str, NoAnswer),
}

/// Compares what the server that is to be replaced says to a request with what the other one says.
pub(super) fn compare(
    request: &Request,
    mut old: Answer,
    mut new: Answer,
    checkouts: &mut Checkouts,
    values: Values,
) -> Verdict {
    without_time(&mut old);
    without_time(&mut new);
    let mut bared = false;
    if old.body != new.body {
        bared = without_credentials(&mut old) | without_credentials(&mut new);
        checkouts.hide(&mut old, &mut new);
    }
    let reason = deliberate::reason(request, &old, &new);
    match (first(&old, &new, values), reason) {
        (Some(difference), Some(reason)) => Verdict::Deliberate(difference, reason),
        (Some(difference), None) => Verdict::Different(difference),
        (None, _) if bared => {
            let place = "names of property sources, credentials in the address";
            let difference = Difference::of_names(place, "there", "not the same");
            Verdict::Deliberate(difference, deliberate::NO_CREDENTIALS.into())
        }
        (None, _) => Verdict::Identical(new.status),
    }
}

fn first(old: &Answer, new: &Answer, values: Values) -> Option<Difference> {
    if old.status != new.status {
        return Some(Difference::of_names(
            "status",
            &old.status.to_string(),
            &new.status.to_string(),
        ));
    }
    HEADERS
        .into_iter()
        .find_map(|name| header(name, old, new))
        .or_else(|| body(&old.body, &new.body, values))
}

fn header(name: &str, old: &Answer, new: &Answer) -> Option<Difference> {
    let [old, new] = [old, new].map(|answer| answer.header(name));
    let same = if LISTS.contains(&name) {
        sorted(old.as_deref()) == sorted(new.as_deref())
    } else {
        old == new
    };
    (!same).then(|| Difference::new(format!("header `{name}`"), old, new))
}

fn sorted(list: Option<&str>) -> Option<Vec<&str>> {
    let mut items: Vec<_> = list?.split(',').map(str::trim).collect();
    items.sort_unstable();
    Some(items)
}

fn body(old: &[u8], new: &[u8], values: Values) -> Option<Difference> {
    if old == new {
        return None;
    }
    let size = |body: &[u8]| (!body.is_empty()).then(|| format!("{} bytes", body.len()));
    if old.is_empty() || new.is_empty() {
        return Some(Difference::new("body", size(old), size(new)));
    }
    let json = |body: &[u8]| {
        serde_json::from_slice::<Value>(body)
            .ok()
            .filter(is_structured)
    };
    let by_json = || environment::differ(&json(old)?, &json(new)?, values);
    let by_line = || lines(str::from_utf8(old).ok()?, str::from_utf8(new).ok()?, values);
    let by_byte = || {
        let place = format!("body, byte {}", equal_bytes(old, new) + 1);
        Difference::new(place, size(old), size(new))
    };
    by_json().or_else(by_line).or_else(|| Some(by_byte()))
}

fn is_structured(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

/// Line and column count from 1, the column in characters.
fn lines(old: &str, new: &str, values: Values) -> Option<Difference> {
    let mut end = equal_bytes(old.as_bytes(), new.as_bytes());
    while !old.is_char_boundary(end) {
        end -= 1;
    }
    let begin = old[..end].rfind('\n').map_or(0, |at| at + 1);
    let line = old[..end].matches('\n').count() + 1;
    let column = old[begin..end].chars().count() + 1;
    let shown = |text: &str| {
        let line = text[begin..]
            .split('\n')
            .next()
            .filter(|_| text.len() > begin);
        line.map(|line| values.line(line))
    };
    Some(Difference::new(
        format!("body, line {line}, column {column}"),
        shown(old),
        shown(new),
    ))
}

fn equal_bytes(old: &[u8], new: &[u8]) -> usize {
    old.iter()
        .zip(new)
        .take_while(|(old, new)| old == new)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(old: Answer, new: Answer, values: Values) -> String {
        let request = Request::parse(b"/orders/dev").unwrap();
        match compare(&request, old, new, &mut Checkouts::default(), values) {
            Verdict::Identical(_) => "identical".into(),
            Verdict::Different(difference) => difference.to_string(),
            Verdict::Deliberate(difference, reason) => format!("{difference}: {reason}"),
            Verdict::Unanswered(side, cause) => format!("{side}: {cause}"),
        }
    }

    fn bodies(old: &str, new: &str) -> String {
        verdict(
            Answer::of(200, &[], old),
            Answer::of(200, &[], new),
            Values::Shown,
        )
    }

    #[test]
    fn the_status_comes_first_then_headers_then_the_body() {
        let plain = |status, kind, body| {
            Answer::of(status, &[("content-type", kind), ("date", body)], body)
        };
        for (new, expected) in [
            (plain(200, "a/b", "x"), "identical"),
            (plain(404, "c/d", "y"), "status: 200 → 404"),
            (plain(200, "c/d", "y"), "header `content-type`: a/b → c/d"),
            (
                plain(200, "a/b", "y"),
                "body, line 1, column 1: a line → another one",
            ),
            (plain(200, "a/b", ""), "body: 1 bytes → nothing"),
            (
                Answer::of(200, &[], "x"),
                "header `content-type`: a/b → nothing",
            ),
        ] {
            assert_eq!(
                verdict(plain(200, "a/b", "x"), new, Values::Hidden),
                expected
            );
        }
    }

    #[test]
    fn lists_have_no_order() {
        let allow = |methods| Answer::of(405, &[("allow", methods)], "");
        assert_eq!(
            verdict(allow("GET, HEAD"), allow("HEAD,GET"), Values::Hidden),
            "identical"
        );
        assert_eq!(
            verdict(allow("GET"), allow("HEAD"), Values::Hidden),
            "header `allow`: GET → HEAD"
        );
    }

    #[test]
    fn texts_differ_in_a_line() {
        assert_eq!(
            bodies("a: 1\nbé: 2\n", "a: 1\nbé: 3\n"),
            "body, line 2, column 5: bé: 2 → bé: 3"
        );
        assert_eq!(
            bodies("a\nb\n", "a\nb"),
            "body, line 2, column 2: b → another one"
        );
        assert_eq!(bodies("a\n", "a\nb"), "body, line 2, column 1: nothing → b");
        assert_eq!(bodies("é", "è"), "body, line 1, column 1: é → è");
        assert_eq!(bodies("7", "8"), "body, line 1, column 1: 7 → 8");
    }

    #[test]
    fn json_that_says_the_same_in_other_bytes_differs() {
        assert_eq!(
            bodies(r#"{"a":1.0}"#, r#"{"a":1.00}"#),
            r#"body, line 1, column 9: {"a":1.0} → {"a":1.00}"#
        );
        assert_eq!(bodies(r#"{"a":1}"#, r#"{"a":2}"#), "body, `a`: 1 → 2");
    }

    #[test]
    fn credentials_in_names_are_left_out_on_purpose() {
        let answer = |address: &str| {
            let source = serde_json::json!({ "name": format!("{address}/a.yml"), "source": {} });
            Answer::of(
                200,
                &[],
                &serde_json::json!({ "propertySources": [source] }).to_string(),
            )
        };
        let (with, without) = ("https://ana:s3cret@host", "https://host");
        let told = |old, new| verdict(answer(old), answer(new), Values::Shown);
        assert_eq!(told(with, with), "identical");
        assert_eq!(
            told(with, without),
            "names of property sources, credentials in the address: there → not the same: \
             credentials do not leave the server, not even in names"
        );
        assert_eq!(
            told(with, "https://other"),
            "property source 1: https://host/a.yml → https://other/a.yml"
        );
    }

    #[test]
    fn bytes_differ_at_an_offset() {
        let bytes = |last| {
            let mut answer = Answer::of(200, &[], "");
            answer.body = vec![0xff, 0, last];
            answer
        };
        assert_eq!(verdict(bytes(1), bytes(1), Values::Hidden), "identical");
        assert_eq!(
            verdict(bytes(1), bytes(2), Values::Hidden),
            "body, byte 3: 3 bytes → another one"
        );
    }
}
