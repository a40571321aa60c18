//! Configuration from files in a bucket of S3, named and ordered as Spring's backend does.
//!
//! Files are asked for by name and never listed: a bucket may hold anything else besides. Each is fetched again only when
//! it is another than the one that is held.

mod error;
mod objects;
mod questions;
mod sources;
#[cfg(test)]
mod tests;

use std::fmt;

use ::object_store::{
    ClientOptions, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey},
    client::{HttpClient, HttpConnector},
};
use confbus_protocol::{Label, PropertySource};
use confbus_resolution::EnvironmentRequest;
use futures_util::{FutureExt as _, future::BoxFuture};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::{
    lookups::{LookupError, Place, Store},
    tls,
};
use objects::Objects;
use questions::{Naming, Question};

const KIND: &str = "awss3";

/// The region that stores at an address of their own are told where no other is set: they hardly ever look at it.
pub(crate) const ANY_REGION: &str = "us-east-1";

/// A request that the store is too busy for is made again so often, within the deadline of the whole.
const RETRIES: usize = 2;

/// One bucket, and how to log in.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) bucket: String,
    pub(crate) region: String,
    /// Of whoever else speaks S3; AWS where there is none.
    pub(crate) endpoint: Option<Url>,
    /// Each application's files are in a folder of its name.
    pub(crate) has_folders: bool,
    /// That of requests which have none.
    pub(crate) default_label: Option<Label>,
    pub(crate) credentials: Credentials,
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) enum Credentials {
    Key {
        id: String,
        secret: SecretString,
        /// Of credentials that end.
        session: Option<SecretString>,
    },
    /// A role, by a token that whoever runs the server leaves in a file.
    Role {
        arn: String,
        session_name: Option<String>,
        token_file: String,
    },
    /// What the place where the server runs gives out: a task, a pod.
    Container {
        relative_uri: Option<String>,
        full_uri: Option<String>,
        token_file: Option<String>,
    },
    /// What the machine is given.
    Instance,
}

impl Credentials {
    /// What a store tells one from the other by, where that is no secret.
    fn name(&self) -> Option<&str> {
        match self {
            Self::Key { id, .. } => Some(id),
            Self::Role { arn, .. } => Some(arn),
            Self::Container { .. } | Self::Instance => None,
        }
    }

    /// In the words of the store's library.
    fn told(&self) -> Vec<(AmazonS3ConfigKey, &str)> {
        use AmazonS3ConfigKey as Key;
        let all = match self {
            Self::Key {
                id,
                secret,
                session,
            } => vec![
                (Key::AccessKeyId, Some(id.as_str())),
                (Key::SecretAccessKey, Some(secret.expose_secret())),
                (
                    Key::Token,
                    session.as_ref().map(SecretString::expose_secret),
                ),
            ],
            Self::Role {
                arn,
                session_name,
                token_file,
            } => vec![
                (Key::RoleArn, Some(arn.as_str())),
                (Key::RoleSessionName, session_name.as_deref()),
                (Key::WebIdentityTokenFile, Some(token_file)),
            ],
            Self::Container {
                relative_uri,
                full_uri,
                token_file,
            } => vec![
                (
                    Key::ContainerCredentialsRelativeUri,
                    relative_uri.as_deref(),
                ),
                (Key::ContainerCredentialsFullUri, full_uri.as_deref()),
                (Key::ContainerAuthorizationTokenFile, token_file.as_deref()),
            ],
            Self::Instance => Vec::new(),
        };
        let said = all.into_iter();
        said.filter_map(|(key, value)| Some((key, value?)))
            .collect()
    }
}

impl Place for Settings {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn shown(&self) -> String {
        let bucket = &self.bucket;
        match self.endpoint.as_ref().map(Url::host_str) {
            Some(host) => format!("s3://{bucket} at {}", host.unwrap_or_default()),
            None => format!("s3://{bucket} in {}", self.region),
        }
    }

    /// Who asks is part of it but at AWS: a store with tenants may have a bucket of the same name for each of them.
    fn identity(&self) -> Vec<String> {
        let endpoint = self.endpoint.as_ref().map(Url::to_string);
        let name = endpoint.as_ref().and_then(|_| self.credentials.name());
        let label = self.default_label.as_ref().map(Label::to_string);
        vec![
            self.bucket.clone(),
            self.region.clone(),
            endpoint.unwrap_or_default(),
            self.has_folders.to_string(),
            label.unwrap_or_default(),
            name.unwrap_or_default().to_owned(),
        ]
    }

    fn default_label(&self) -> Option<&str> {
        self.default_label.as_ref().map(Label::as_str)
    }

    fn open(&self) -> Result<Box<dyn Store>, String> {
        Ok(Box::new(Bucket {
            shown: self.shown(),
            naming: Naming {
                has_folders: self.has_folders,
            },
            default_label: self.default_label.clone(),
            objects: Objects::new(self.client()?),
        }))
    }
}

impl Settings {
    fn client(&self) -> Result<AmazonS3, String> {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.bucket)
            .with_region(&self.region)
            .with_http_connector(Connector {
                has_tls: self.has_tls(),
            })
            .with_retry(RetryConfig {
                max_retries: RETRIES,
                ..RetryConfig::default()
            });
        builder = match &self.endpoint {
            Some(endpoint) => builder.with_endpoint(endpoint.as_str()),
            // A certificate for all buckets does not hold for one with a dot in its name.
            None => builder.with_virtual_hosted_style_request(!self.bucket.contains('.')),
        };
        for (key, value) in self.credentials.told() {
            builder = builder.with_config(key, value);
        }
        // What it says may hold what it was told.
        let built = builder.build();
        built.map_err(|_| format!("{} cannot be opened with these settings", self.shown()))
    }

    /// Whether anybody of whom the client asks something speaks TLS.
    fn has_tls(&self) -> bool {
        let is_plain = |url: &Url| url.scheme() == "http";
        let is_bucket_plain = self.endpoint.as_ref().is_some_and(is_plain);
        !is_bucket_plain || !matches!(self.credentials, Credentials::Key { .. })
    }
}

/// Makes clients with our own trust, instead of what the library would take.
#[derive(Debug)]
struct Connector {
    has_tls: bool,
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> ::object_store::Result<HttpClient> {
        let client = tls::client(self.has_tls)
            .and_then(|client| client.build().map_err(|error| error.to_string()));
        let failed = |error: String| ::object_store::Error::Generic {
            store: KIND,
            source: error.into(),
        };
        client.map(HttpClient::new).map_err(failed)
    }
}

/// One bucket that is asked.
struct Bucket {
    shown: String,
    naming: Naming,
    default_label: Option<Label>,
    objects: Objects,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Store for Bucket {
    fn of_one_answer(&self, request: &EnvironmentRequest) -> EnvironmentRequest {
        let label = request.label.as_ref().or(self.default_label.as_ref());
        EnvironmentRequest {
            label: label.cloned(),
            ..request.clone()
        }
    }

    fn find<'s>(
        &'s self,
        request: &'s EnvironmentRequest,
    ) -> BoxFuture<'s, Result<Vec<PropertySource>, LookupError>> {
        let found = async {
            let questions = self.naming.questions(&self.of_one_answer(request))?;
            let keys = questions.iter().flat_map(Question::keys);
            let files = self.objects.read(keys).await?;
            let mut found = Vec::new();
            for question in &questions {
                found.extend(sources::sources(question, &files)?);
            }
            Ok(found)
        };
        found.boxed()
    }

    fn greet(&self) -> BoxFuture<'_, Result<(), LookupError>> {
        async { self.objects.greet().await }.boxed()
    }
}
