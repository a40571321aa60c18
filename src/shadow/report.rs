//! What is told: a line for every request that was not answered alike, and a summary. `--json` tells of every request.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{compare::Verdict, difference::Difference, request_list::Listed};

const SCHEMA: &str = "confbus.shadow/1";

/// How it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// For people.
    Lines,
    /// One JSON object a line.
    Json,
}

/// How many requests came to what.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) identical: usize,
    pub(super) different: usize,
    pub(super) deliberate: usize,
    pub(super) unanswered: usize,
    /// How many of the identical ones say that the caller may not ask.
    pub(super) refused: usize,
}

/// Writes lines and counts them.
pub(super) struct Report<W> {
    form: Form,
    out: W,
    pub(super) counts: Counts,
}

impl<W: Write> Report<W> {
    pub(super) fn new(form: Form, out: W) -> Self {
        Self {
            form,
            out,
            counts: Counts::default(),
        }
    }

    /// Tells what came of a request, at once.
    pub(super) fn tell(&mut self, listed: &Listed, verdict: &Verdict) -> io::Result<()> {
        let counts = &mut self.counts;
        let (count, outcome) = match verdict {
            Verdict::Identical(status) => {
                counts.refused += usize::from(matches!(status, 401 | 403));
                (&mut counts.identical, "identical")
            }
            Verdict::Different(_) => (&mut counts.different, "different"),
            Verdict::Deliberate(..) => (&mut counts.deliberate, "deliberate"),
            Verdict::Unanswered(..) => (&mut counts.unanswered, "unanswered"),
        };
        *count += 1;
        match (self.form, verdict) {
            (Form::Json, verdict) => {
                let line = object(listed, outcome, verdict);
                writeln!(self.out, "{line}")
            }
            (Form::Lines, Verdict::Identical(_)) => Ok(()),
            (Form::Lines, verdict) => {
                writeln!(self.out, "{outcome:<10}  {listed}: {}", told(verdict))
            }
        }?;
        self.out.flush()
    }

    /// The last line.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let Counts {
            identical,
            different,
            deliberate,
            unanswered,
            ..
        } = self.counts;
        match self.form {
            Form::Json => {
                let summary = json!({
                    "schema": SCHEMA, "type": "result",
                    "identical": identical, "different": different, "deliberate": deliberate, "unanswered": unanswered,
                });
                writeln!(self.out, "{summary}")
            }
            Form::Lines => {
                let unanswered = match unanswered {
                    0 => String::new(),
                    count => format!(", {count} unanswered"),
                };
                writeln!(
                    self.out,
                    "{identical} identical, {different} different, {deliberate} deliberate{unanswered}"
                )
            }
        }
    }
}

fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Identical(_) => String::new(),
        Verdict::Different(difference) => difference.to_string(),
        Verdict::Deliberate(difference, reason) => format!("{difference} ({reason})"),
        Verdict::Unanswered(side, cause) => format!("{side}: {cause}"),
    }
}

fn object(listed: &Listed, outcome: &str, verdict: &Verdict) -> Value {
    let mut object = json!({
        "schema": SCHEMA, "type": "request",
        "line": listed.line, "request": listed.request.to_string(), "outcome": outcome,
    });
    let mut add = |name: &str, value: Value| object[name] = value;
    let (difference, reason): (Option<&Difference>, Option<String>) = match verdict {
        Verdict::Identical(status) => {
            add("status", json!(status));
            (None, None)
        }
        Verdict::Different(difference) => (Some(difference), None),
        Verdict::Deliberate(difference, reason) => (Some(difference), Some(reason.clone())),
        Verdict::Unanswered(..) => (None, Some(told(verdict))),
    };
    if let Some(Difference { place, old, new }) = difference {
        add("place", json!(place));
        add("old", json!(old));
        add("new", json!(new));
    }
    if let Some(reason) = reason {
        add("reason", json!(reason));
    }
    object
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::shadow::{request::Request, wire::NoAnswer};

    fn written(form: Form) -> String {
        let difference = || Difference::new("body", Some("3 bytes".into()), None);
        let mut report = Report::new(form, Vec::new());
        for (line, verdict) in [
            Verdict::Identical(200),
            Verdict::Different(difference()),
            Verdict::Deliberate(difference(), "it is better".into()),
            Verdict::Unanswered("http://old:8888", NoAnswer::Cut),
        ]
        .iter()
        .enumerate()
        {
            let listed = Listed {
                line: line + 1,
                request: Request::parse(b"/a/b").unwrap(),
            };
            report.tell(&listed, verdict).unwrap();
        }
        report.finish().unwrap();
        String::from_utf8(report.out).unwrap()
    }

    #[test]
    fn people_read_what_is_not_the_same() {
        expect![[r#"
            different   GET /a/b (line 2): body: 3 bytes → nothing
            deliberate  GET /a/b (line 3): body: 3 bytes → nothing (it is better)
            unanswered  GET /a/b (line 4): http://old:8888: the connection ended within the answer
            1 identical, 1 different, 1 deliberate, 1 unanswered
        "#]]
        .assert_eq(&written(Form::Lines));
    }

    #[test]
    fn programs_read_everything() {
        expect![[r#"
            {"schema":"confbus.shadow/1","type":"request","line":1,"request":"GET /a/b","outcome":"identical","status":200}
            {"schema":"confbus.shadow/1","type":"request","line":2,"request":"GET /a/b","outcome":"different","place":"body","old":"3 bytes","new":null}
            {"schema":"confbus.shadow/1","type":"request","line":3,"request":"GET /a/b","outcome":"deliberate","place":"body","old":"3 bytes","new":null,"reason":"it is better"}
            {"schema":"confbus.shadow/1","type":"request","line":4,"request":"GET /a/b","outcome":"unanswered","reason":"http://old:8888: the connection ended within the answer"}
            {"schema":"confbus.shadow/1","type":"result","identical":1,"different":1,"deliberate":1,"unanswered":1}
        "#]].assert_eq(&written(Form::Json));
    }

    #[test]
    fn lines_are_as_their_schema_says() {
        let schema = include_str!("../../docs/schemas/confbus.shadow-1.json");
        let schema = serde_json::from_str(schema).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        for line in written(Form::Json).lines() {
            let document: Value = serde_json::from_str(line).unwrap();
            validator
                .validate(&document)
                .unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}
