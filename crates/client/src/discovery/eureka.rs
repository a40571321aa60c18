//! Servers that are registered with Eureka.

mod answer;

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use reqwest::{StatusCode, header};

use super::{
    Discovery, DiscoveryError, Found, Instance,
    body::{body, said},
};
use crate::{InvalidSettings, error::Failure, fetch::registry_client, settings::Server};

/// For one peer, from the connection to the last byte.
const PATIENCE: Duration = Duration::from_secs(4);

/// A Eureka registry: peers that tell each other, of which the first that answers is asked.
///
/// ```
/// use confbus_client::{Eureka, Settings};
///
/// let eureka = Eureka::new("http://eureka-1:8761/eureka/,http://eureka-2:8761/eureka/")?;
/// let settings = Settings::new("orders").discovery("configserver", eureka);
/// # Ok::<_, confbus_client::InvalidSettings>(())
/// ```
pub struct Eureka {
    http: reqwest::Client,
    peers: Vec<Server>,
    /// Who answered last, and is asked first.
    last: AtomicUsize,
}

impl Eureka {
    /// Spring's address when none is said.
    pub(crate) const USUAL: &'static str = "http://localhost:8761/eureka/";

    /// Takes `http[s]://[user:password@]host[:port]/eureka/`, several of them separated by commas.
    ///
    /// # Errors
    /// [`InvalidSettings`] when one is no such address, or TLS cannot be set up. No address is quoted.
    pub fn new(peers: &str) -> Result<Self, InvalidSettings> {
        let addresses = peers.split(',').map(str::trim);
        let addresses = addresses.filter(|address| !address.is_empty());
        let peers = addresses.map(|address| Server::parse(address, None, None));
        let peers: Vec<_> = peers
            .collect::<Result<_, _>>()
            .map_err(|problem| InvalidSettings::of(format!("Eureka: {problem}")))?;
        if peers.is_empty() {
            return Err(InvalidSettings::of("Eureka: no address".to_owned()));
        }
        let http = registry_client(peers.iter().any(Server::is_https), PATIENCE);
        let http = http.map_err(|problem| InvalidSettings::of(format!("Eureka: {problem}")))?;
        Ok(Self {
            http,
            peers,
            last: AtomicUsize::new(0),
        })
    }

    async fn find(&self, service: &str) -> Result<Vec<Instance>, DiscoveryError> {
        let first = self.last.load(Ordering::Relaxed);
        let mut failures = Vec::new();
        for turn in 0..self.peers.len() {
            let index = (first + turn) % self.peers.len();
            let peer = &self.peers[index];
            match self.ask(peer, service).await {
                Ok(instances) => {
                    self.last.store(index, Ordering::Relaxed);
                    return Ok(instances);
                }
                Err(failure) => failures.push(format!("{peer}: {failure}")),
            }
        }
        Err(DiscoveryError::new(failures.join("; ")))
    }

    async fn ask(&self, peer: &Server, service: &str) -> Result<Vec<Instance>, String> {
        let request = self.http.get(peer.at(["vips", service]));
        // Otherwise it answers with XML.
        let mut request = request.header(header::ACCEPT, "application/json");
        if let Some(authorization) = peer.authorization() {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let response = request.send().await.map_err(said)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(Vec::new()),
            status => return Err(Failure::of_status(status).to_string()),
        }
        let body = body(response).await?;
        answer::instances(&body, service).ok_or_else(|| "its answer is none of Eureka's".to_owned())
    }
}

impl Discovery for Eureka {
    fn name(&self) -> String {
        let peers = self.peers.iter().map(ToString::to_string);
        format!("Eureka at {}", peers.collect::<Vec<_>>().join(", "))
    }

    fn instances<'a>(&'a self, service: &'a str) -> Found<'a> {
        Box::pin(self.find(service))
    }
}

/// Shows no credentials.
impl fmt::Debug for Eureka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_never_quoted() {
        let eureka = Eureka::new("http://jo:s3cret@one:8761/eureka/, http://two/eureka").unwrap();
        assert_eq!(
            format!("{eureka:?}"),
            "Eureka at http://one:8761/eureka, http://two/eureka"
        );
        for peers in ["", " , ", "one:8761", "http://one,ftp://jo:s3cret@two"] {
            let error = Eureka::new(peers).unwrap_err().to_string();
            assert!(
                error.contains("Eureka: ") && !error.contains("s3cret"),
                "{error}"
            );
        }
    }
}
