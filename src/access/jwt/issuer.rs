use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde::Deserialize;
use url::Url;

use super::keys::Set;
use crate::{network, tls};

/// For all that is asked once.
const DEADLINE: Duration = Duration::from_secs(5);
/// Bytes of the longest answer that is read.
const LONGEST: usize = 256 * 1024;

/// Where the keys of an issuer are.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// Where its own description says.
    Described(Url),
    /// Here.
    Keys(Url),
}

/// Speaks to an issuer.
#[derive(Debug)]
pub(super) struct Issuer {
    http: reqwest::Client,
    name: Box<str>,
    place: Place,
}

#[derive(Deserialize)]
struct Description {
    issuer: String,
    jwks_uri: String,
}

impl Place {
    /// Where an issuer is asked; `None` where nobody could be sure who answers: without TLS only this machine is asked.
    pub(crate) fn is_safe(url: &Url) -> bool {
        let is_here = || url.host_str().is_some_and(network::is_here);
        url.scheme() == "https" || url.scheme() == "http" && is_here()
    }

    fn url(&self) -> &Url {
        match self {
            Self::Described(url) | Self::Keys(url) => url,
        }
    }
}

impl Issuer {
    /// # Errors
    /// When TLS is wanted and this machine trusts nobody.
    pub(super) fn new(name: Box<str>, place: Place) -> Result<Self, String> {
        let is_https = place.url().scheme() == "https";
        let builder = tls::client(is_https)?;
        let builder = if is_https {
            builder
        } else {
            builder.no_proxy()
        };
        let http = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { http, name, place })
    }

    /// The keys that it publishes now.
    pub(super) async fn fetch(&self) -> Result<Set, String> {
        let fetched = tokio::time::timeout(DEADLINE, self.keys()).await;
        fetched.unwrap_or_else(|_| Err(format!("no answer within {} s", DEADLINE.as_secs())))
    }

    async fn keys(&self) -> Result<Set, String> {
        let place = match &self.place {
            Place::Keys(url) => url.clone(),
            Place::Described(url) => self.described(url).await?,
        };
        let document = self.get(place).await?;
        let document = document.ok_or("there are no keys where they should be")?;
        Set::parse(&document, Instant::now())
    }

    /// Where the description says that the keys are.
    async fn described(&self, issuer: &Url) -> Result<Url, String> {
        for place in descriptions(issuer) {
            let Some(document) = self.get(place).await? else {
                continue;
            };
            let description: Description = serde_json::from_slice(&document)
                .map_err(|error| format!("its description cannot be read: {error}"))?;
            if description.issuer != *self.name {
                return Err("its description is that of another issuer".to_owned());
            }
            let place = Url::parse(&description.jwks_uri).map_err(|error| error.to_string())?;
            let is_safe = place.scheme() == issuer.scheme() && Place::is_safe(&place);
            return is_safe.then_some(place).ok_or_else(|| {
                "its description leads to keys that nobody could be sure of: they have to be behind https".to_owned()
            });
        }
        Err("it does not describe itself".to_owned())
    }

    /// What lies there; `None` where nothing does.
    async fn get(&self, place: Url) -> Result<Option<Vec<u8>>, String> {
        let request = self.http.get(place).header("accept", "application/json");
        let mut answer = request.send().await.map_err(tls::cause)?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status => return Err(format!("the answer was {status}")),
        }
        let mut document = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(tls::cause)? {
            if document.len() + piece.len() > LONGEST {
                return Err(format!("the answer is longer than {LONGEST} bytes"));
            }
            document.extend_from_slice(&piece);
        }
        Ok(Some(document))
    }
}

/// Where an issuer may describe itself: below its path, or with its path below what is well known.
fn descriptions(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let places = [
        format!("{path}/.well-known/openid-configuration"),
        format!("/.well-known/openid-configuration{path}"),
        format!("/.well-known/oauth-authorization-server{path}"),
    ];
    let mut urls: Vec<Url> = Vec::new();
    for place in places {
        let mut url = issuer.clone();
        url.set_path(&place);
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    urls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tls_and_this_machine_are_safe() {
        for (url, expected) in [
            ("https://idp.example/realms/x", true),
            ("http://idp.example", false),
            ("http://127.0.0.1:8080", true),
            ("http://localhost:8080", true),
            ("http://[::1]:8080", true),
            ("http://localhost.example", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(Place::is_safe(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn an_issuer_describes_itself_at_one_of_three_places() {
        let places = |url: &str| -> Vec<String> {
            let places = descriptions(&Url::parse(url).unwrap());
            places.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            places("https://idp.example/realms/x/"),
            [
                "https://idp.example/realms/x/.well-known/openid-configuration",
                "https://idp.example/.well-known/openid-configuration/realms/x",
                "https://idp.example/.well-known/oauth-authorization-server/realms/x",
            ]
        );
        assert_eq!(places("https://idp.example").len(), 2);
    }
}
