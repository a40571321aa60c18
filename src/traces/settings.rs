use std::time::Duration;

use http::HeaderMap;
use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use url::Url;

/// Where spans go to.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The collector's address for traces, `http://localhost:4318/v1/traces`; without credentials.
    pub(crate) endpoint: Url,
    /// Sent with each request. Each value is marked as sensitive, so that it is never shown.
    pub(crate) headers: HeaderMap,
    /// For one request, 10 s by default.
    pub(crate) timeout: Duration,
    /// Of the traces that begin here, so many are kept, from 0 to 1, the default. Those that began elsewhere are kept as was
    /// decided there.
    pub(crate) probability: f64,
    /// What tells this server from others: `service.name`, …
    pub(crate) attributes: Vec<(String, String)>,
}

impl Settings {
    pub(super) fn resource(&self) -> Resource {
        let attributes = self.attributes.iter().cloned();
        let attributes = attributes.map(|(name, value)| KeyValue::new(name, value));
        Resource::builder_empty()
            .with_attributes(attributes)
            .build()
    }
}
