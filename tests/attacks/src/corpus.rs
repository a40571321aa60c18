//! The two forms in which attacks are written down: a row for what is one text, a script for what is more.
//!
//! A row is `id statuses payload`; statuses of what is encoded stand behind a `/` where they are others. It has `! reason` on the line above where a status of 5xx is expected. A script begins with
//! `== id what it is`; each further line is a verb and its words, with text of many lines below, each behind `| `.
//! A line that begins with `# ` is for people.

use std::fmt;

use anyhow::{Context as _, bail, ensure};

/// How an attack may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// An answer with this status.
    Status(u16),
    /// No answer, and the connection is closed.
    Closed,
}

/// All ends that are right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected(Vec<End>);

/// One text that is put wherever texts of requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is called.
    pub id: String,
    /// How each request with it may end, as it is, encoded once and encoded twice.
    pub expected: [Expected; 3],
    /// The text, not yet expanded.
    pub payload: String,
}

/// An attack in steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// What it is called.
    pub id: String,
    /// What it is.
    pub what: String,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

/// A step of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub verb: String,
    /// With what, on the same line.
    pub words: String,
    /// The lines below it, not yet expanded; each ends with a newline.
    pub text: String,
}

impl Expected {
    /// Reads `200,404,closed`.
    ///
    /// # Errors
    /// For anything else.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let end = |word: &str| match word {
            "closed" => Ok(End::Closed),
            status => status
                .parse()
                .map(End::Status)
                .with_context(|| format!("`{status}` is no status")),
        };
        Ok(Self(text.split(',').map(end).collect::<Result<_, _>>()?))
    }

    /// Whether this is right.
    #[must_use]
    pub fn allows(&self, end: End) -> bool {
        self.0.contains(&end)
    }

    /// Nothing is right.
    #[must_use]
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// What is right here or there.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).copied().collect())
    }

    fn blames_us(&self) -> bool {
        let ours = |end: &End| matches!(end, End::Status(status) if *status >= 500);
        self.0.iter().any(ours)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.0.iter().map(End::to_string).collect();
        f.write_str(&words.join(","))
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Closed => f.write_str("closed"),
        }
    }
}

/// Reads rows.
///
/// # Errors
/// With the line that is none.
pub fn rows(text: &str) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut has_reason = false;
    for (number, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with("# ") {
            continue;
        }
        if line.starts_with("! ") {
            has_reason = true;
            continue;
        }
        let row = row(line).with_context(|| format!("line {}", number + 1))?;
        ensure!(
            has_reason || !row.expected.iter().any(Expected::blames_us),
            "line {}: why should the server be at fault? Say so above, behind `! `",
            number + 1
        );
        has_reason = false;
        rows.push(row);
    }
    Ok(rows)
}

fn row(line: &str) -> anyhow::Result<Row> {
    let (id, rest) = line.split_once(' ').context("a row has three columns")?;
    let rest = rest.trim_start();
    let (expected, payload) = rest.split_once(' ').unwrap_or((rest, ""));
    let mut forms = expected.split('/');
    let plain = Expected::parse(forms.next().unwrap_or_default())?;
    let mut next = |before: &Expected| forms.next().map_or(Ok(before.clone()), Expected::parse);
    let once = next(&plain)?;
    let twice = next(&once)?;
    ensure!(forms.next().is_none(), "there are three forms of a payload");
    Ok(Row {
        id: id.to_owned(),
        expected: [plain, once, twice],
        payload: payload.trim().to_owned(),
    })
}

/// Reads scripts.
///
/// # Errors
/// With the line that belongs to none.
pub fn scripts(text: &str) -> anyhow::Result<Vec<Script>> {
    let mut scripts: Vec<Script> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with("# ") {
            continue;
        }
        if let Some(title) = line.strip_prefix("== ") {
            let (id, what) = title.split_once(' ').unwrap_or((title, ""));
            scripts.push(Script {
                id: id.to_owned(),
                what: what.to_owned(),
                steps: Vec::new(),
            });
            continue;
        }
        let script = scripts.last_mut();
        let script = script.with_context(|| format!("line {}: no `== ` above", number + 1))?;
        match line.strip_prefix('|') {
            Some(text) => {
                let step = script.steps.last_mut();
                let step = step.with_context(|| format!("line {}: no verb above", number + 1))?;
                step.text.push_str(text.strip_prefix(' ').unwrap_or(text));
                step.text.push('\n');
            }
            None => script.steps.push(step(line)),
        }
    }
    for script in &scripts {
        check(script)?;
    }
    Ok(scripts)
}

fn step(line: &str) -> Step {
    let (verb, words) = line.split_once(' ').unwrap_or((line, ""));
    Step {
        verb: verb.to_owned(),
        words: words.trim().to_owned(),
        text: String::new(),
    }
}

/// Who expects us to be at fault says `why`.
fn check(script: &Script) -> anyhow::Result<()> {
    let has_reason = script.steps.iter().any(|step| step.verb == "why");
    for step in script
        .steps
        .iter()
        .filter(|step| step.verb == "expect" || step.verb == "ask")
    {
        let statuses = step.words.split(' ').next().unwrap_or_default();
        let expected = Expected::parse(statuses).with_context(|| script.id.clone())?;
        if expected.blames_us() && !has_reason {
            bail!(
                "{}: why should the server be at fault? Say `why …`",
                script.id
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_three_columns_and_reasons() {
        let read =
            rows("# people\nP01 400,404  ..\n\n! as recorded\nP02 500,closed/200\n").unwrap();
        let shown: Vec<_> = read
            .iter()
            .map(|row| {
                let [plain, once, twice] = &row.expected;
                format!("{} {plain} {once} {twice} {}", row.id, row.payload)
            })
            .collect();
        assert_eq!(
            shown,
            ["P01 400,404 400,404 400,404 ..", "P02 500,closed 200 200 "]
        );
        assert!(rows("P01 1/2/3/4 x").is_err());
        assert!(rows("P01 500 x").is_err());
        assert!(rows("P01 4oo x").is_err());
        assert!(rows("P01").is_err());
    }

    #[test]
    fn scripts_have_steps_and_texts() {
        let read = scripts("== R01 a link\nfile a.yml\n| a: 1\n|\n|  b\nask 404 /x\n").unwrap();
        assert_eq!(read[0].what, "a link");
        assert_eq!(read[0].steps[0].text, "a: 1\n\n b\n");
        assert_eq!(
            (&*read[0].steps[1].verb, &*read[0].steps[1].words),
            ("ask", "404 /x")
        );
        assert!(scripts("file a").is_err());
        assert!(scripts("== R01 x\nask 500 /x").is_err());
        assert!(scripts("== R01 x\nwhy broken\nask 500 /x").is_ok());
    }
}
