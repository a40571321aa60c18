//! Configuration from a table of PostgreSQL, read with the SQL of Spring's JDBC backend.

mod error;
mod naming;
mod statement;
#[cfg(test)]
mod tests;
mod tls;
mod url;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use confbus_protocol::{Label, Properties, Property, PropertySource, PropertyValue};
use confbus_resolution::EnvironmentRequest;
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, pin_mut};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;
use tokio_postgres::{Client, Config, config::SslMode, types::Type};

use crate::{
    lookups::{LookupError, Place, Store},
    network::HostAndPort,
};
use error::{silent, told, unreachable};
use naming::{Naming, Question, questions};
pub(crate) use statement::Statement;
use tls::Tls;
pub(crate) use url::{Address, Encryption, Target};

/// How much text the rows of one request may take, keys and values.
const TEXT_LIMIT: usize = 16 << 20;

/// Connections to one database; a pool of Spring's has ten.
const MOST_CONNECTIONS: usize = 8;

const KIND: &str = "jdbc";

/// One database, how to log in, and what is asked there.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) address: Address,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<SecretString>,
    /// Bound to it are application, profile and label.
    pub(crate) sql: Statement,
    /// Bound to it are application and label; without it rows without a profile are not asked for.
    pub(crate) sql_without_profile: Option<Statement>,
    /// That of requests which have none.
    pub(crate) default_label: Label,
    /// When the database itself gives up.
    pub(crate) timeout: Duration,
}

impl Place for Settings {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn shown(&self) -> String {
        self.address.to_string()
    }

    /// Who asks is part of it: tables are looked for where the role looks for them, and it may see only some rows.
    fn identity(&self) -> Vec<String> {
        let statement = |statement: &Statement| statement.sql().to_owned();
        let told = [
            Some(self.address.to_string()),
            self.address.schema.clone(),
            self.username.clone(),
            Some(statement(&self.sql)),
            self.sql_without_profile.as_ref().map(statement),
            Some(self.default_label.to_string()),
        ];
        told.map(Option::unwrap_or_default).into()
    }

    fn default_label(&self) -> Option<&str> {
        Some(self.default_label.as_str())
    }

    fn open(&self) -> Result<Box<dyn Store>, String> {
        Ok(Box::new(Database {
            encryption: Tls::of(self.address.encryption)?,
            settings: self.clone(),
            idle: Mutex::default(),
        }))
    }
}

/// A few connections, with one question at a time on each.
struct Database {
    settings: Settings,
    encryption: Option<Tls>,
    idle: Mutex<Vec<Client>>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.settings.shown())
    }
}

impl Store for Database {
    fn of_one_answer(&self, request: &EnvironmentRequest) -> EnvironmentRequest {
        let label = request.label.as_ref();
        EnvironmentRequest {
            label: Some(label.unwrap_or(&self.settings.default_label).clone()),
            ..request.clone()
        }
    }

    fn at_once(&self) -> usize {
        MOST_CONNECTIONS
    }

    fn find<'s>(
        &'s self,
        request: &'s EnvironmentRequest,
    ) -> BoxFuture<'s, Result<Vec<PropertySource>, LookupError>> {
        let found = async {
            let naming = Naming {
                default_label: self.settings.default_label.clone(),
                rows_without_profile: self.settings.sql_without_profile.is_some(),
            };
            self.ask(&questions(&naming, request)?).await
        };
        found.boxed()
    }

    fn greet(&self) -> BoxFuture<'_, Result<(), LookupError>> {
        async { self.ask(&[]).await.map(drop) }.boxed()
    }
}

