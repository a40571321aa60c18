//! Servers that are registered with Consul.

mod answer;

use std::{fmt, time::Duration};

use reqwest::{StatusCode, header::HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Discovery, DiscoveryError, Found, Instance,
    body::{body, said},
};
use crate::{InvalidSettings, error::Failure, fetch::registry_client, settings::Server};

/// From the connection to the last byte.
const PATIENCE: Duration = Duration::from_secs(8);
const TOKEN: &str = "X-Consul-Token";

/// An agent of Consul, of which those are asked for that it says are well.
///
/// ```
/// use confbus_client::{Consul, Settings};
///
/// let consul = Consul::new("http://localhost:8500")?;
/// let settings = Settings::new("orders").discovery("configserver", consul);
/// # Ok::<_, confbus_client::InvalidSettings>(())
/// ```
pub struct Consul {
    http: reqwest::Client,
    agent: Server,
    token: Option<HeaderValue>,
}

impl Consul {
    /// Takes the address of an agent, `http[s]://host[:port]`.
    ///
    /// # Errors
    /// [`InvalidSettings`] when it is no such address, or TLS cannot be set up. It is not quoted.
    pub fn new(agent: &str) -> Result<Self, InvalidSettings> {
        let invalid = |problem| InvalidSettings::of(format!("Consul: {problem}"));
        let agent = Server::parse(agent, None, None).map_err(invalid)?;
        let http = registry_client(agent.is_https(), PATIENCE).map_err(invalid)?;
        Ok(Self {
            http,
            agent,
            token: None,
        })
    }

    /// A token of Consul's access control lists.
    ///
    /// # Errors
    /// [`InvalidSettings`] when no header can hold it.
    pub fn token(mut self, token: &SecretString) -> Result<Self, InvalidSettings> {
        let token = HeaderValue::from_str(token.expose_secret());
        let mut token = token.map_err(|_| InvalidSettings::of("Consul: no token".to_owned()))?;
        token.set_sensitive(true);
        self.token = Some(token);
        Ok(self)
    }

    async fn find(&self, service: &str) -> Result<Vec<Instance>, String> {
        let mut url = self.agent.at(["v1", "health", "service", service]);
        url.set_query(Some("passing=true"));
        let mut request = self.http.get(url);
        if let Some(token) = &self.token {
            request = request.header(TOKEN, token.clone());
        }
        let response = request.send().await.map_err(said)?;
        match response.status() {
            StatusCode::OK => {}
            status => return Err(Failure::of_status(status).to_string()),
        }
        let body = body(response).await?;
        answer::instances(&body).ok_or_else(|| "its answer is none of Consul's".to_owned())
    }

    async fn answer(&self, service: &str) -> Result<Vec<Instance>, DiscoveryError> {
        let found = self.find(service).await;
        found.map_err(|problem| DiscoveryError::new(format!("{}: {problem}", self.agent)))
    }
}

impl Discovery for Consul {
    fn name(&self) -> String {
        format!("Consul at {}", self.agent)
    }

    fn instances<'a>(&'a self, service: &'a str) -> Found<'a> {
        Box::pin(self.answer(service))
    }
}

/// Shows no token.
impl fmt::Debug for Consul {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_tokens_are_checked_and_never_quoted() {
        let consul = Consul::new("http://localhost:8500/").unwrap();
        let consul = consul.token(&"s3cret".into()).unwrap();
        assert_eq!(format!("{consul:?}"), "Consul at http://localhost:8500");
        let error = consul.token(&"s3cret\n".into()).unwrap_err().to_string();
        assert!(!error.contains("s3cret"), "{error}");
        let error = Consul::new("ftp://jo:s3cret@consul")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("Consul: ") && !error.contains("s3cret"),
            "{error}"
        );
    }
}
