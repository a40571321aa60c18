//! What can be shown: a change, one that is refused, a broken file, and a line that is cut, each with what came of it.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use confbus::{
    Settings,
    findings::{Findings, Subject},
    short_version,
};

use super::{
    fleet::{APPLICATION, Fleet, KEY, until},
    repository::DemoRepository,
};
use crate::{check, desk::Desk};

/// How long a step is waited for; each takes a fraction of a second, but for a line that is cut.
const WITHIN: Duration = Duration::from_secs(10);

const FILE: &str = "orders.yml";
const OTHER_FILE: &str = "payments.yml";

/// A file's line with the value that is changed.
const LINE: &str = "max-open:";
const OTHER_LINE: &str = "max:";
/// Belongs to nothing, since the line above has a value.
const STRAY: &str = "      per-customer: 3";

/// Values go up by this, and begin anew beyond the last.
const PACE: u32 = 20;
const LAST: u32 = 200;
/// What the instances refuse; the second where the first stands already.
const REFUSED: [u32; 2] = [0, 5000];

/// One thing to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Good,
    Refused,
    Broken,
    Fixed,
    Cut,
}

impl Step {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Refused => "refused",
            Self::Broken => "broken",
            Self::Fixed => "fixed",
            Self::Cut => "cut",
        }
    }
}

/// What came of a step.
pub(super) struct Outcome {
    /// What is wrong in a file, as a compiler says it.
    pub(super) detail: Option<String>,
    /// The step in one line.
    pub(super) line: String,
    /// Whether it went as promised.
    pub(super) holds: bool,
}

impl Outcome {
    fn new(holds: bool, line: String) -> Self {
        let line = if holds {
            line
        } else {
            format!("{line} (not within {} s)", WITHIN.as_secs())
        };
        Self {
            detail: None,
            line,
            holds,
        }
    }
}

/// Where the story plays.
pub(super) struct Story<'r> {
    pub(super) repository: &'r mut DemoRepository,
    pub(super) fleet: Fleet,
    pub(super) server: Desk,
    /// By which a file is judged.
    pub(super) settings: Settings,
    /// The file as it was broken, and as it was before.
    pub(super) broken: Option<(String, String)>,
}

impl Story<'_> {
    /// Shows one thing and waits for what comes of it.
    ///
    /// # Errors
    /// When the repository cannot be changed.
    pub(super) async fn play(&mut self, step: Step) -> anyhow::Result<Outcome> {
        match step {
            Step::Good => self.change("raise the limit").await,
            Step::Fixed => self.change("mend the file").await,
            Step::Refused => self.refused().await,
            Step::Broken => self.break_file().await,
            Step::Cut => self.cut().await,
        }
    }

    /// A value that everybody takes.
    async fn change(&mut self, subject: &str) -> anyhow::Result<Outcome> {
        let (commit, change) = self.raise(subject)?;
        let all = self.fleet.size();
        let took = until(WITHIN, async || self.fleet.live(&commit) == all).await;
        let live = self.fleet.live(&commit);
        let after = took.map(after).unwrap_or_default();
        let line = format!("{change}  live on {live} of {all}{after}");
        Ok(Outcome::new(took.is_some(), line))
    }

    /// A value that nobody takes: all go on with what they have.
    async fn refused(&mut self) -> anyhow::Result<Outcome> {
        let before = self.fleet.value();
        let sound = self.sound()?;
        let stands = |value: &&u32| value_of(&sound, LINE) != Some(**value);
        let value = REFUSED.iter().find(stands).copied().unwrap_or_default();
        self.write(&with_value(&sound, LINE, value).with_context(|| lost(FILE, LINE))?)?;
        let commit = self.repository.commit("a value that they refuse")?;
        let all = self.fleet.size();
        let took = until(WITHIN, async || self.fleet.refusals(&commit).len() == all).await;
        let refusals = self.fleet.refusals(&commit);
        let (live, rejected) = (self.fleet.live(&commit), refusals.len());
        let reason = refusals.first().map(|reason| format!(": {reason}"));
        let line = format!(
            "{}  {KEY} {before} → {value}  live on {live} of {all}; {rejected} rejected it{}",
            short_version(&commit),
            reason.unwrap_or_default()
        );
        let holds = took.is_some() && live == 0 && self.fleet.value() == before;
        Ok(Outcome::new(holds, line))
    }

    /// A file that cannot be read: who needs it keeps what there was, everybody else moves on.
    async fn break_file(&mut self) -> anyhow::Result<Outcome> {
        let sound = self.sound()?;
        let broken = with_stray_line(&sound).with_context(|| lost(FILE, LINE))?;
        self.write(&broken)?;
        self.broken = Some((broken, sound));
        let other = self.repository.read(OTHER_FILE)?;
        let next = value_of(&other, OTHER_LINE).unwrap_or_default() + 1;
        let other = with_value(&other, OTHER_LINE, next);
        let other = other.with_context(|| lost(OTHER_FILE, OTHER_LINE))?;
        self.repository.write(OTHER_FILE, &other)?;
        let commit = self.repository.commit("break a file")?;
        let (mut kept, mut moved) = (None, false);
        let took = until(WITHIN, async || {
            moved = self.served("payments").await == Some((commit.clone(), false));
            kept = self.served(APPLICATION).await;
            moved && matches!(&kept, Some((version, true)) if *version != commit)
        });
        let took = took.await;
        let (diagnostic, detail) = found(self.repository.folder(), &self.settings)?;
        let held = match &kept {
            Some((version, true)) => format!("{APPLICATION} held at {}", short_version(version)),
            _ => format!("{APPLICATION} is not held"),
        };
        let other = if moved { "moved" } else { "did not move" };
        let shown = short_version(&commit);
        let line = format!("{shown}  {diagnostic}  {held}; payments {other} to {shown}");
        let holds = took.is_some() && self.fleet.live(&commit) == 0;
        Ok(Outcome {
            detail: Some(detail),
            ..Outcome::new(holds, line)
        })
    }

    /// An instance that hears nothing: it asks by itself.
    async fn cut(&mut self) -> anyhow::Result<Outcome> {
        let Some(line) = self.fleet.line.clone() else {
            let line = "the instances hear events over the broker; its lines are not cut here";
            return Ok(Outcome::new(true, line.to_owned()));
        };
        line.cut();
        let is_deaf = until(WITHIN, async || self.fleet.is_deaf()).await.is_some();
        let (commit, change) = self.raise("raise the limit, unheard by one")?;
        let all = self.fleet.size();
        let others = until(WITHIN, async || self.fleet.live(&commit) + 1 >= all).await;
        let told = self.fleet.live(&commit);
        let took = until(WITHIN, async || self.fleet.live(&commit) == all).await;
        line.mend();
        let live = self.fleet.live(&commit);
        let by_poll = live.saturating_sub(told);
        let after = took.map(after).unwrap_or_default();
        let text = format!(
            "{change}  one line cut: live on {told} of {all}, then {live} of {all}{after} ({by_poll} by poll)"
        );
        let holds = is_deaf && others.is_some() && took.is_some();
        Ok(Outcome::new(holds, text))
    }

    /// Commits the next value; the commit, and the change in words.
    fn raise(&mut self, subject: &str) -> anyhow::Result<(String, String)> {
        let before = self.fleet.value();
        let value = next(before);
        let text = with_value(&self.sound()?, LINE, value);
        self.write(&text.with_context(|| lost(FILE, LINE))?)?;
        let commit = self.repository.commit(subject)?;
        let change = format!("{}  {KEY} {before} → {value}", short_version(&commit));
        Ok((commit, change))
    }

    /// The file without what was broken here; what somebody wrote into it stays.
    fn sound(&self) -> anyhow::Result<String> {
        let text = self.repository.read(FILE)?;
        Ok(match &self.broken {
            Some((broken, sound)) if *broken == text => sound.clone(),
            _ => text,
        })
    }

    fn write(&self, text: &str) -> anyhow::Result<()> {
        self.repository.write(FILE, text)
    }

    /// Which commit an application is given, and whether it is held there.
    async fn served(&self, application: &str) -> Option<(String, bool)> {
        let path = format!("/{application}/dev");
        let answer = self.server.ask("GET", &path, "").await.ok()?;
        let environment: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
        let version = environment["version"].as_str()?.to_owned();
        Some((version, answer.header("x-config-held").is_some()))
    }
}

