use std::time::Duration;

use confbus_protocol::{Application, BusId, Label, Member, Profiles};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::{Balance, discovery::Wanted};

use super::{FailOver, InvalidSettings, Server, Settings, Start};

/// A longer pause or time is a mistake, and none the same as waiting for ever.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The coordinates of every request, checked.
#[derive(Debug, Clone)]
pub(crate) struct Coordinates {
    pub(crate) application: String,
    pub(crate) profiles: String,
    /// Asked for in turn until a server knows one; `None` is the server's default.
    pub(crate) labels: Vec<Option<String>>,
}

/// What every request carries, and what an answer may cost.
#[derive(Clone)]
pub(crate) struct Requests {
    /// Those that the settings name; nobody where a registry does.
    pub(crate) servers: Vec<Server>,
    pub(crate) discovery: Option<Wanted>,
    pub(crate) balance: Balance,
    pub(crate) headers: HeaderMap,
    pub(crate) fail_over: FailOver,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) max_response_bytes: usize,
}

impl Settings {
    /// Checks everything that can be checked without asking anybody.
    pub(crate) fn checked(&self) -> Result<(Coordinates, Requests, Member), InvalidSettings> {
        let mut problems = Vec::new();
        let coordinates = self.coordinates(&mut problems);
        let servers = self.servers(&mut problems);
        let headers = self.headers(&mut problems);
        let member = self.member(&mut problems);
        self.durations(&mut problems);
        let is_nameless = |(service, _): &(String, _)| service.trim().is_empty();
        if self.discovery.as_ref().is_some_and(is_nameless) {
            problems.push("the service to look for has no name".to_owned());
        }
        match (problems.is_empty(), member) {
            (true, Some(member)) => Ok((coordinates, self.requests(servers, headers), member)),
            _ => Err(InvalidSettings { problems }),
        }
    }

    fn coordinates(&self, problems: &mut Vec<String>) -> Coordinates {
        let application = self
            .config_name
            .clone()
            .unwrap_or_else(|| self.application.clone());
        let profiles = self.config_profiles.as_ref().or(self.profiles.as_ref());
        // In a path, the blank of `dev, cloud` would be part of a name.
        let trimmed = |list: &String| list.split(',').map(str::trim).collect::<Vec<_>>().join(",");
        let application = trimmed(&application);
        let profiles = profiles.map_or_else(|| "default".to_owned(), trimmed);
        let labels: Vec<Option<String>> = self
            .label
            .iter()
            .flat_map(|list| list.split(','))
            .map(|label| Some(label.trim().to_owned()))
            .collect();

        if application.trim().is_empty() {
            problems.push("the application has no name".to_owned());
        }
        problems.extend(
            Application::parse(&application)
                .err()
                .map(|error| format!("application `{application}`: {error}")),
        );
        problems.extend(
            Profiles::parse(&profiles)
                .err()
                .map(|error| format!("profiles `{profiles}`: {error}")),
        );
        for label in labels.iter().flatten() {
            problems.extend(
                Label::parse(label)
                    .err()
                    .map(|error| format!("label `{label}`: {error}")),
            );
        }
        Coordinates {
            application,
            profiles,
            labels: if labels.is_empty() {
                vec![None]
            } else {
                labels
            },
        }
    }

    pub(super) fn servers(&self, problems: &mut Vec<String>) -> Vec<Server> {
        let listed = self
            .servers
            .iter()
            .flat_map(|list| list.expose_secret().split(','))
            .map(str::trim)
            .filter(|address| !address.is_empty());
        let listed: Vec<&str> = listed.collect();
        if self.discovery.is_some() {
            return Vec::new();
        }
        let addresses = if listed.is_empty() {
            vec!["http://localhost:8888"]
        } else {
            listed
        };
        let mut servers = Vec::new();
        for address in addresses {
            match Server::parse(address, self.username.as_deref(), self.password.as_ref()) {
                Ok(server) => servers.push(server),
                Err(problem) => problems.push(problem),
            }
        }
        servers
    }

    fn durations(&self, problems: &mut Vec<String>) {
        let within = match self.start {
            Start::Fresh { within } => Some(within),
            Start::FreshOrFail | Start::LastGood => None,
        };
        let durations = [
            ("poll_every", self.poll),
            ("start.within", within),
            ("retry.initial_interval", Some(self.retry.initial_interval)),
            ("retry.max_interval", Some(self.retry.max_interval)),
            ("connect_timeout", Some(self.connect_timeout)),
            ("request_timeout", Some(self.request_timeout)),
        ];
        for (name, duration) in durations {
            if duration.is_some_and(|duration| duration.is_zero() || duration > LONGEST) {
                problems.push(format!("{name}: expected more than zero and at most a day"));
            }
        }
    }

    fn member(&self, problems: &mut Vec<String>) -> Option<Member> {
        let id = match &self.bus_id {
            Some(id) => BusId::new(id.as_str()),
            None => {
                let random = Uuid::new_v4().simple().to_string();
                BusId::of_instance(
                    &self.application,
                    self.profiles.as_deref().unwrap_or_default(),
                    &self.index,
                    &random,
                )
            }
        };
        let id = id.map_err(|error| problems.push(error.to_string())).ok()?;
        let names = self.config_name.iter().flat_map(|names| names.split(','));
        Some(Member {
            id,
            config_names: names.map(|name| name.trim().to_owned()).collect(),
        })
    }

    /// Marked as sensitive, so that nobody prints them.
    fn headers(&self, problems: &mut Vec<String>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let token = self.token.iter().map(|token| ("X-Config-Token", token));
        for (name, value) in self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .chain(token)
        {
            match (
                HeaderName::from_bytes(name.as_bytes()),
                HeaderValue::from_str(value.expose_secret()),
            ) {
                (Ok(name), Ok(mut value)) => {
                    value.set_sensitive(true);
                    headers.insert(name, value);
                }
                _ => problems.push(format!(
                    "header `{name}`: its name or value is none that HTTP can carry"
                )),
            }
        }
        headers
    }

    fn requests(&self, servers: Vec<Server>, headers: HeaderMap) -> Requests {
        let discovery = self.discovery.clone();
        let discovery = discovery.map(|(service, registry)| Wanted {
            service,
            registry,
            user: self.username.clone(),
            password: self.password.clone(),
        });
        let usual = match discovery {
            Some(_) => Balance::Spread,
            None => Balance::InOrder,
        };
        Requests {
            servers,
            discovery,
            balance: self.balance.unwrap_or(usual),
            headers,
            fail_over: self.fail_over,
            connect_timeout: self.connect_timeout,
            request_timeout: self.request_timeout,
            max_response_bytes: self.max_response_bytes,
        }
    }
}
