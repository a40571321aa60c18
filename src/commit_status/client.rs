use std::{path::Path, time::Duration};

use http::header;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::AsyncReadExt as _;

use super::{Settings, pause, status::Status, trouble::Trouble};
use crate::tls;

/// For one try, from reading the token to the answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// More than any token, in bytes.
const LONGEST_TOKEN: u64 = 16 << 10;

/// Speaks to the host.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    settings: Settings,
}

impl Client {
    /// # Errors
    /// When TLS is wanted and this machine trusts nobody.
    pub(super) fn new(settings: Settings) -> Result<Self, String> {
        let http = tls::client(settings.host.is_https())?
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { http, settings })
    }

    /// Tells the host once.
    pub(super) async fn tell(&self, status: &Status) -> Result<(), Trouble> {
        let told = tokio::time::timeout(DEADLINE, self.post(status)).await;
        told.unwrap_or(Err(Trouble::Late))
    }

    async fn post(&self, status: &Status) -> Result<(), Trouble> {
        let Settings {
            host,
            token_file,
            context,
            target_url,
        } = &self.settings;
        let judgement = &status.judgement;
        let address = host.address(&judgement.repository, judgement.commit);
        let address = address.ok_or(Trouble::NoProject)?;
        let token = token(token_file).await?;
        let headers = host
            .headers(token.expose_secret())
            .ok_or(Trouble::StrangeToken)?;
        let request = self.http.post(address).headers(headers);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let request = request.body(host.body(status, context, target_url.as_deref()));
        let answer = request.send().await;
        let answer = answer.map_err(|error| Trouble::Unreachable(tls::cause(error)))?;
        if answer.status().is_success() {
            return Ok(());
        }
        let now = jiff::Timestamp::now().as_second();
        let wish = pause::wished(answer.headers(), now);
        Err(Trouble::of_answer(answer.status(), wish))
    }
}

/// The first line of the file.
async fn token(file: &Path) -> Result<SecretString, Trouble> {
    let mut text = String::new();
    let file = tokio::fs::File::open(file).await;
    let mut file = file.map_err(Trouble::NoToken)?.take(LONGEST_TOKEN);
    let read = file.read_to_string(&mut text).await;
    read.map_err(Trouble::NoToken)?;
    let token = text.trim();
    if token.is_empty() || token.contains(char::is_whitespace) {
        return Err(Trouble::StrangeToken);
    }
    Ok(token.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &[u8]) -> Option<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let token = token(file.path()).await.ok()?;
        Some(token.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn a_token_is_one_word() {
        assert_eq!(read(b"s3cret\n").await.as_deref(), Some("s3cret"));
        for strange in [&b""[..], b"\n", b"one two", b"one\ntwo", b"\xff"] {
            assert_eq!(read(strange).await, None);
        }
        let absent = token(Path::new("/nowhere/token")).await.unwrap_err();
        assert!(absent.to_string().contains("cannot be read"), "{absent}");
    }
}
