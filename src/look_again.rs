//! `confbus refresh`: asks applications to look again, and waits for what becomes of it.

mod nobody;

use std::{
    collections::HashSet,
    process::ExitCode,
    time::{Duration, Instant},
};

use confbus::{printable, short_version};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    cli::{RefreshArgs, Target},
    desk::{Desk, json_of},
    exit::{Exit, Failure, Form},
    talk,
};

const PATH: &str = "/actuator/busrefresh";
const SCHEMA: &str = "confbus.refresh/1";

/// What a destination is made of stays readable in the path.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b':')
    .remove(b'*');

/// Characters of the name of a refresh.
const LONGEST_ID: usize = 64;

/// Between two questions what came of it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Asks each server that is named, one after the other. A destination is unknown where none of them knows it.
pub(crate) async fn run(args: RefreshArgs) -> Result<ExitCode, Failure> {
    let form = if args.json { Form::Json } else { Form::Text };
    let (mut worst, mut unknown, mut is_known) = (Exit::Yes, None, false);
    for desk in Desk::all(&args.servers)? {
        match refresh(&desk, &args).await {
            Ok(exit) => {
                is_known = true;
                worst = worst.or_worse(exit);
            }
            Err(failure) if failure.is(Exit::NotFound) => {
                unknown.get_or_insert(failure);
            }
            Err(failure) => worst = worst.or_worse(failure.report(form)),
        }
    }
    match unknown.filter(|_| !is_known) {
        Some(unknown) => Err(unknown),
        None => Ok(worst.into()),
    }
}

async fn refresh(desk: &Desk, args: &RefreshArgs) -> Result<Exit, Failure> {
    let destination = args.target.as_ref().map(|Target(destination)| destination);
    let path = destination.map_or_else(
        || PATH.to_owned(),
        |destination| format!("{PATH}/{}", utf8_percent_encode(destination, ENCODED)),
    );
    let answer = desk.ask("POST", &path, "").await?;
    let Some(id) = answer.header("x-config-refresh") else {
        let text = "this server does not say what comes of a refresh";
        return match args.wait {
            true => Err(desk.failure(Exit::Unreachable, text)),
            false => Ok(Exit::Yes),
        };
    };
    if !is_id(&id) {
        let text = "what it answered is no name of a refresh";
        return Err(desk.failure(Exit::Unreachable, text));
    }
    if let Some(destination) = destination {
        nobody::check(desk, &id, destination).await?;
    }
    let told = destination.map_or("everyone", String::as_str);
    if args.json {
        let line = json!({
            "schema": SCHEMA, "type": "announced", "server": desk.to_string(), "refresh": id,
            "destination": told,
        });
        talk::line(line)?;
    } else {
        let sign = talk::sign("done");
        let line = format!("{sign} refresh {id}  told {}", printable(told));
        talk::line(line)?;
    }
    if args.wait {
        wait(desk, &id, args).await
    } else {
        Ok(Exit::Yes)
    }
}

/// Whether it can be a refresh, and stand in a path as it is.
fn is_id(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(is_part)
}

/// Where the server says what came of it.
fn path_of(id: &str) -> String {
    format!("/_/api/refreshes/{id}")
}

