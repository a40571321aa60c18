use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, StatusCode, header};
use percent_encoding::percent_decode_str;
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::Trouble;
use crate::registration::base::{Base, client};

/// A server of Eureka: where it is, and with what to prove ourselves.
#[derive(Clone)]
pub(crate) struct Peer {
    base: Base,
    login: Option<Login>,
}

#[derive(Clone)]
struct Login {
    user: String,
    password: SecretString,
}

impl Peer {
    /// Takes `http[s]://[user:password@]host[:port]/eureka/`; `None` when it is something else.
    pub(crate) fn parse(address: &str) -> Option<Self> {
        let mut url = Url::parse(address).ok()?;
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let has_login = !url.username().is_empty() || url.password().is_some();
        let login = has_login.then(|| Login {
            user: decoded(url.username()),
            password: decoded(url.password().unwrap_or_default()).into(),
        });
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
        let base = Base::of(url)?;
        Some(Self { base, login })
    }

    pub(super) fn base(&self) -> &Base {
        &self.base
    }

    pub(crate) fn has_login(&self) -> bool {
        self.login.is_some()
    }

    /// Whether what it is told can be read on the way.
    pub(crate) fn is_in_clear(&self) -> bool {
        self.base.is_in_clear()
    }

    fn authorization(&self) -> Option<HeaderValue> {
        let Login { user, password } = self.login.as_ref()?;
        let login = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
        let mut value = HeaderValue::from_str(&format!("Basic {login}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// The address, without credentials.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base.fmt(f)
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Peer({self})")
    }
}

/// Peers that tell each other, so that one is enough.
#[derive(Debug)]
pub(super) struct Peers {
    http: reqwest::Client,
    all: Vec<Peer>,
    /// Who answered last, and is asked first.
    last: usize,
}

impl Peers {
    /// # Errors
    /// When TLS is wanted and this machine trusts nobody.
    pub(super) fn new(all: Vec<Peer>) -> Result<Self, String> {
        let http = client(all.iter().any(|peer| peer.base.is_https()))?;
        Ok(Self { http, all, last: 0 })
    }

    /// Who answered last.
    pub(super) fn last(&self) -> String {
        let last = self.all.get(self.last);
        last.map(ToString::to_string).unwrap_or_default()
    }

    pub(super) async fn get(&mut self, path: &[&str]) -> Result<StatusCode, Trouble> {
        self.ask(|http, peer| http.get(peer.base.at(path))).await
    }

    pub(super) async fn post(
        &mut self,
        path: &[&str],
        body: Vec<u8>,
    ) -> Result<StatusCode, Trouble> {
        self.ask(|http, peer| {
            let request = http.post(peer.base.at(path)).body(body.clone());
            request.header(header::CONTENT_TYPE, "application/json")
        })
        .await
    }

    pub(super) async fn put(
        &mut self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<StatusCode, Trouble> {
        self.ask(|http, peer| {
            let mut url = peer.base.at(path);
            url.query_pairs_mut().extend_pairs(query);
            http.put(url)
        })
        .await
    }

    pub(super) async fn delete(&mut self, path: &[&str]) -> Result<StatusCode, Trouble> {
        self.ask(|http, peer| http.delete(peer.base.at(path))).await
    }

    /// Asks one after the other until one answers for all; then what the last one said.
    async fn ask(
        &mut self,
        request: impl Fn(&reqwest::Client, &Peer) -> RequestBuilder,
    ) -> Result<StatusCode, Trouble> {
        let mut trouble = Trouble::Late;
        for turn in 0..self.all.len() {
            let index = (self.last + turn) % self.all.len();
            let peer = &self.all[index];
            let mut request = request(&self.http, peer).header(header::ACCEPT, "application/json");
            if let Some(authorization) = peer.authorization() {
                request = request.header(header::AUTHORIZATION, authorization);
            }
            trouble = match request.send().await {
                Ok(answer) => match Trouble::of_status(answer.status()) {
                    // Another peer may know better; what it makes of the request itself, all do.
                    of_peer @ (Trouble::Denied(_) | Trouble::Failing(_)) => of_peer,
                    _ => {
                        self.last = index;
                        return Ok(answer.status());
                    }
                },
                Err(error) => Trouble::of_request(error),
            };
        }
        Err(trouble)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gives_up_its_login() {
        let peer = Peer::parse("http://jo:p%40ss@eureka:8761/eureka/").unwrap();
        assert_eq!(peer.to_string(), "http://eureka:8761/eureka");
        assert_eq!(format!("{peer:?}"), "Peer(http://eureka:8761/eureka)");
        let authorization = peer.authorization().unwrap();
        assert_eq!(
            authorization,
            format!("Basic {}", STANDARD.encode("jo:p@ss"))
        );
        assert!(authorization.is_sensitive());
        assert!(
            Peer::parse("http://eureka/eureka/")
                .unwrap()
                .authorization()
                .is_none()
        );
    }

    #[test]
    fn what_is_no_address_of_a_peer_is_none() {
        for address in [
            "eureka:8761",
            "ftp://eureka",
            "http://",
            "http://e/?a=b",
            "http://e/#x",
        ] {
            assert!(Peer::parse(address).is_none(), "{address}");
        }
    }
}
