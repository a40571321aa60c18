//! Plays the cases of one server in their order.

use std::{collections::BTreeMap, net::SocketAddr, thread};

use anyhow::Context as _;

use super::{
    expectation, reuse,
    stage::Stage,
    suite::{Case, Content, Expectation},
    wire::{Answer, Request},
};

/// Whether a case was answered as it must be, or what was wrong.
pub(crate) type Verdict = Result<(), String>;

/// The verdicts of all cases, by id.
pub(crate) fn play(server: &str, cases: &[Case]) -> BTreeMap<String, Verdict> {
    let mut verdicts = BTreeMap::new();
    if let Err(error) = try_play(server, cases, &mut verdicts) {
        let reason = format!("{error:#}");
        for case in cases {
            verdicts
                .entry(case.id.clone())
                .or_insert_with(|| Err(reason.clone()));
        }
    }
    verdicts
}

fn try_play(
    server: &str,
    cases: &[Case],
    verdicts: &mut BTreeMap<String, Verdict>,
) -> anyhow::Result<()> {
    let mut stage = Stage::build(server).context("the world of the server")?;
    let _directory = stage.enter_directory()?;
    let started = stage.start();
    let (starts, questions): (Vec<_>, Vec<_>) = cases.iter().partition(|case| case.ask == "START");
    for case in starts {
        verdicts.insert(case.id.clone(), judge_start(case, &started));
    }
    started?;
    for case in questions {
        let verdict = judge(&mut stage, case).unwrap_or_else(|error| Err(format!("{error:#}")));
        verdicts.insert(case.id.clone(), verdict);
    }
    if let Err(error) = stage.stop() {
        // Whatever it answered: a server that does not end well is not right.
        let reason = format!("the end of the server: {error:#}");
        verdicts
            .values_mut()
            .for_each(|verdict| *verdict = Err(reason.clone()));
    }
    Ok(())
}

fn judge_start(case: &Case, started: &anyhow::Result<()>) -> Verdict {
    let (outcome, reason) = match started {
        Ok(()) => ("accepted", String::new()),
        Err(error) => ("refused", format!(": {error:#}")),
    };
    if case.expect.answer == outcome {
        Ok(())
    } else {
        Err(format!(
            "start: expected {}, got {outcome}{reason}",
            case.expect.answer
        ))
    }
}

fn judge(stage: &mut Stage, case: &Case) -> anyhow::Result<Verdict> {
    for action in &case.before {
        stage.act(action)?;
    }
    let request = request(stage, case)?;
    let address = stage.address()?;
    let answers: Vec<_> = thread::scope(|scope| {
        let senders: Vec<_> = (0..case.parallel.unwrap_or(1))
            .map(|_| scope.spawn(|| request.send(address)))
            .collect();
        senders
            .into_iter()
            .map(|sender| sender.join().expect("a request does not panic"))
            .collect()
    });
    let mut given = Vec::new();
    for answer in answers {
        let answer = answer?;
        capture(stage, case, &answer);
        let verdict = compare(stage, case, &answer)?;
        if verdict.is_err() {
            return Ok(verdict);
        }
        given.push(answer);
    }
    ask_again(&request, address, &given)
}

/// A read that is asked again, nothing having happened, must be answered with the same bytes, from memory or not.
fn ask_again(request: &Request, address: SocketAddr, given: &[Answer]) -> anyhow::Result<Verdict> {
    if !["GET", "HEAD"].contains(&request.method.as_str()) {
        return Ok(Ok(()));
    }
    let again = request.send(address)?;
    reuse::asked_again(&again);
    let other = given
        .iter()
        .find(|first| first.timeless() != again.timeless());
    Ok(other.map_or(Ok(()), |first| {
        Err(format!(
            "first {}\nasked again {}",
            first.shown(),
            again.shown()
        ))
    }))
}

fn request(stage: &Stage, case: &Case) -> anyhow::Result<Request> {
    let (method, target) = case.ask.split_once(' ').context("a method and a target")?;
    let mut headers = Vec::new();
    for (name, values) in &case.headers {
        for value in values.pieces() {
            headers.push((name.clone(), stage.tokens.expand(value)?));
        }
    }
    Ok(Request {
        method: method.to_owned(),
        target: stage.tokens.expand(target)?,
        headers,
        body: case
            .body
            .as_ref()
            .map(|body| body_of(body, stage))
            .transpose()?,
    })
}

fn body_of(body: &Content, stage: &Stage) -> anyhow::Result<Vec<u8>> {
    match body {
        Content::Exact(text) => Ok(stage.tokens.expand(text)?.into_bytes()),
        other => other.bytes(),
    }
}

fn capture(stage: &mut Stage, case: &Case, answer: &Answer) {
    for (name, what) in &case.capture {
        let value = match what.as_str() {
            "body" => String::from_utf8_lossy(&answer.body).into_owned(),
            header => answer.header(header).unwrap_or_default(),
        };
        stage.tokens.captures.insert(name.clone(), value);
    }
}

fn compare(stage: &Stage, case: &Case, answer: &Answer) -> anyhow::Result<Verdict> {
    let verdict = |expected: &Expectation| {
        let found = expectation::problems(expected, answer, &stage.tokens)?;
        anyhow::Ok(if found.is_empty() {
            Ok(())
        } else {
            Err(found.join("\n"))
        })
    };
    let mut recorded = verdict(&case.expect)?;
    for other in &case.also {
        recorded = recorded.or(verdict(other)?);
    }
    match (&case.ours, recorded) {
        (None, recorded) => Ok(recorded),
        (Some(_), Ok(())) => Ok(Err(
            "it answers as recorded: take it off differences.json".to_owned()
        )),
        (Some(ours), Err(_)) => verdict(ours),
    }
}
