//! Scripts of requests: odd HTTP, ways around the question who may, forged webhooks.

use anyhow::{Context as _, bail};

use super::configuration;
use super::player::Player;
use crate::corpus::{Script, rows, scripts};
use crate::http::request;
use crate::judge::Judge;
use crate::stage::{Stage, Tools};
use crate::text::{expand, nothing};

const HTTP: &str = include_str!("../../corpus/http.txt");
const ACCESS: &str = include_str!("../../corpus/access.txt");
const TARGETS: &str = include_str!("../../corpus/access-targets.txt");
const HEADERS: &str = include_str!("../../corpus/access-headers.txt");
const WEBHOOKS: &str = include_str!("../../corpus/webhooks.txt");

pub(super) fn http(tools: &Tools, judge: &mut Judge) -> anyhow::Result<()> {
    let stage = configuration::stage(tools, judge, "http", &[])?;
    all(judge, stage, &scripts(HTTP)?)
}

pub(super) fn webhooks(tools: &Tools, judge: &mut Judge) -> anyhow::Result<()> {
    let stage = configuration::stage(tools, judge, "webhooks", &[])?;
    all(judge, stage, &scripts(WEBHOOKS)?)
}

/// Scripts, and each header that is said to open doors with each target that is said to be one.
pub(super) fn access(tools: &Tools, judge: &mut Judge) -> anyhow::Result<()> {
    let mut stage = configuration::stage(tools, judge, "access", &[])?;
    let headers = headers()?;
    for row in rows(TARGETS)? {
        let (method, target) = row.payload.split_once(' ').context("METHOD TARGET")?;
        let target = expand(target, &nothing)?;
        for header in &headers {
            let bytes = request(method, &target, header, b"");
            stage.play(judge, &row.id, &bytes, &row.expected[0]);
        }
        stage.look(judge, &row.id)?;
    }
    all(judge, stage, &scripts(ACCESS)?)
}

/// One a line; nothing at all comes first.
fn headers() -> anyhow::Result<Vec<String>> {
    let lines = HEADERS.lines().filter(|line| !line.starts_with("# "));
    let header = |line| Ok(String::from_utf8(expand(line, &nothing)?)? + "\r\n");
    let given = lines.map(header).collect::<anyhow::Result<Vec<_>>>()?;
    Ok([String::new()].into_iter().chain(given).collect())
}

fn all(judge: &mut Judge, mut stage: Stage, scripts: &[Script]) -> anyhow::Result<()> {
    for script in scripts {
        play(judge, &mut stage, script).with_context(|| script.id.clone())?;
    }
    stage.end(judge, "end")
}

fn play(judge: &mut Judge, stage: &mut Stage, script: &Script) -> anyhow::Result<()> {
    let mut player = Player::default();
    for step in &script.steps {
        if !player.step(judge, stage, &script.id, step)? {
            bail!("unknown verb: {}", step.verb);
        }
    }
    stage.look(judge, &script.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_can_be_read() {
        for text in [HTTP, ACCESS, WEBHOOKS] {
            assert!(!scripts(text).unwrap().is_empty());
        }
        assert!(!rows(TARGETS).unwrap().is_empty());
        assert!(headers().unwrap().len() > 20);
    }
}