impl Database {
    /// Asks all in one transaction, so that nobody's change is in half of them. Who is cut off, or stops waiting, leaves no
    /// connection behind.
    async fn ask(&self, questions: &[Question]) -> Result<Vec<PropertySource>, LookupError> {
        let mut lost = Lost(Some(self));
        let there = self.idle().pop().filter(|client| !client.is_closed());
        let client = match there {
            Some(client) => client,
            None => self.connect().await?,
        };
        let found = self.in_transaction(&client, questions).await;
        match &found {
            Ok(_) => {
                lost.0 = None;
                self.idle().push(client);
            }
            Err(LookupError::Unreachable { .. }) => {}
            Err(_) => lost.0 = None,
        }
        found
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Client>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn in_transaction(
        &self,
        client: &Client,
        questions: &[Question],
    ) -> Result<Vec<PropertySource>, LookupError> {
        let begin = statement::begin(self.settings.timeout, &self.settings.address.schema);
        client.batch_execute(&begin).await.map_err(|e| told(&e))?;
        let (mut sources, mut text) = (Vec::new(), 0);
        for question in questions {
            let properties = self.rows(client, question, &mut text).await?;
            if !properties.is_empty() {
                sources.push(PropertySource {
                    name: question.name(),
                    source: Arc::new(properties),
                });
            }
        }
        client.batch_execute("COMMIT").await.map_err(|e| told(&e))?;
        Ok(sources)
    }

    /// The rows that answer one question; of one key, the last counts.
    async fn rows(
        &self,
        client: &Client,
        question: &Question,
        text: &mut usize,
    ) -> Result<Properties, LookupError> {
        let Some(statement) = self.statement(question) else {
            return Ok(Properties::new());
        };
        let texts = question.texts();
        let bound = texts.iter().map(|text| (text, Type::VARCHAR));
        let rows = client.query_typed_raw(statement.sql(), bound).await;
        let rows = rows.map_err(|error| told(&error))?;
        pin_mut!(rows);
        let mut properties = Properties::new();
        while let Some(row) = rows.next().await {
            let row = row.map_err(|error| told(&error))?;
            let column = |index| row.try_get::<_, Option<String>>(index);
            let (key, value) = column(0)
                .and_then(|key| Ok((key, column(1)?)))
                .map_err(|error| told(&error))?;
            *text += [&key, &value]
                .map(|text| text.as_ref().map_or(0, String::len))
                .iter()
                .sum::<usize>();
            if *text > TEXT_LIMIT {
                return Err(LookupError::TooMuch(TEXT_LIMIT));
            }
            let Some(key) = key else { continue };
            let value = value.map_or(PropertyValue::Null, |value| {
                PropertyValue::Text(value.into())
            });
            properties.insert(key, Property::from(value));
        }
        Ok(properties)
    }

    fn statement(&self, question: &Question) -> Option<&Statement> {
        match question.profile {
            Some(_) => Some(&self.settings.sql),
            None => self.settings.sql_without_profile.as_ref(),
        }
    }

    /// The first server that answers and is of the kind that is wanted.
    async fn connect(&self) -> Result<Client, LookupError> {
        let mut trouble = None;
        for server in &self.settings.address.servers {
            match self.try_server(server).await {
                Ok(client) => return Ok(client),
                // Another one would not let us in either.
                Err(error @ LookupError::Refused { .. }) => return Err(error),
                Err(error) => trouble = Some(error),
            }
        }
        Err(trouble.unwrap_or_else(|| unreachable("no server is named")))
    }

    /// Connects and logs in within its share of the time, so that the next one has its turn.
    async fn try_server(&self, server: &HostAndPort) -> Result<Client, LookupError> {
        let servers = u32::try_from(self.settings.address.servers.len()).unwrap_or(u32::MAX);
        let within = self.settings.timeout / servers.max(1);
        let client = tokio::time::timeout(within, self.connect_to(server)).await;
        client.unwrap_or_else(|_| Err(silent(within)))
    }

    async fn connect_to(&self, server: &HostAndPort) -> Result<Client, LookupError> {
        let stream = TcpStream::connect((server.host.as_str(), server.port)).await;
        let stream = stream.map_err(|error| unreachable(&error.to_string()))?;
        let mut config = self.login();
        let client = match &self.encryption {
            Some(tls) => {
                config.ssl_mode(tls.mode());
                let tls = tls.to(&server.host).map_err(|error| unreachable(&error))?;
                let (client, connection) = config
                    .connect_raw(stream, tls)
                    .await
                    .map_err(|e| told(&e))?;
                // Ends with its client; what stopped it, the client's questions tell.
                tokio::spawn(connection.map(drop));
                client
            }
            None => {
                config.ssl_mode(SslMode::Disable);
                let (client, connection) = config
                    .connect_raw(stream, tokio_postgres::NoTls)
                    .await
                    .map_err(|e| told(&e))?;
                tokio::spawn(connection.map(drop));
                client
            }
        };
        self.is_wanted(&client).await?;
        Ok(client)
    }

    fn login(&self) -> Config {
        let mut config = Config::new();
        config.dbname(&self.settings.address.database);
        config.application_name("confbus");
        if let Some(username) = &self.settings.username {
            config.user(username);
        }
        if let Some(password) = &self.settings.password {
            config.password(password.expose_secret());
        }
        config
    }

    async fn is_wanted(&self, client: &Client) -> Result<(), LookupError> {
        if self.settings.address.target == Target::Any {
            return Ok(());
        }
        let read_only = client
            .query_typed_one("SHOW transaction_read_only", &[])
            .await;
        let read_only: String = read_only
            .and_then(|row| row.try_get(0))
            .map_err(|error| told(&error))?;
        if read_only == "on" {
            return Err(unreachable("it is no primary"));
        }
        Ok(())
    }
}

/// Forgets all connections when it is dropped, unless that was given up: a server that leaves one question without an answer
/// would do so to others.
struct Lost<'d>(Option<&'d Database>);

impl Drop for Lost<'_> {
    fn drop(&mut self) {
        if let Some(database) = self.0 {
            database.idle().clear();
        }
    }
}
