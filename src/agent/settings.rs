//! What the file of an agent says: the same as so many commands of `confbus watch`, and what they share.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use confbus_protocol::Address;

use super::document::{Document, Said, Section};
use crate::{
    cli::{self, DeliveryArgs, OnChange, Output, WatchArgs, duration},
    exit::{Complaint, Exit, Failure},
    watch::Plan,
};

/// A longer file is no list of deliveries.
const LONGEST: u64 = 1 << 20;

const KEYS: [&str; 8] = [
    "server",
    "token-file",
    "index",
    "poll",
    "wait-first",
    "last-good",
    "http",
    "deliver",
];
const LAST_GOOD: [&str; 3] = ["dir", "key-file", "secrets"];
const DELIVER: [&str; 11] = [
    "address",
    "out",
    "mode",
    "only",
    "check",
    "check-timeout",
    "on-change",
    "on-change-timeout",
    "pid-file",
    "restore",
    "server",
];

/// All that one agent does.
#[derive(Debug)]
pub(super) struct Settings {
    /// Where programs of this machine may ask.
    pub(super) http: Option<SocketAddr>,
    /// At least one.
    pub(super) entries: Vec<Entry>,
}

/// One address and what is done with it.
#[derive(Debug)]
pub(super) struct Entry {
    /// As it is shown.
    pub(super) address: Address,
    pub(super) args: WatchArgs,
    pub(super) plan: Plan,
}

impl Settings {
    /// Reads a file.
    ///
    /// # Errors
    /// Every mistake in it, each with its place.
    pub(super) fn load(file: &Path) -> Result<Self, Failure> {
        let text = text(file).map_err(|error| {
            let complaint = Complaint {
                code: Some("CB8006"),
                place: Some(file.display().to_string()),
                ..Complaint::new(format!("the file cannot be read: {error}"))
            };
            Failure::of(Exit::Settings, vec![complaint])
        })?;
        Self::read(&file.display().to_string(), &text)
            .map_err(|mistakes| Failure::of(Exit::Settings, mistakes))
    }

    fn read(name: &str, text: &str) -> Result<Self, Vec<Complaint>> {
        let document = Document::new(name.to_owned(), text);
        let settings = document.parse().map(|whole| {
            let whole = document.section(whole.get_ref());
            Self::of(&document, &whole)
        });
        match (settings, document.mistakes()) {
            (Some(settings), mistakes) if mistakes.is_empty() => Ok(settings),
            (_, mistakes) => Err(mistakes),
        }
    }

    fn of(document: &Document<'_>, whole: &Section<'_, '_>) -> Self {
        whole.knows(&KEYS);
        let http = whole.read("http", loopback).map(|said| said.value);
        let shared = Shared::of(whole);
        let sections = whole.each_below("deliver");
        if sections.is_empty() && !document.has_mistakes() {
            document.refuse(
                0,
                "nothing is delivered: write a [[deliver]] with an address",
            );
        }
        let mut taken = BTreeMap::new();
        let entries = sections
            .iter()
            .filter_map(|section| entry(document, section, &shared, http.is_some(), &mut taken));
        Self {
            http,
            entries: entries.collect(),
        }
    }
}

fn text(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let mut opened = File::open(file)?.take(LONGEST + 1);
    opened.read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(std::io::Error::other("it is longer than 1 MiB"));
    }
    Ok(text)
}

/// What all deliveries share.
struct Shared {
    server: Option<String>,
    token_file: Option<PathBuf>,
    index: String,
    poll: Option<u64>,
    wait_first: Option<Duration>,
    last_good: Option<PathBuf>,
    last_good_key: Option<String>,
    last_good_secrets: Option<String>,
}

impl Shared {
    fn of(whole: &Section<'_, '_>) -> Self {
        let last_good = whole.below("last-good");
        let kept = |key: &str| Some(last_good.as_ref()?.text(key)?.value.to_owned());
        if let Some(section) = &last_good {
            section.knows(&LAST_GOOD);
        }
        Self {
            server: whole.text("server").map(owned),
            token_file: whole.text("token-file").map(|said| said.value.into()),
            index: whole.text("index").map_or_else(|| "0".to_owned(), owned),
            poll: whole.read("poll", seconds).map(|said| said.value),
            wait_first: whole.read("wait-first", duration).map(|said| said.value),
            last_good: kept("dir").map(Into::into),
            last_good_key: kept("key-file"),
            last_good_secrets: kept("secrets"),
        }
    }
}