/// Tells of each instance as it answers, and at the end of all.
async fn wait(desk: &Desk, id: &str, args: &RefreshArgs) -> Result<Exit, Failure> {
    let until = Instant::now() + args.timeout;
    let path = path_of(id);
    let mut said = HashSet::new();
    let mut pause = FIRST_PAUSE;
    loop {
        let refresh = json_of(&desk.ask("GET", &path, "").await?)?;
        let mut outcome = Outcome::of(&refresh);
        if !outcome.is_complete() || outcome.commit.is_none() {
            let known = desk.list("/_/api/instances", "instances").await?;
            outcome.add_known(&known);
        }
        for answer in &outcome.answers {
            if answer.is_final() && said.insert(answer.instance.clone()) {
                answer.tell(desk, id, args.json)?;
            }
        }
        let is_late = Instant::now() >= until;
        if outcome.is_complete() || is_late {
            return outcome.finish(desk, id, args);
        }
        sleep(pause.min(until.saturating_duration_since(Instant::now()))).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// What one instance made of it.
struct Answer {
    instance: String,
    state: String,
    evidence: String,
    /// Why it refused.
    reason: Option<String>,
    /// When it was heard of last, as long as it is waited for.
    last_sign: Option<String>,
}

/// What all made of it so far.
struct Outcome {
    commit: Option<String>,
    is_published: bool,
    answers: Vec<Answer>,
}

impl Outcome {
    fn of(refresh: &Value) -> Self {
        let list = |key: &str| refresh[key].as_array().cloned().unwrap_or_default();
        let timeline = list("timeline");
        let answers = list("told")
            .iter()
            .map(|told| Answer::of(told, &timeline))
            .collect();
        let labels = list("labels");
        let commit = labels.first().and_then(|moved| moved["to"].as_str());
        Self {
            commit: commit.map(short_version),
            is_published: refresh["published"].is_string(),
            answers,
        }
    }

    /// What is known of the instances besides: the one commit that all of them are to run, where no move names it, and of those
    /// who are waited for the last sign. Nobody says twice that it refuses a commit: who has refused what it is to run has
    /// answered.
    fn add_known(&mut self, known: &[Value]) {
        let known_of = |id: &str| known.iter().find(|instance| instance["instance"] == *id);
        if self.commit.is_none() {
            let answers = self.answers.iter();
            let mut wanted = answers.map(|answer| known_of(&answer.instance)?["wanted"].as_str());
            let first = wanted.next().flatten();
            let is_one =
                |first: &&str| !first.contains(',') && wanted.all(|one| one == Some(*first));
            self.commit = first.filter(is_one).map(short_version);
        }
        for answer in self.answers.iter_mut().filter(|answer| !answer.is_final()) {
            let Some(instance) = known_of(&answer.instance) else {
                continue;
            };
            let text = |key: &str| instance[key].as_str().map(str::to_owned);
            answer.last_sign = text("last_sign");
            if instance["state"] == "rejected" && instance["fetched"] == instance["wanted"] {
                answer.state = "rejected".to_owned();
                answer.evidence = text("evidence").unwrap_or_default();
                answer.reason = text("reason");
            }
        }
    }

    /// Whether nobody is waited for any more.
    fn is_complete(&self) -> bool {
        self.is_published && self.answers.iter().all(Answer::is_final)
    }

    fn count(&self, of: impl Fn(&Answer) -> bool) -> usize {
        self.answers.iter().filter(|answer| of(answer)).count()
    }

    /// `9f2c1ab is live on 47 of 50 instances; 3 rejected it`.
    fn sentence(&self) -> String {
        let all = self.answers.len();
        if all == 0 {
            return "no instance is known that this is for".to_owned();
        }
        let what = self.commit.as_deref().unwrap_or("what is served");
        let plural = if all == 1 { "" } else { "s" };
        let mut text = format!(
            "{what} is live on {} of {all} instance{plural}",
            self.count(Answer::is_live)
        );
        let rejected = self.count(Answer::is_rejected);
        if rejected > 0 {
            text += &format!("; {rejected} rejected it");
        }
        let silent = self.count(|answer| !answer.is_final());
        if silent > 0 {
            text += &format!("; {silent} did not answer");
        }
        text
    }

    fn exit(&self) -> Exit {
        if self.answers.iter().any(Answer::is_rejected) {
            Exit::No
        } else if self.is_complete() {
            Exit::Yes
        } else {
            Exit::TimedOut
        }
    }

    fn finish(&self, desk: &Desk, id: &str, args: &RefreshArgs) -> Result<Exit, Failure> {
        let missing = self.answers.iter().filter(|answer| !answer.is_final());
        for answer in missing {
            answer.tell(desk, id, args.json)?;
        }
        let sentence = self.sentence();
        if args.json {
            let line = json!({
                "schema": SCHEMA, "type": "result", "server": desk.to_string(), "refresh": id,
                "commit": self.commit, "live": self.count(Answer::is_live), "rejected": self.count(Answer::is_rejected),
                "silent": self.count(|answer| !answer.is_final()), "instances": self.answers.len(),
                "sentence": sentence,
            });
            talk::line(line)?;
        } else {
            talk::line(printable(&sentence))?;
        }
        Ok(self.exit())
    }
}

impl Answer {
    fn of(told: &Value, timeline: &[Value]) -> Self {
        let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
        let is_reason = |moment: &&Value| {
            moment["what"] == "rejected" && moment["instance"] == told["instance"]
        };
        let reason = timeline.iter().rfind(is_reason);
        Self {
            instance: text("instance"),
            state: text("state"),
            evidence: text("evidence"),
            reason: reason
                .and_then(|moment| moment["detail"].as_str())
                .map(str::to_owned),
            last_sign: None,
        }
    }

    fn is_live(&self) -> bool {
        matches!(&*self.state, "live" | "same" | "restart")
    }

    fn is_rejected(&self) -> bool {
        self.state == "rejected"
    }

    fn is_final(&self) -> bool {
        self.is_live() || self.is_rejected()
    }

    fn tell(&self, desk: &Desk, id: &str, as_json: bool) -> Result<(), Failure> {
        if as_json {
            let line = json!({
                "schema": SCHEMA, "type": "instance", "server": desk.to_string(), "refresh": id,
                "id": self.instance, "state": self.state, "evidence": self.evidence, "reason": self.reason,
                "last_sign": self.last_sign,
            });
            return Ok(talk::line(line)?);
        }
        let last_sign = self.last_sign.as_ref();
        let last_sign = last_sign.map(|time| format!("last sign {time}"));
        let reason = self.reason.clone().or(last_sign).unwrap_or_default();
        let line = format!(
            "  {}  {}  {}  {reason}",
            self.instance, self.state, self.evidence
        );
        Ok(talk::line(format!(
            "{}{}",
            talk::sign(&self.state),
            printable(line.trim_end())
        ))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "9f2c1ab0c79f2c1ab0c79f2c1ab0c79f2c1ab0c7";
    const OLD: &str = "17d02b4e0017d02b4e0017d02b4e0017d02b4e00";

    fn refresh(told: &[(&str, &str)]) -> Outcome {
        let told: Vec<_> = told
            .iter()
            .map(|(instance, state)| json!({ "instance": instance, "state": state, "evidence": "report" }))
            .collect();
        Outcome::of(&json!({
            "published": "2026-11-20T11:04:31Z", "told": told,
            "labels": [{ "label": "main", "to": GOOD }],
            "timeline": [{ "what": "rejected", "instance": "b", "detail": "too much" }],
        }))
    }

    #[test]
    fn who_has_refused_before_has_answered() {
        let known = |wanted: &str| {
            [json!({
                "instance": "b", "state": "rejected", "evidence": "report", "reason": "too high",
                "fetched": GOOD, "wanted": wanted, "last_sign": "11:04",
            })]
        };
        let mut outcome = refresh(&[("a", "live"), ("b", "told")]);
        outcome.add_known(&known(OLD));
        assert!(!outcome.is_complete());
        assert_eq!(outcome.answers[1].last_sign.as_deref(), Some("11:04"));
        assert_eq!(outcome.answers[0].last_sign, None);
        outcome.add_known(&known(GOOD));
        assert_eq!(outcome.answers[1].reason.as_deref(), Some("too high"));
        assert_eq!((outcome.is_complete(), outcome.exit()), (true, Exit::No));
    }

    #[test]
    fn where_no_move_names_the_commit_it_is_that_which_all_are_to_run() {
        let named = |wanted: [&str; 2]| {
            let mut outcome = refresh(&[("a", "live"), ("b", "live")]);
            outcome.commit = None;
            let of = |id: &str, wanted: &str| json!({ "instance": id, "wanted": wanted });
            outcome.add_known(&[of("b", wanted[0]), of("a", wanted[1]), of("c", "5")]);
            outcome.commit
        };
        let one = GOOD;
        assert_eq!(named([one; 2]).as_deref(), Some("9f2c1ab"));
        assert_eq!(named([one, OLD]), None);
        assert_eq!(named([&*format!("{GOOD},{OLD}"); 2]), None);
    }

    #[test]
    fn the_sentence_counts() {
        for (told, sentence, exit) in [
            (&[][..], "no instance is known that this is for", Exit::Yes),
            (
                &[("a", "live")],
                "9f2c1ab is live on 1 of 1 instance",
                Exit::Yes,
            ),
            (
                &[("a", "same"), ("b", "rejected")],
                "9f2c1ab is live on 1 of 2 instances; 1 rejected it",
                Exit::No,
            ),
            (
                &[("a", "live"), ("c", "told")],
                "9f2c1ab is live on 1 of 2 instances; 1 did not answer",
                Exit::TimedOut,
            ),
        ] {
            let outcome = refresh(told);
            assert_eq!((&*outcome.sentence(), outcome.exit()), (sentence, exit));
        }
        let outcome = refresh(&[("b", "rejected")]);
        assert_eq!(outcome.answers[0].reason.as_deref(), Some("too much"));
    }
}
