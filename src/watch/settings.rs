//! From arguments over variables to the settings of the client.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use confbus_bus::RabbitSettings;
use confbus_client::{Settings, Transport};
use secrecy::{ExposeSecret as _, SecretString};

use crate::cli::WatchArgs;

const ATTEMPTS: &str = "SPRING_CLOUD_CONFIG_RETRY_MAX_ATTEMPTS";

/// A longer file is no token.
const LONGEST_TOKEN: u64 = 64 * 1024;
/// Names the file where no argument does.
pub(crate) const TOKEN_FILE: &str = "CONFBUS_TOKEN_FILE";

/// `attempts`: how often all servers are asked for the first configuration, instead of what the variables say.
pub(crate) fn of(args: &WatchArgs, attempts: Option<u32>) -> anyhow::Result<Settings> {
    let all = std::env::vars_os();
    let mut own: Vec<_> = all
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let has_transport = own.iter().any(|(name, _)| name == "CONFBUS_TRANSPORT");
    own.retain(|(name, _)| is_ours(name, has_transport));
    let variable = |wanted: &str| {
        let found = own.iter().find(|(name, _)| name == wanted);
        found
            .map(|(_, value)| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    };
    let attempts = attempts.map(|attempts| (ATTEMPTS.to_owned(), attempts.to_string()));
    let typed = typed(args, variable("CONFBUS_SERVER")).chain(attempts);
    let mut settings = Settings::from_variables(own.iter().cloned().chain(typed))
        .map_err(confbus_client::ConnectError::from)?
        .index(&args.index);
    let file = || variable(TOKEN_FILE).map(PathBuf::from);
    let token = match args.token_file.clone().or_else(file) {
        Some(file) => Some(token(&file)?),
        None => variable("CONFBUS_TOKEN").map(SecretString::from),
    };
    if let Some(token) = token {
        settings = settings.header("Authorization", format!("Bearer {}", token.expose_secret()));
    }
    if let Some(url) = &args.amqp {
        let mut broker = RabbitSettings::from_url(url).context("--amqp")?;
        broker.exchange.clone_from(&args.exchange);
        settings = settings.transport(Transport::Amqp(Box::new(broker)));
    }
    Ok(match args.poll {
        None => settings,
        Some(0) => settings.without_poll(),
        Some(seconds) => settings.poll_every(Duration::from_secs(seconds)),
    })
}

/// Variables about the way to the configuration. Others are the program's own, its broker too unless ours was chosen by a
/// variable; and whose configuration it is was typed.
fn is_ours(name: &str, has_transport: bool) -> bool {
    const TYPED: [&str; 2] = ["SPRING_CLOUD_CONFIG_NAME", "SPRING_CLOUD_CONFIG_PROFILE"];
    let starts_with = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    let is_ours = starts_with(&["SPRING_CLOUD_CONFIG_", "CONFBUS_"]);
    let is_broker = starts_with(&[
        "SPRING_RABBITMQ_",
        "SPRING_KAFKA_",
        "SPRING_CLOUD_STREAM_KAFKA_",
        "SPRING_CLOUD_BUS_",
    ]);
    (is_ours && !TYPED.contains(&name)) || (is_broker && has_transport)
}

/// What was typed, as the variables that say the same.
fn typed(args: &WatchArgs, server: Option<String>) -> impl Iterator<Item = (String, String)> {
    let address = &args.address;
    let folder = args.last_good.as_ref();
    let folder = folder.map(|folder| folder.display().to_string());
    let pairs = [
        ("SPRING_APPLICATION_NAME", Some(address.application.clone())),
        ("SPRING_PROFILES_ACTIVE", Some(address.profiles.clone())),
        ("SPRING_CLOUD_CONFIG_LABEL", address.label.clone()),
        ("SPRING_CLOUD_CONFIG_URI", args.server.clone().or(server)),
        ("CONFBUS_LAST_GOOD_DIR", folder),
        ("CONFBUS_LAST_GOOD_SECRETS", args.last_good_secrets.clone()),
        ("CONFBUS_LAST_GOOD_KEY_FILE", args.last_good_key.clone()),
    ];
    pairs
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
}

/// The token in a file.
///
/// # Errors
/// When there is no such file, or no token in it.
pub(crate) fn token(file: &Path) -> anyhow::Result<SecretString> {
    let place = || format!("--token-file {}", file.display());
    let mut text = String::new();
    let opened = File::open(file).with_context(place)?;
    opened
        .take(LONGEST_TOKEN + 1)
        .read_to_string(&mut text)
        .with_context(place)?;
    let token = text.trim();
    if token.is_empty() || text.len() as u64 > LONGEST_TOKEN {
        bail!("{}: holds no token", place());
    }
    Ok(token.into())
}
