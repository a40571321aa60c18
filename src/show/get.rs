//! The effective configuration, or some of it.

use std::{borrow::Cow, sync::Arc};

use confbus::printable;
use confbus_protocol::{
    Address, Environment, Properties, PropertySource, PropertyValue, resolve_placeholders,
};
use serde_json::{Map, Value, json};

use super::{
    closest::{ask_for, check_application, check_names},
    document, list, path_of, segment, segments, shown, text,
};
use crate::{
    cli::{GetArgs, GetFormat},
    desk::among,
    exit::{Exit, Failure, OrExit as _},
    talk,
    watch::Format,
};

/// What an address is given.
struct Configuration {
    address: Value,
    commit: Value,
    /// What applications get, in order; masks where it is secret.
    properties: Vec<(String, Value)>,
}

/// Prints it.
pub(crate) async fn get(args: GetArgs) -> Result<(), Failure> {
    let mut all = match args.reveal {
        true => Configuration::revealed(&args).await?,
        false => Configuration::masked(&args).await?,
    };
    let is_one = match &args.key {
        Some(key) => all.keep(key, &args.address)?,
        None => false,
    };
    if args.show.json {
        return document(&all.document());
    }
    match (args.format, all.properties.as_slice()) {
        (None, [(_, value)]) if is_one => Ok(talk::line(printable(&shown(value)))?),
        (format, _) => {
            let written = all.written(format.unwrap_or(GetFormat::Properties))?;
            Ok(talk::lines(written.trim_end_matches('\n'))?)
        }
    }
}

impl Configuration {
    /// As people are shown it.
    async fn masked(args: &GetArgs) -> Result<Self, Failure> {
        let path = path_of("configurations", &args.address, &[]);
        let view = ask_for(&args.show, &[&args.address], &path).await?;
        check_application(&args.show, &args.address, &view).await?;
        let properties = list(&view, "properties").iter().map(|property| {
            let resolved = property.get("resolved");
            let value = resolved.unwrap_or_else(|| &property["value"]);
            (text(property, "key").to_owned(), value.clone())
        });
        Ok(Self {
            properties: properties.collect(),
            address: view["address"].clone(),
            commit: view["commit"].clone(),
        })
    }

    /// As applications are given it, by the route that they read.
    async fn revealed(args: &GetArgs) -> Result<Self, Failure> {
        let Address { label, .. } = &args.address;
        let label = label.as_ref().map(|label| format!("/{}", segment(label)));
        let path = format!("/{}{}", segments(&args.address), label.unwrap_or_default());
        // Before it is asked for: then the server knows that somebody has.
        check_names(&args.show, &[&args.address]).await?;
        let environment = ask_for(&args.show, &[&args.address], &path).await?;
        let address = json!({
            "application": environment["name"],
            "profiles": args.address.profiles.names().collect::<Vec<_>>(),
            "label": environment["label"],
        });
        let environment: Environment =
            serde_json::from_value(environment).or_exit(Exit::Unreachable)?;
        let merged = environment.merged();
        let resolved = merged.iter().map(|(key, property)| {
            let value = resolved(&merged, &property.value);
            Ok((key.clone(), serde_json::to_value(value).or_exit(Exit::No)?))
        });
        let mut properties = resolved.collect::<Result<Vec<_>, Failure>>()?;
        properties.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(Self {
            properties,
            address,
            commit: json!(environment.version),
        })
    }

    /// Keeps what is under a key, or else below it; whether it is that very key.
    fn keep(&mut self, key: &str, address: &Address) -> Result<bool, Failure> {
        let is_one = self.properties.iter().any(|(other, _)| other == key);
        let is_below = |other: &str| {
            let rest = other.strip_prefix(key);
            rest.is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        let is_meant = |other: &str| {
            if is_one {
                other == key
            } else {
                is_below(other)
            }
        };
        if !self.properties.iter().any(|(other, _)| is_meant(other)) {
            let failure = Failure::new(Exit::NotFound, format!("{address} has no key `{key}`"));
            let keys = self.properties.iter().map(|(other, _)| other.as_str());
            return Err(among(failure, key, keys));
        }
        self.properties.retain(|(other, _)| is_meant(other));
        Ok(is_one)
    }

    fn document(&self) -> Value {
        let properties = self.properties.iter().cloned();
        json!({
            "schema": "confbus.get/1",
            "address": self.address,
            "commit": self.commit,
            "properties": properties.collect::<Map<_, _>>(),
        })
    }

    fn written(&self, format: GetFormat) -> Result<String, Failure> {
        let format = match format {
            GetFormat::Yaml => Format::Yaml,
            GetFormat::Properties => Format::Properties,
            GetFormat::Json => Format::Json,
            GetFormat::Env => Format::Env,
        };
        // There, anything but ASCII is written as an escape.
        let mask = match format {
            Format::Properties => "*".repeat(6),
            _ => talk::dots(),
        };
        let source: Properties = self
            .properties
            .iter()
            .map(|(key, value)| (key.clone(), scalar(value, &mask).into()))
            .collect();
        let environment = Environment {
            property_sources: vec![PropertySource {
                name: "shown".to_owned(),
                source: Arc::new(source),
            }],
            ..Environment::default()
        };
        let written = format.write(&environment);
        written.map_err(|error| Failure::new(Exit::No, error))
    }
}

/// A value as its file has it; a secret as its mask.
fn scalar(value: &Value, mask: &str) -> PropertyValue {
    match value {
        Value::Object(_) => mask.into(),
        other => serde_json::from_value(other.clone()).unwrap_or(PropertyValue::Null),
    }
}

/// A value with its placeholders replaced; what nobody can replace stays.
fn resolved(merged: &Properties, value: &PropertyValue) -> PropertyValue {
    let Some(text) = value.as_text().filter(|text| text.contains("${")) else {
        return value.clone();
    };
    let lookup = |key: &str| {
        let property = merged.get(key)?;
        Some(Cow::Owned(property.value.to_string()))
    };
    resolve_placeholders(text, &lookup).map_or_else(|_| value.clone(), PropertyValue::from)
}
