//! Holds an address at a commit, lets it go, or shows what is pinned: at every server that is named.

use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    cli::{PinArgs, Pinned},
    shadow::{Answer, Header, Server},
    watch::{bearer_token, printable},
};

/// The server may take half of it to look for the commit.
const PATIENCE: Duration = Duration::from_secs(40);
const PINS: &str = "/_/api/pins";
const DEFAULT_SERVER: &str = "http://localhost:8888";

/// What was typed makes no sense together.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUsage(&'static str);

/// Does it, and says what was done.
pub(crate) async fn run(args: PinArgs) -> anyhow::Result<ExitCode> {
    let task = Task::of(&args)?;
    for desk in Desk::all(&args)? {
        match &task {
            Task::List => desk.list().await?,
            Task::Release(pinned) => desk.release(pinned).await?,
            Task::Pin(pin) => desk.pin(pin).await?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What to do.
enum Task<'a> {
    List,
    Release(&'a Pinned),
    /// The body of the request.
    Pin(Value),
}

impl<'a> Task<'a> {
    fn of(args: &'a PinArgs) -> Result<Self, WrongUsage> {
        let Some(pinned) = &args.pinned else {
            return Ok(Self::List);
        };
        match (&pinned.commit, args.release) {
            (None, true) => Ok(Self::Release(pinned)),
            (Some(_), true) => Err(WrongUsage("an address is let go without a commit")),
            (None, false) => Err(WrongUsage(
                "write the commit behind the address, as in orders/dev@4e81d07, with at least seven digits",
            )),
            (Some(commit), false) => Ok(Self::Pin(json!({
                "application": pinned.application,
                "profile": pinned.profile,
                "label": pinned.label,
                "commit": commit,
                "reason": args.reason,
                "for_seconds": args.time.as_secs(),
            }))),
        }
    }
}

/// Where the pins of one server are.
struct Desk {
    server: Server,
    headers: Vec<Header>,
}

impl Desk {
    fn all(args: &PinArgs) -> anyhow::Result<Vec<Self>> {
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let servers = args
            .server
            .clone()
            .or_else(|| variable("CONFBUS_SERVER"))
            .or_else(|| variable("SPRING_CLOUD_CONFIG_URI"));
        let token = match &args.token_file {
            Some(file) => Some(bearer_token(file)?),
            None => variable("CONFBUS_TOKEN"),
        };
        let servers = servers.unwrap_or_else(|| DEFAULT_SERVER.to_owned());
        let addresses = servers.split(',').map(str::trim);
        addresses
            .map(|address| Self::at(address, token.as_deref()))
            .collect()
    }

    fn at(address: &str, token: Option<&str>) -> anyhow::Result<Self> {
        let server = Server::parse(address, PATIENCE).context("--server")?;
        let agent = concat!("User-Agent: confbus-pin/", env!("CARGO_PKG_VERSION"));
        let mut headers = vec![
            Header::parse(agent)?,
            Header::parse("Content-Type: application/json")?,
        ];
        if let Some(token) = token {
            let header = Header::parse(&format!("Authorization: Bearer {token}"));
            headers.push(header.context("the token cannot be sent")?);
        }
        Ok(Self { server, headers })
    }

    async fn pin(&self, pin: &Value) -> anyhow::Result<()> {
        let answer = self.ask("POST", PINS, &pin.to_string()).await?;
        say(&shown(&json_of(&answer)?))
    }

    async fn release(&self, pinned: &Pinned) -> anyhow::Result<()> {
        let pins = self.pins().await?;
        let its: Vec<_> = pins.iter().filter(|pin| is_of(pin, pinned)).collect();
        if its.is_empty() {
            bail!("{}: nothing is pinned under this address", self.server);
        }
        for pin in its {
            let id = pin["id"].as_str().unwrap_or_default();
            self.ask("DELETE", &format!("{PINS}/{id}"), "").await?;
            say(&format!("{} is let go", address(pin)))?;
        }
        Ok(())
    }

    async fn list(&self) -> anyhow::Result<()> {
        let pins = self.pins().await?;
        if pins.is_empty() {
            say("nothing is pinned")?;
        }
        pins.iter().try_for_each(|pin| say(&shown(pin)))
    }

    async fn pins(&self) -> anyhow::Result<Vec<Value>> {
        let mut answer = json_of(&self.ask("GET", PINS, "").await?)?;
        match answer["pins"].take() {
            Value::Array(pins) => Ok(pins),
            _ => bail!("{}: this is no server that pins", self.server),
        }
    }

    /// An answer that is none of an error.
    async fn ask(&self, method: &str, path: &str, body: &str) -> anyhow::Result<Answer> {
        let asked = self
            .server
            .send(method, path, self.headers.clone(), body.as_bytes());
        let answer = asked.await.with_context(|| self.server.to_string())?;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let said = json_of(&answer).ok();
        let message = said.as_ref().and_then(|said| said["message"].as_str());
        let message = message.map(|message| format!(": {}", printable(message)));
        bail!(
            "{} answered {}{}",
            self.server,
            answer.status,
            message.unwrap_or_default()
        )
    }
}

fn json_of(answer: &Answer) -> anyhow::Result<Value> {
    serde_json::from_slice(&answer.body).context("the answer is not JSON")
}

/// Whether a pin is exactly of this address.
fn is_of(pin: &Value, pinned: &Pinned) -> bool {
    let slashes = |label: &String| label.replace("(_)", "/");
    pin["application"] == pinned.application.replace("(_)", "/")
        && pin["profile"] == json!(pinned.profile)
        && pin["label"] == json!(pinned.label.as_ref().map(slashes))
}

/// `orders/dev  4e81d07  until 2026-11-20T15:09:00Z  by jo  INC-812`.
fn shown(pin: &Value) -> String {
    let text = |key: &str| pin[key].as_str().unwrap_or_default();
    let commit = text("commit");
    let until = pin["until"].as_i64().unwrap_or_default();
    let until = Timestamp::from_second(until / 1000).unwrap_or_default();
    format!(
        "{}  {}  until {until}  by {}  {}",
        address(pin),
        commit.get(..7).unwrap_or(commit),
        text("by"),
        text("reason"),
    )
}

fn address(pin: &Value) -> String {
    let text = |key: &str| pin[key].as_str();
    let application = text("application").unwrap_or_default();
    match (text("profile"), text("label")) {
        (None, None) => application.to_owned(),
        (Some(profile), None) => format!("{application}/{profile}"),
        (profile, Some(label)) => format!("{application}/{}/{label}", profile.unwrap_or("*")),
    }
}

fn say(line: &str) -> anyhow::Result<()> {
    writeln!(io::stdout().lock(), "{}", printable(line)).context("standard output")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_one_line() {
        let pin = json!({
            "application": "orders", "profile": null, "label": "main", "commit": "4e81d07c02", "by": "jo", "reason": "INC-812",
            "until": 1_763_650_140_000_i64,
        });
        assert_eq!(
            shown(&pin),
            "orders/*/main  4e81d07  until 2025-11-20T14:49:00Z  by jo  INC-812"
        );
    }

    #[test]
    fn only_the_very_address_is_let_go() {
        let pinned = Pinned {
            application: "orders".into(),
            profile: Some("dev".into()),
            label: Some("feature(_)x".into()),
            commit: None,
        };
        let pin = json!({ "application": "orders", "profile": "dev", "label": "feature/x" });
        assert!(is_of(&pin, &pinned));
        for (key, value) in [("profile", json!(null)), ("label", json!("main"))] {
            let mut other = pin.clone();
            other[key] = value;
            assert!(!is_of(&other, &pinned), "{key}");
        }
    }
}
