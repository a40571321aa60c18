use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{ACCEPT, CONTENT_TYPE},
};
use reqwest::{RequestBuilder, Response, redirect::Policy};
use secrecy::ExposeSecret as _;
use url::Url;

use super::{
    Trouble,
    login::Login,
    pkt_line::{DELIMITER, Lines, write},
};
use crate::{
    git::Reach,
    tls::{self, Trust},
};

/// Asks for version 2; servers that do not know it ignore it.
const VERSION: (HeaderName, HeaderValue) = (
    HeaderName::from_static("git-protocol"),
    HeaderValue::from_static("version=2"),
);
const ADVERTISEMENT: &str = "info/refs?service=git-upload-pack";
const AGENT: &str = concat!("confbus/", env!("CARGO_PKG_VERSION"));
/// Redirects within one host.
const MAX_REDIRECTS: usize = 3;
/// Bytes of what a server says of itself.
const MAX_ADVERTISED: u64 = 1 << 20;

/// The HTTP side: who we are, where the repository is, and what the server can.
#[derive(Debug)]
pub(super) struct Session {
    http: reqwest::Client,
    /// Without login, with a final `/`.
    repository: Url,
    login: Option<Login>,
    /// What the server said of itself, until something goes wrong.
    server: Option<Server>,
}

#[derive(Debug)]
struct Server {
    /// Where it led us within its host.
    repository: Url,
    shallow: bool,
    object_format: bool,
}

impl Session {
    pub(super) fn new(address: &str, reach: &Reach) -> Result<Self, Trouble> {
        let unusable = |error: &dyn ToString| Trouble::Unusable(error.to_string());
        let mut repository = Url::parse(address).map_err(|error| unusable(&error))?;
        let login = Login::of(&repository, &reach.access);
        // Neither fails for an address that has a host.
        _ = repository.set_username("");
        _ = repository.set_password(None);
        repository.set_path(&format!("{}/", repository.path().trim_end_matches('/')));
        let trust = match (repository.scheme(), reach.access.skip_ssl_validation) {
            ("https", true) => Trust::Anybody,
            ("https", false) => Trust::Machine,
            _ => Trust::Nobody,
        };
        let tls = tls::http_config(trust).map_err(|error| unusable(&error))?;
        let http = reqwest::Client::builder()
            .user_agent(AGENT)
            .default_headers(HeaderMap::from_iter([VERSION]))
            .connect_timeout(reach.timeout)
            .read_timeout(reach.timeout)
            .redirect(within_host())
            .tls_backend_preconfigured(tls)
            .build()?;
        Ok(Self {
            http,
            repository,
            login,
            server: None,
        })
    }

    pub(super) fn can_be_shallow(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.shallow)
    }

    pub(super) fn forget(&mut self) {
        self.server = None;
    }

    /// The beginning of a request for a command.
    pub(super) async fn begin(&mut self, command: &str) -> Result<String, Trouble> {
        let server = match self.server.take() {
            Some(server) => server,
            None => self.greet().await?,
        };
        let server = self.server.insert(server);
        let mut body = String::new();
        write(&mut body, &format!("command={command}"));
        write(&mut body, &format!("agent={AGENT}"));
        if server.object_format {
            write(&mut body, "object-format=sha1");
        }
        body.push_str(DELIMITER);
        Ok(body)
    }

    pub(super) async fn post(&self, body: String, limit: u64) -> Result<Lines, Trouble> {
        let server = self.server.as_ref();
        let base = server.map_or(&self.repository, |server| &server.repository);
        let url = join(base, "git-upload-pack")?;
        let body = bytes::Bytes::from(body);
        let response = self
            .send(|| {
                self.http
                    .post(url.clone())
                    .header(CONTENT_TYPE, "application/x-git-upload-pack-request")
                    .header(ACCEPT, "application/x-git-upload-pack-result")
                    .body(body.clone())
            })
            .await?;
        Ok(Lines::new(response, limit))
    }

    /// Asks the server what it can.
    async fn greet(&self) -> Result<Server, Trouble> {
        let url = join(&self.repository, ADVERTISEMENT)?;
        let response = self.send(|| self.http.get(url.clone())).await?;
        let repository = base_of(response.url()).ok_or(Trouble::NotGit)?;
        let content_type = response.headers().get(CONTENT_TYPE);
        if content_type.is_none_or(|kind| kind != "application/x-git-upload-pack-advertisement") {
            // Perhaps the files of a repository without a Git server.
            return Err(Trouble::OtherVersion);
        }
        let mut lines = Lines::new(response, MAX_ADVERTISED);
        let mut first = lines.text().await?.unwrap_or_default();
        if first.starts_with("# service=") {
            while lines.text().await?.is_some() {}
            first = lines.text().await?.unwrap_or_default();
        }
        if first != "version 2" {
            return Err(Trouble::OtherVersion);
        }
        let (mut shallow, mut format) = (false, None);
        while let Some(line) = lines.text().await? {
            match line.split_once('=') {
                Some(("fetch", features)) => {
                    shallow = features.split(' ').any(|feature| feature == "shallow");
                }
                Some(("object-format", name)) => format = Some(name.to_owned()),
                _ => {}
            }
        }
        lines.finish().await?;
        if format.as_deref().is_some_and(|name| name != "sha1") {
            let reason = "repositories with SHA-256 are not supported";
            return Err(Trouble::Unusable(reason.into()));
        }
        Ok(Server {
            repository,
            shallow,
            object_format: format.is_some(),
        })
    }

    /// Sends a request; once more if the connection of the last one turns out to be gone.
    async fn send(&self, request: impl Fn() -> RequestBuilder) -> Result<Response, Trouble> {
        let request = || match &self.login {
            Some(login) => request().basic_auth(
                login.user.expose_secret(),
                Some(login.password.expose_secret()),
            ),
            None => request(),
        };
        let sent = match request().send().await {
            Err(error) if !error.is_timeout() && !error.is_connect() => request().send().await,
            sent => sent,
        };
        let response = sent.map_err(reqwest::Error::without_url)?;
        match response.status().as_u16() {
            200 => Ok(response),
            status => Err(Trouble::Status {
                status,
                with_login: self.login.is_some(),
            }),
        }
    }
}

/// A redirect to anybody else would carry our login there.
fn within_host() -> Policy {
    Policy::custom(|attempt| {
        let same = attempt
            .previous()
            .last()
            .is_some_and(|from| from.origin() == attempt.url().origin());
        if same && attempt.previous().len() <= MAX_REDIRECTS {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}

fn join(base: &Url, rest: &str) -> Result<Url, Trouble> {
    base.join(rest)
        .map_err(|error| Trouble::Unusable(error.to_string()))
}

/// The repository that an advertisement came from.
fn base_of(url: &Url) -> Option<Url> {
    let mut base = url.clone();
    base.set_query(None);
    let path = url.path().strip_suffix("info/refs")?.to_owned();
    base.set_path(&path);
    Some(base)
}
