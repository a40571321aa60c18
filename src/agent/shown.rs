//! One address as it is shown on this machine.

use std::sync::OnceLock;

use confbus_client::{Client, Snapshot};
use confbus_protocol::{Address, Representation};
use percent_encoding::percent_decode_str;

use crate::watch::{Candidate, Format, Only};

/// What an address has, once that was delivered.
pub(super) struct Shown {
    address: Address,
    only: Only,
    client: OnceLock<Client>,
}

pub(super) struct Answer {
    pub(super) body: Vec<u8>,
    pub(super) content_type: &'static str,
}

impl Shown {
    pub(super) fn new(address: Address, only: Only) -> Self {
        Self {
            address,
            only,
            client: OnceLock::new(),
        }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// From now on it has what this client has.
    pub(super) fn show(&self, client: &Client) {
        // There is one for as long as the agent runs.
        _ = self.client.set(client.clone());
    }

    pub(super) fn is_there(&self) -> bool {
        self.client.get().is_some()
    }

    /// What stands at a path of the server; `None` when that is about another address. An error is why there is nothing yet.
    pub(super) fn answer(&self, path: &str) -> Option<Result<Answer, String>> {
        let format = self.format_at(path)?;
        let Some(client) = self.client.get() else {
            return Some(Err(format!("{} waits for a configuration", self.address)));
        };
        Some(self.written(&client.snapshot(), format))
    }

    /// `None` within is the environment itself.
    fn format_at(&self, path: &str) -> Option<Option<Format>> {
        let segments = path.strip_prefix('/')?.split('/');
        let segments: Vec<String> = segments.map(plain).collect::<Option<_>>()?;
        let label = self.address.label.as_ref().map(ToString::to_string);
        let (application, profiles) = (
            self.address.application.as_str(),
            self.address.profiles.as_str(),
        );
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let is_label = |other: Option<&str>| label.as_deref() == other;
        let file = |name: &str| {
            let (name, ending) = name.rsplit_once('.')?;
            let is_ours = name == format!("{application}-{profiles}");
            let format = Format::named(ending).filter(|format| format.is_of_server());
            format.filter(|_| is_ours).map(Some)
        };
        match *segments {
            [a, p] if a == application && p == profiles && is_label(None) => Some(None),
            [a, p, l] if a == application && p == profiles && is_label(Some(l)) => Some(None),
            [name] if is_label(None) => file(name),
            [l, name] if is_label(Some(l)) => file(name),
            _ => None,
        }
    }

    fn written(&self, snapshot: &Snapshot, format: Option<Format>) -> Result<Answer, String> {
        if let Err(lacking) = Candidate::complete(snapshot, &self.only) {
            return Err(lacking.to_string());
        }
        let candidate = Candidate::of(snapshot, &self.only);
        let Some(format) = format else {
            let environment = if self.only.means_all() {
                snapshot.environment().clone()
            } else {
                candidate.environment(false)
            };
            return Ok(Answer {
                body: environment.to_json(Representation::V1),
                content_type: "application/json",
            });
        };
        let text = format.serve(&candidate.environment(format.reads_again()))?;
        let content_type = match format {
            Format::Json => "application/json",
            _ => "text/plain",
        };
        Ok(Answer {
            body: text.into_bytes(),
            content_type,
        })
    }
}

/// A segment as a name: `(_)` stands for a slash.
fn plain(segment: &str) -> Option<String> {
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    Some(decoded.replace("(_)", "/"))
}