/// One `[[deliver]]`; `taken` are the files of those before it.
fn entry(
    document: &Document<'_>,
    section: &Section<'_, '_>,
    shared: &Shared,
    is_asked: bool,
    taken: &mut BTreeMap<PathBuf, Address>,
) -> Option<Entry> {
    section.knows(&DELIVER);
    if !section.has("address") {
        document.refuse(
            section.place(),
            "address: is not there; write \"shop/prod\"",
        );
    }
    let outputs = section.read_all("out", Output::parse);
    let address = section.read("address", str::parse::<Address>);
    let places: Vec<_> = outputs.iter().map(|output| output.place).collect();
    let delivery = delivery(section, shared, values(outputs));
    let address = address?.value;
    if !section.has("out") && !is_asked {
        document.refuse(
            section.place(),
            format!("{address}: write where its values go: out, or http above"),
        );
    }
    for (output, place) in delivery.out.iter().zip(places) {
        let Some(path) = &output.path else {
            document.refuse(
                place,
                "out: standard output is for one alone; use confbus watch",
            );
            return None;
        };
        if let Some(other) = taken.insert(path.clone(), address.clone()) {
            let file = path.display();
            document.refuse(place, format!("out: {file} is written for {other} already"));
            return None;
        }
    }
    let mut plan = match Plan::of(&delivery, address.to_string()) {
        Ok(plan) => plan,
        Err(wrong) => {
            document.refuse(section.place(), format!("{address}: {}", in_words(&wrong)));
            return None;
        }
    };
    plan.is_one_of_several = true;
    let server = section.text("server").map(owned);
    let args = WatchArgs {
        address: cli::WatchedAddress::of(&address),
        server: server.or_else(|| shared.server.clone()),
        token_file: shared.token_file.clone(),
        amqp: None,
        exchange: String::new(),
        index: shared.index.clone(),
        poll: shared.poll,
        last_good: shared.last_good.clone(),
        last_good_secrets: shared.last_good_secrets.clone(),
        last_good_key: shared.last_good_key.clone(),
        delivery,
    };
    Some(Entry {
        address,
        args,
        plan,
    })
}

fn delivery(section: &Section<'_, '_>, shared: &Shared, outputs: Vec<Output>) -> DeliveryArgs {
    let time = |key: &str| section.read(key, duration).map(|said| said.value);
    let mode = section.read("mode", mode).map(|said| said.value);
    let out = outputs.into_iter().map(|output| Output { mode, ..output });
    let told = time("on-change-timeout").unwrap_or(Duration::from_secs(30));
    DeliveryArgs {
        out: out.collect(),
        env: false,
        only: values(section.read_all("only", any)),
        check: section.text("check").map(owned),
        check_timeout: time("check-timeout").unwrap_or(Duration::from_secs(30)),
        on_change: section
            .read("on-change", OnChange::parse)
            .map(|said| said.value),
        pid_file: section.text("pid-file").map(|said| said.value.into()),
        settle: Duration::ZERO,
        ready: None,
        ready_timeout: told,
        max_wait: Duration::ZERO,
        restore: section.flag("restore").unwrap_or_default(),
        wait_first: shared.wait_first,
        json: false,
        program: Vec::new(),
    }
}

/// Options of a command line are keys here.
fn in_words(wrong: &impl ToString) -> String {
    let text = wrong.to_string();
    let text = text.replace("write it after --", "name its process with pid-file");
    text.replace("--", "")
}

fn owned(said: Said<&str>) -> String {
    said.value.to_owned()
}

fn values<T>(said: Vec<Said<T>>) -> Vec<T> {
    said.into_iter().map(|said| said.value).collect()
}

fn any(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// `30s`, or `off` to look only when told.
fn seconds(text: &str) -> Result<u64, String> {
    match text {
        "off" => Ok(0),
        _ => match duration(text)?.as_secs() {
            0 => Err("write at least 1s, or off".to_owned()),
            seconds => Ok(seconds),
        },
    }
}

/// Whoever may open a connection is asked for nothing, so nobody on another machine may.
fn loopback(text: &str) -> Result<SocketAddr, &'static str> {
    let address = text.parse::<SocketAddr>();
    let address = address.map_err(|_| "write an address and a port: 127.0.0.1:8890")?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("only this machine is answered: write 127.0.0.1 or [::1]")
    }
}

/// `0640`
fn mode(text: &str) -> Result<u32, &'static str> {
    let mode = u32::from_str_radix(text, 8).ok();
    mode.filter(|mode| *mode <= 0o777 && mode & 0o600 == 0o600)
        .ok_or("write who may read and write, with the owner, as \"0640\"")
}

#[cfg(test)]
mod tests;
