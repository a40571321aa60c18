use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

/// A server of the list: its address without credentials, and what to prove ourselves with.
#[derive(Clone, PartialEq)]
pub(crate) struct Server {
    url: Url,
    authorization: Option<HeaderValue>,
}

impl Server {
    /// Takes `http[s]://[user:password@]host[:port][/path]`; the credentials given apart win over those inside.
    ///
    /// The error never quotes the address, which may hold a password.
    pub(crate) fn parse(
        address: &str,
        username: Option<&str>,
        password: Option<&SecretString>,
    ) -> Result<Self, String> {
        let mut url = Url::parse(address)
            .map_err(|error| format!("a server's address is no URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(
                "a server's address starts with neither `http://` nor `https://`".to_owned(),
            );
        }
        let inside = |text: &str| (!text.is_empty()).then(|| decoded(text));
        let user = username
            .map(str::to_owned)
            .or_else(|| inside(url.username()));
        let secret = password
            .cloned()
            .or_else(|| url.password().map(decoded).map(SecretString::from));
        // Spring's user when only a password is given.
        let authorization = secret
            .and_then(|secret| basic(user.as_deref().unwrap_or("user"), secret.expose_secret()));
        let stripped = url.set_username("").is_ok() && url.set_password(None).is_ok();
        debug_assert!(
            stripped,
            "an address with a host takes and gives up credentials"
        );
        url.set_query(None);
        url.set_fragment(None);
        let path: Vec<&str> = url
            .path()
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        url.set_path(&path.join("/"));
        Ok(Self { url, authorization })
    }

    /// The address below this server with the given path segments.
    pub(crate) fn at<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// The value of the `Authorization` header.
    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }
}

/// The address, without credentials.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

fn basic(user: &str, password: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!(
        "Basic {}",
        STANDARD.encode(format!("{user}:{password}"))
    ))
    .ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Undoes percent-encoding; what is no code stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .filter(|_| first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(address: &str) -> Server {
        Server::parse(address, None, None).unwrap()
    }

    #[test]
    fn paths_have_single_slashes() {
        for (address, expected) in [
            ("http://h:8888", "http://h:8888/orders/dev"),
            ("http://h:8888/", "http://h:8888/orders/dev"),
            ("http://h:8888//config//", "http://h:8888/config/orders/dev"),
            ("https://h/config?x=1#y", "https://h/config/orders/dev"),
        ] {
            assert_eq!(server(address).at(["orders", "dev"]).as_str(), expected);
        }
        assert_eq!(
            server("http://h")
                .at(["a,b", "dév", "feature(_)x"])
                .as_str(),
            "http://h/a,b/d%C3%A9v/feature(_)x"
        );
    }

    #[test]
    fn credentials_come_from_the_address_or_apart() {
        let with = server("http://ana:p%40ss@h:1/x");
        assert_eq!(
            (with.to_string().as_str(), with.authorization),
            ("http://h:1/x", basic("ana", "p@ss"))
        );
        assert_eq!(server("http://h").authorization, None);
        let apart = |address, user, password: &str| {
            let password = SecretString::from(password);
            Server::parse(address, user, Some(&password))
                .unwrap()
                .authorization
        };
        assert_eq!(
            apart("http://ana:pw@h", Some("jo"), "other"),
            basic("jo", "other")
        );
        assert_eq!(apart("http://h", None, "pw"), basic("user", "pw"));
    }

    #[test]
    fn an_error_shows_no_password() {
        for address in [
            "ana:s3cret@h",
            "http://ana:s3cret@h:99999",
            "ftp://ana:s3cret@h",
        ] {
            let Err(error) = Server::parse(address, None, None) else {
                panic!("{address}")
            };
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
