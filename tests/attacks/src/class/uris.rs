//! Addresses of repositories that lead where nobody wants to be: each attack is a server with such settings.
//!
//! | verb | does |
//! | --- | --- |
//! | `setting KEY=VALUE` | a setting, in which `«git»` is a remote, `«trap»` a port that nobody may come to, `«redirect»` one that sends there |
//! | `starts`, `refuses` | what the server does with them |
//!
//! Then come requests. Nobody may have come to the trap.

use anyhow::{Context as _, bail};

use super::configuration;
use super::player::Player;
use super::trap::Trap;
use crate::corpus::{Script, scripts};
use crate::judge::{Judge, What};
use crate::server::Server;
use crate::stage::{Stage, Tools, secrets};
use crate::text::expand;

const URIS: &str = include_str!("../../corpus/uris.txt");

pub(super) fn play(tools: &Tools, judge: &mut Judge) -> anyhow::Result<()> {
    // Makes the repository that is legitimate.
    drop(configuration::stage(tools, judge, "uris", &[])?);
    for script in scripts(URIS)? {
        one(tools, judge, &script).with_context(|| script.id.clone())?;
    }
    Ok(())
}

fn one(tools: &Tools, judge: &mut Judge, script: &Script) -> anyhow::Result<()> {
    let trap = Trap::set()?;
    let redirect = Trap::redirect(format!("http://127.0.0.1:{}/x.git", trap.port))?;
    let known = |name: &str| {
        Some(match name {
            "git" => tools.uri("", judge).trim_end_matches('/').to_owned(),
            "trap" => trap.port.to_string(),
            "redirect" => redirect.port.to_string(),
            "remote" => judge.canaries().of("remote"),
            _ => return None,
        })
    };
    let setting = |step: &crate::corpus::Step| Ok(String::from_utf8(expand(&step.words, &known)?)?);
    let settings = script.steps.iter().filter(|step| step.verb == "setting");
    let settings: Vec<String> = settings.map(setting).collect::<anyhow::Result<_>>()?;
    let refuses = script.steps.iter().any(|step| step.verb == "refuses");
    if refuses {
        refused(tools, judge, script, &settings)?;
    } else {
        requests(tools, judge, script, &settings, trap.port)?;
    }
    if trap.visits() > 0 {
        let detail = format!("{} came to the trap", trap.visits());
        judge.find(&script.id, What::Others, detail);
    }
    Ok(())
}

fn refused(
    tools: &Tools,
    judge: &mut Judge,
    script: &Script,
    settings: &[String],
) -> anyhow::Result<()> {
    judge.attacks += 1;
    judge.requests += 1;
    let settings: Vec<_> = secrets(judge)
        .into_iter()
        .chain(settings.to_vec())
        .collect();
    let folder = tools.folder("refused")?;
    let (server, log) = Server::start(&tools.program, &folder, &settings, judge.canaries())?;
    if server.is_some() {
        judge.find(&script.id, What::Status, "it starts");
    }
    judge.log(&script.id, &std::fs::read(log)?);
    Ok(())
}

fn requests(
    tools: &Tools,
    judge: &mut Judge,
    script: &Script,
    settings: &[String],
    trap: u16,
) -> anyhow::Result<()> {
    let mut stage = Stage::start(tools, judge, "uri", settings)?;
    // Each repository has a worker of its own.
    stage.slack += 4 * script.steps.len();
    stage.known.insert("trap".to_owned(), trap.to_string());
    let mut player = Player::default();
    for step in &script.steps {
        if !player.step(judge, &stage, &script.id, step)?
            && !matches!(&*step.verb, "setting" | "starts")
        {
            bail!("unknown verb: {}", step.verb);
        }
    }
    stage.look(judge, &script.id)?;
    stage.end(judge, &script.id)
}
