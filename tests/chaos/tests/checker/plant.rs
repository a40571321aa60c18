//! Looking around in a history, to change it.

use std::collections::{BTreeMap, BTreeSet};

use confbus_chaos::history::{Entry, Micros, Name, Outcome, Read, What};
use fastrand::Rng;

/// A read that found something, with the place of its entry.
pub(crate) struct Found {
    pub(crate) index: usize,
    pub(crate) at: Micros,
    pub(crate) server: Name,
    pub(crate) address: Name,
    pub(crate) version: Name,
    pub(crate) held: bool,
}

/// A push with the place of its entry.
pub(crate) struct Pushed {
    pub(crate) at: Micros,
    pub(crate) commit: Name,
    pub(crate) contents: BTreeMap<Name, Name>,
    pub(crate) broken: BTreeSet<Name>,
    pub(crate) unfit: BTreeSet<Name>,
}

pub(crate) fn found(history: &[Entry]) -> Vec<Found> {
    let found = history.iter().enumerate().filter_map(|(index, entry)| {
        let What::Read(read) = &entry.what else {
            return None;
        };
        let Outcome::Found { version, held, .. } = &read.outcome else {
            return None;
        };
        Some(Found {
            index,
            at: entry.at,
            server: read.server.clone(),
            address: read.address.clone(),
            version: version.clone(),
            held: *held,
        })
    });
    found.collect()
}

pub(crate) fn pushes(history: &[Entry]) -> Vec<Pushed> {
    let pushes = history.iter().filter_map(|entry| match entry.what.clone() {
        What::Pushed {
            commit,
            contents,
            broken,
            unfit,
        } => Some(Pushed {
            at: entry.at,
            commit,
            contents,
            broken,
            unfit,
        }),
        _ => None,
    });
    pushes.collect()
}

/// Pushes of commits to which nobody came back.
pub(crate) fn unique(history: &[Entry]) -> Vec<Pushed> {
    let mut times: BTreeMap<Name, usize> = BTreeMap::new();
    for push in pushes(history) {
        *times.entry(push.commit).or_default() += 1;
    }
    let mut pushes = pushes(history);
    pushes.retain(|push| times[&push.commit] == 1);
    pushes
}

/// Places of the entries that are so.
pub(crate) fn places(history: &[Entry], is: impl Fn(&What) -> bool) -> Vec<usize> {
    let all = history.iter().enumerate();
    all.filter(|(_, entry)| is(&entry.what))
        .map(|(index, _)| index)
        .collect()
}

pub(crate) fn any<'a, T>(of: &'a [T], rng: &mut Rng) -> Option<&'a T> {
    (!of.is_empty()).then(|| &of[rng.usize(..of.len())])
}

pub(crate) fn outcome(entry: &mut Entry) -> &mut Outcome {
    match &mut entry.what {
        What::Read(Read { outcome, .. }) => outcome,
        other => panic!("no read: {other:?}"),
    }
}

/// A read that another one sees right behind itself.
pub(crate) fn read_after(read: &Found, address: &Name, version: &Name, content: &Name) -> Entry {
    read_at(read.at + 1, &read.server, address, version, content)
}

pub(crate) fn read_at(
    asked: Micros,
    server: &Name,
    address: &Name,
    version: &Name,
    content: &Name,
) -> Entry {
    let outcome = Outcome::Found {
        version: version.clone(),
        content: content.clone(),
        held: false,
    };
    Entry {
        at: asked,
        what: What::Read(Read {
            server: server.clone(),
            address: address.clone(),
            asked,
            outcome,
        }),
    }
}

/// The client of an entry that says what it applied, and its address.
pub(crate) fn client_of(history: &[Entry], index: usize) -> Option<(Name, Name)> {
    let What::Applied { client, .. } = &history[index].what else {
        return None;
    };
    let address = history.iter().find_map(|entry| match &entry.what {
        What::ClientStarted {
            client: of,
            address,
        } if of == client => Some(address.clone()),
        _ => None,
    });
    Some((client.clone(), address?))
}

pub(crate) fn is_applied(what: &What) -> bool {
    matches!(what, What::Applied { .. })
}

/// Adds what a client applied.
pub(crate) fn apply(
    history: &mut Vec<Entry>,
    at: Micros,
    client: Name,
    version: &Name,
    content: Option<&Name>,
) {
    let what = What::Applied {
        client,
        version: version.clone(),
        content: content.cloned(),
    };
    history.push(Entry { at, what });
}