/// The first thing that is wrong in a folder, in a line, and as a compiler says it.
fn found(folder: &Path, settings: &Settings) -> anyhow::Result<(String, String)> {
    let subject = Subject {
        directory: folder.to_owned(),
        ..Subject::default()
    };
    let findings = Findings::of(&subject, settings)?;
    let first = findings.diagnostics.first();
    let first = first.context("nothing is wrong in the file")?;
    let line = format!("{} {}", first.place(), first.message);
    Ok((line, check::diagnostic(first)))
}

fn next(value: u32) -> u32 {
    match value / PACE * PACE + PACE {
        beyond if beyond > LAST => PACE,
        next => next,
    }
}

/// The value behind the first line of a key.
fn value_of(text: &str, key: &str) -> Option<u32> {
    let mut lines = text.lines().map(str::trim_start);
    lines.find_map(|line| line.strip_prefix(key)?.trim().parse().ok())
}

/// The text with another value behind the first line of a key.
fn with_value(text: &str, key: &str, value: u32) -> Option<String> {
    with_line(text, key, |line| {
        let indent = &line[..line.len() - line.trim_start().len()];
        format!("{indent}{key} {value}")
    })
}

fn with_stray_line(text: &str) -> Option<String> {
    with_line(text, LINE, |line| format!("{line}\n{STRAY}"))
}

fn with_line(text: &str, key: &str, change: impl Fn(&str) -> String) -> Option<String> {
    let at = text
        .lines()
        .position(|line| line.trim_start().starts_with(key))?;
    let lines = text.lines().enumerate();
    let lines = lines.map(|(number, line)| {
        if number == at {
            change(line)
        } else {
            line.to_owned()
        }
    });
    Some(lines.collect::<Vec<_>>().join("\n") + "\n")
}

fn lost(file: &str, line: &str) -> String {
    format!("{file} has no line `{line}` any more")
}

fn after(took: Duration) -> String {
    format!(" after {:.2} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_another_and_all_else_stays() {
        let text = "a: 1\nb:\n    max-open: 20\n    max-items: 50\n";
        let changed = with_value(text, LINE, 40).unwrap();
        assert_eq!(changed, "a: 1\nb:\n    max-open: 40\n    max-items: 50\n");
        assert_eq!(value_of(&changed, LINE), Some(40));
        assert_eq!(
            with_stray_line("    max-open: 20\n").unwrap(),
            "    max-open: 20\n      per-customer: 3\n"
        );
        assert_eq!(with_value("a: 1\n", LINE, 40), None);
    }

    #[test]
    fn values_go_up_and_begin_anew() {
        assert_eq!([20, 35, 180, 200].map(next), [40, 40, 200, 20]);
    }
}
