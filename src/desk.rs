//! Asks servers to do something, one after the other: each decides by itself.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::{
    cli::ServersArgs,
    shadow::{Answer, Header, Server},
    watch::{TOKEN_FILE, bearer_token, printable},
};

/// The server may take half of it to look for a commit.
const PATIENCE: Duration = Duration::from_secs(40);
const DEFAULT_SERVER: &str = "http://localhost:8888";

/// Where one server is asked.
pub(crate) struct Desk {
    server: Server,
    headers: Vec<Header>,
}

impl Desk {
    /// A desk for each server that is named.
    pub(crate) fn all(args: &ServersArgs) -> anyhow::Result<Vec<Self>> {
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let servers = args
            .server
            .clone()
            .or_else(|| variable("CONFBUS_SERVER"))
            .or_else(|| variable("SPRING_CLOUD_CONFIG_URI"));
        let file = || variable(TOKEN_FILE).map(PathBuf::from);
        let token = match args.token_file.clone().or_else(file) {
            Some(file) => Some(bearer_token(&file)?),
            None => variable("CONFBUS_TOKEN").map(SecretString::from),
        };
        let servers = servers.unwrap_or_else(|| DEFAULT_SERVER.to_owned());
        let addresses = servers.split(',').map(str::trim);
        addresses
            .map(|address| Self::at(address, token.as_ref()))
            .collect()
    }

    fn at(address: &str, token: Option<&SecretString>) -> anyhow::Result<Self> {
        let server = Server::parse(address, PATIENCE).context("--server")?;
        let agent = concat!("User-Agent: confbus/", env!("CARGO_PKG_VERSION"));
        let mut headers = vec![
            Header::parse(agent)?,
            Header::parse("Content-Type: application/json")?,
        ];
        if let Some(token) = token {
            let token = token.expose_secret();
            let header = Header::parse(&format!("Authorization: Bearer {token}"));
            headers.push(header.context("the token cannot be sent")?);
        }
        Ok(Self { server, headers })
    }

    /// An error that names the server.
    pub(crate) fn error(&self, text: &str) -> anyhow::Error {
        anyhow::anyhow!("{}: {text}", self.server)
    }

    /// What stands under a key of what the server shows.
    pub(crate) async fn list(&self, path: &str, key: &str) -> anyhow::Result<Vec<Value>> {
        let mut answer = json_of(&self.ask("GET", path, "").await?)?;
        match answer[key].take() {
            Value::Array(list) => Ok(list),
            _ => bail!("{}: this server has no {key}", self.server),
        }
    }

    /// An answer that is none of an error.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &str) -> anyhow::Result<Answer> {
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

pub(crate) fn json_of(answer: &Answer) -> anyhow::Result<Value> {
    serde_json::from_slice(&answer.body).context("the answer is not JSON")
}

/// `orders`, `orders/dev`, `orders/dev/main` or `orders/*/main`.
pub(crate) fn address(named: &Value) -> String {
    let text = |key: &str| named[key].as_str();
    let application = text("application").unwrap_or_default();
    match (text("profile"), text("label")) {
        (None, None) => application.to_owned(),
        (Some(profile), None) => format!("{application}/{profile}"),
        (profile, Some(label)) => format!("{application}/{}/{label}", profile.unwrap_or("*")),
    }
}

/// Writes a line.
pub(crate) fn say(line: &str) -> anyhow::Result<()> {
    writeln!(io::stdout().lock(), "{}", printable(line)).context("standard output")
}
