//! Names and paths that want to climb, to be taken for something else, or to be too many: in every place of every route,
//! as they are, encoded once and encoded twice.

use anyhow::Context as _;

use super::configuration;
use crate::corpus::{Expected, Row, rows};
use crate::http::request;
use crate::judge::Judge;
use crate::stage::{Stage, Tools};
use crate::text::{encoded, expand, nothing};

const PAYLOADS: &str = include_str!("../../corpus/paths.txt");
const ROUTES: &str = include_str!("../../corpus/routes.txt");

/// Statuses that any of the methods besides GET may have, whatever the path.
const OTHER_METHODS: &str = "200,204,400,401,404,405,414";

/// A place where a request holds a text of whoever sends it.
struct Route<'t> {
    method: &'t str,
    /// What is right here besides what a payload says.
    besides: Expected,
    /// With `{}` where the text goes.
    target: &'t str,
    header: String,
}

pub(super) fn play(tools: &Tools, judge: &mut Judge) -> anyhow::Result<()> {
    let payloads = rows(PAYLOADS)?;
    let routes = routes(ROUTES)?;
    let stage = configuration::stage(tools, judge, "paths", &[])?;
    all(tools, judge, stage, "", &payloads, &routes)?;
    if tools.quick {
        return Ok(());
    }
    let prefix = ["spring.cloud.config.server.prefix=/config".to_owned()];
    let mut stage = configuration_below(tools, judge, &prefix)?;
    stage.is_normal("/config/orders/dev")?;
    all(tools, judge, stage, "/config", &payloads, &routes)
}

/// The same below a prefix, where nothing is served at the root.
fn configuration_below(tools: &Tools, judge: &Judge, prefix: &[String]) -> anyhow::Result<Stage> {
    let uri = format!(
        "spring.cloud.config.server.git.uri={}",
        tools.uri("main.git", judge)
    );
    let settings: Vec<_> = prefix.iter().cloned().chain([uri]).collect();
    Stage::start(tools, judge, "paths-below-a-prefix", &settings)
}

fn all(
    tools: &Tools,
    judge: &mut Judge,
    mut stage: Stage,
    prefix: &str,
    payloads: &[Row],
    routes: &[Route<'_>],
) -> anyhow::Result<()> {
    for row in payloads {
        let payload = expand(&row.payload, &nothing).with_context(|| row.id.clone())?;
        let once = encoded(&payload);
        let twice = encoded(&once);
        let forms = [&payload, &once, &twice].into_iter().zip(&row.expected);
        for (text, expected) in forms.take(if tools.quick { 2 } else { 3 }) {
            let attack = Attack {
                id: &row.id,
                prefix,
                text,
                expected,
            };
            for route in routes {
                one(tools.quick, judge, &stage, &attack, route)?;
            }
        }
        stage.look(judge, &row.id)?;
    }
    stage.end(judge, "end")
}

/// A text in one of its forms.
struct Attack<'a> {
    id: &'a str,
    prefix: &'a str,
    text: &'a [u8],
    expected: &'a Expected,
}

fn one(
    quick: bool,
    judge: &mut Judge,
    stage: &Stage,
    attack: &Attack<'_>,
    route: &Route<'_>,
) -> anyhow::Result<()> {
    let (before, after) = route
        .target
        .split_once("{}")
        .context("a route without {}")?;
    let (prefix, text) = (attack.prefix.as_bytes(), attack.text);
    let target = [prefix, before.as_bytes(), text, after.as_bytes()].concat();
    let headers = format!("{}{}", stage.login, route.header);
    let get = request(route.method, &target, &headers, b"");
    let expected = attack.expected.or(&route.besides);
    let reply = stage.play(judge, attack.id, &get, &expected);
    if quick || route.method != "GET" {
        return Ok(());
    }
    let options = request("OPTIONS", &target, &headers, b"");
    stage.play(
        judge,
        attack.id,
        &options,
        &expected.or(&Expected::parse(OTHER_METHODS)?),
    );
    // Without a body there is nothing else that HEAD could say.
    let head = request("HEAD", &target, &headers, b"");
    let expected = match &reply.answer() {
        Some(answer) => Expected::parse(&answer.status.to_string())?,
        None => expected,
    };
    stage.play(judge, attack.id, &head, &expected);
    Ok(())
}

/// `method statuses target header`.
fn routes(text: &str) -> anyhow::Result<Vec<Route<'_>>> {
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "));
    let route = |line| {
        let mut words = str::splitn(line, 4, ' ');
        let mut word = || words.next().context("a route has three columns");
        let (method, besides, target) = (word()?, word()?, word()?);
        let header = words
            .next()
            .map_or_else(String::new, |header| format!("{header}\r\n"));
        Ok(Route {
            method,
            besides: match besides {
                "." => Expected::none(),
                statuses => Expected::parse(statuses)?,
            },
            target,
            header,
        })
    };
    lines.map(route).collect()
}
