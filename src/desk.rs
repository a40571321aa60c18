//! Asks servers to do something, one after the other: each decides by itself.

mod names;

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context as _;
use confbus::printable;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::{
    cli::ServersArgs,
    exit::{Exit, Failure, OrExit as _},
    own_server::OwnServer,
    shadow::{Answer, Header, Server},
    talk,
    watch::{TOKEN_FILE, bearer_token},
};
pub(crate) use names::{NAMES, Names, among};

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
    pub(crate) fn all(args: &ServersArgs) -> Result<Vec<Self>, Failure> {
        Self::all_or(args, PATIENCE, Self::usual)
    }

    /// The address of a server that listens where servers do.
    pub(crate) fn usual() -> Result<String, Failure> {
        Ok(DEFAULT_SERVER.to_owned())
    }

    /// As [`Self::all`], with as much time for each answer, and another server where none is named.
    pub(crate) fn all_or(
        args: &ServersArgs,
        within: Duration,
        default: impl FnOnce() -> Result<String, Failure>,
    ) -> Result<Vec<Self>, Failure> {
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let servers = args
            .server
            .clone()
            .or_else(|| variable("CONFBUS_SERVER"))
            .or_else(|| variable("SPRING_CLOUD_CONFIG_URI"));
        let file = || variable(TOKEN_FILE).map(PathBuf::from);
        let token = match args.token_file.clone().or_else(file) {
            Some(file) => Some(bearer_token(&file).or_exit(Exit::Usage)?),
            None => variable("CONFBUS_TOKEN").map(SecretString::from),
        };
        let servers = servers.map_or_else(default, Ok)?;
        let addresses = servers.split(',').map(str::trim);
        addresses
            .map(|address| Self::at(address, token.as_ref(), within).or_exit(Exit::Usage))
            .collect()
    }

    /// A desk of a server of our own.
    ///
    /// # Errors
    /// When that has no address.
    pub(crate) fn of_own(server: &OwnServer) -> anyhow::Result<Self> {
        Self::at_address(server.address()?)
    }

    /// A desk of a server on this machine that wants no credentials.
    ///
    /// # Errors
    /// When the address cannot be asked.
    pub(crate) fn at_address(address: SocketAddr) -> anyhow::Result<Self> {
        Self::at(&format!("http://{address}"), None, PATIENCE)
    }

    fn at(address: &str, token: Option<&SecretString>, within: Duration) -> anyhow::Result<Self> {
        let server = Server::parse(address, within).context("--server")?;
        let agent = concat!("User-Agent: confbus/", env!("CARGO_PKG_VERSION"));
        let mut headers = vec![Header::parse(agent)?];
        if let Some(token) = token {
            let token = token.expose_secret();
            let header = Header::parse(&format!("Authorization: Bearer {token}"));
            headers.push(header.context("the token cannot be sent")?);
        }
        Ok(Self { server, headers })
    }

    /// A failure that names the server.
    pub(crate) fn failure(&self, exit: Exit, text: &str) -> Failure {
        Failure::new(exit, format!("{}: {text}", self.server))
    }

    /// What stands under a key of what the server shows.
    pub(crate) async fn list(&self, path: &str, key: &str) -> Result<Vec<Value>, Failure> {
        let mut answer = json_of(&self.ask("GET", path, "").await?)?;
        match answer[key].take() {
            Value::Array(list) => Ok(list),
            _ => Err(self.failure(Exit::Unreachable, &format!("this server has no {key}"))),
        }
    }

    /// An answer that is none of an error; the body is JSON.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        body: &str,
    ) -> Result<Answer, Failure> {
        self.ask_with(method, path, ("application/json", body))
            .await
    }

    /// As [`Self::ask`], with a body of any type.
    pub(crate) async fn ask_with(
        &self,
        method: &str,
        path: &str,
        (content_type, body): (&str, &str),
    ) -> Result<Answer, Failure> {
        let mut headers = self.headers.clone();
        let content_type = format!("Content-Type: {content_type}");
        headers.push(Header::parse(&content_type).or_exit(Exit::Usage)?);
        let asked = self.server.send(method, path, headers, body.as_bytes());
        let answer = asked.await.with_context(|| self.server.to_string());
        let answer = answer.or_exit(Exit::Unreachable)?;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let said = json_of(&answer).ok();
        let message = said.as_ref().and_then(|said| said["message"].as_str());
        let message = message.map(|message| format!(": {}", printable(message)));
        let text = format!(
            "{} answered {}{}",
            self.server,
            answer.status,
            message.unwrap_or_default()
        );
        Err(Failure::new(Exit::of_status(answer.status), text))
    }
}

/// Its address, without credentials.
impl fmt::Display for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.server.fmt(f)
    }
}

pub(crate) fn json_of(answer: &Answer) -> Result<Value, Failure> {
    let read = serde_json::from_slice(&answer.body).context("the answer is not JSON");
    read.or_exit(Exit::Unreachable)
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
pub(crate) fn say(line: &str) -> Result<(), Failure> {
    Ok(talk::line(printable(line))?)
}
