//! Kinds of faults, each a change to a good history; none when there is no place for it.
#![expect(clippy::ptr_arg, reason = "all faults are of one type")]

use confbus_chaos::checker::Invariant;
use confbus_chaos::history::{Entry, Name, Outcome, Read, What};
use fastrand::Rng;

use crate::plant::{
    Pushed, any, apply, client_of, found, is_applied, outcome, places, pushes, read_after, read_at,
    unique,
};

type Plant = fn(&mut Vec<Entry>, &mut Rng) -> Option<()>;

/// Every kind, with what it breaks.
pub(crate) const ALL: &[(&str, Invariant, Plant)] = &[
    (
        "a read is answered with 500",
        Invariant::Available,
        answers_with_500,
    ),
    (
        "a read is refused while the server runs",
        Invariant::Available,
        refuses,
    ),
    (
        "a server has nothing after a restart",
        Invariant::Available,
        forgets,
    ),
    ("an answer mixes two commits", Invariant::Atomic, mixes),
    ("an answer is another address's", Invariant::Atomic, swaps),
    (
        "a client mixes two commits",
        Invariant::Atomic,
        mixes_in_a_client,
    ),
    (
        "a version comes from nowhere",
        Invariant::Validated,
        invents,
    ),
    (
        "a rejected commit is visible for one read",
        Invariant::Validated,
        shows_rejected,
    ),
    (
        "a client runs a rejected commit",
        Invariant::Validated,
        runs_rejected,
    ),
    (
        "a server goes back for one read",
        Invariant::Monotonic,
        goes_back,
    ),
    (
        "a server goes back at a restart",
        Invariant::Monotonic,
        restarts_older,
    ),
    (
        "one address lags behind the others",
        Invariant::Monotonic,
        lags,
    ),
    (
        "a held answer does not say so",
        Invariant::Monotonic,
        hides_held,
    ),
    (
        "a commit is served before it is pushed",
        Invariant::Monotonic,
        foresees,
    ),
    ("a client goes back", Invariant::Forward, client_goes_back),
    (
        "the last refresh is lost",
        Invariant::Convergent,
        loses_last,
    ),
    (
        "a server never gets the last commit",
        Invariant::Convergent,
        strands,
    ),
    ("a fault is never over", Invariant::Convergent, never_heals),
    (
        "a refresh in between is lost",
        Invariant::NoneLost,
        loses_one,
    ),
    (
        "a client runs what does not fit",
        Invariant::LastGood,
        runs_unfit,
    ),
    (
        "a client loses its configuration",
        Invariant::LastGood,
        loses_configuration,
    ),
    (
        "a client applies the same twice",
        Invariant::FewRepeats,
        applies_twice,
    ),
    ("a storm of events", Invariant::FewRepeats, storms),
];

/// Somewhere in the second half, where every server has served.
fn late_read(history: &[Entry], rng: &mut Rng) -> Option<usize> {
    let found = found(history);
    let found = any(&found[found.len() / 2..], rng)?;
    Some(found.index)
}

pub(crate) fn answers_with_500(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    // The last reads are those that show that a server has arrived.
    let found = found(history);
    let index = any(&found[found.len() / 4..found.len() / 2], rng)?.index;
    *outcome(&mut history[index]) = Outcome::Other { status: 500 };
    Some(())
}

fn refuses(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let index = late_read(history, rng)?;
    let reason = "refused".to_owned();
    *outcome(&mut history[index]) = Outcome::Failed { reason };
    Some(())
}

fn forgets(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let (at, server) = restarted(history, rng)?;
    let read = Read {
        server,
        address: "/a/prod/main".into(),
        asked: at,
        outcome: Outcome::Other { status: 503 },
    };
    let what = What::Read(read);
    history.push(Entry { at, what });
    Some(())
}

/// Right after a restart: when, and of which server.
fn restarted(history: &[Entry], rng: &mut Rng) -> Option<(u64, Name)> {
    let stops = places(history, |what| matches!(what, What::ServerStopped { .. }));
    let stop = *any(&stops, rng)?;
    history[stop..].iter().find_map(|entry| match &entry.what {
        What::ServerStarted { server } => Some((entry.at + 1, server.clone())),
        _ => None,
    })
}

fn mixes(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let index = late_read(history, rng)?;
    let Outcome::Found { content, .. } = outcome(&mut history[index]) else {
        return None;
    };
    *content = format!("half of {content}").into();
    Some(())
}

fn swaps(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let all = pushes(history);
    let mut late = found(history).split_off(history.len() / 8);
    late.retain(|found| {
        let other = neighbour(&found.address);
        let of = |push: &&Pushed| push.commit == found.version;
        all.iter()
            .find(of)
            .is_some_and(|push| !push.broken.contains(&other))
    });
    let index = any(&late, rng)?.index;
    if let What::Read(read) = &mut history[index].what {
        read.address = neighbour(&read.address);
    }
    Some(())
}

/// Another address than this one.
fn neighbour(address: &str) -> Name {
    let other = if address == "/a/prod/main" {
        "/b/prod/main"
    } else {
        "/a/prod/main"
    };
    other.into()
}

fn mixes_in_a_client(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let index = *any(&places(history, is_applied), rng)?;
    if let What::Applied { content, .. } = &mut history[index].what {
        *content = Some("half of it".into());
    }
    Some(())
}

fn invents(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let index = late_read(history, rng)?;
    if let Outcome::Found { version, .. } = outcome(&mut history[index]) {
        *version = "commit-of-nobody".into();
    }
    Some(())
}

fn shows_rejected(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let mut rejected = unique(history);
    rejected.retain(|push| !push.broken.is_empty());
    let push = any(&rejected, rng)?;
    let address = push.broken.first()?;
    let read = read_at(
        push.at + 1,
        &"server-1".into(),
        address,
        &push.commit,
        &"?".into(),
    );
    history.push(read);
    Some(())
}

fn runs_rejected(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let mut rejected = unique(history);
    rejected.retain(|push| push.broken.contains("/a/prod/main"));
    let push = any(&rejected, rng)?;
    apply(
        history,
        push.at + 1,
        "client-0".into(),
        &push.commit,
        Some(&"?".into()),
    );
    Some(())
}

fn goes_back(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let found = found(history);
    let after = any(&found[found.len() / 2..], rng)?;
    let older = older(history, after.at, &after.address, &after.version, rng)?;
    history.push(read_after(after, &after.address, &older.0, &older.1));
    Some(())
}

/// A version that was there once, long before, and what it holds for an address.
fn older(
    history: &[Entry],
    before: u64,
    address: &Name,
    than: &Name,
    rng: &mut Rng,
) -> Option<(Name, Name)> {
    let pushed = pushes(history)
        .into_iter()
        .find(|push| push.commit == *than)?
        .at;
    let mut older = unique(history);
    older.retain(|push| push.at < pushed.min(before) && !push.broken.contains(address));
    older.retain(|push| !push.unfit.contains(address));
    let push = any(&older, rng)?;
    Some((push.commit.clone(), push.contents[address].clone()))
}

fn restarts_older(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let (at, server) = restarted(history, rng)?;
    let found = found(history);
    let before = found
        .iter()
        .rfind(|found| found.at < at && found.server == server && !found.held)?;
    let (version, content) = older(history, at, &before.address, &before.version, rng)?;
    history.push(read_at(at, &server, &before.address, &version, &content));
    Some(())
}

fn lags(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let mut found = found(history);
    found.retain(|found| !found.held);
    let after = any(&found[found.len() / 2..], rng)?;
    let other = neighbour(&after.address);
    let older = older(history, after.at, &other, &after.version, rng)?;
    history.push(read_after(after, &other, &older.0, &older.1));
    Some(())
}

fn hides_held(history: &mut Vec<Entry>, _: &mut Rng) -> Option<()> {
    let known: Vec<_> = unique(history)
        .into_iter()
        .map(|push| push.commit)
        .collect();
    let all = found(history);
    let hidden = all.iter().find(|found| {
        found.held
            && known.contains(&found.version)
            && all.iter().any(|other| {
                !other.held
                    && other.server == found.server
                    && other.at < found.at
                    && later(history, &other.version, &found.version)
            })
    })?;
    if let Outcome::Found { held, .. } = outcome(&mut history[hidden.index]) {
        *held = false;
    }
    Some(())
}

/// Whether a version was pushed only after another one.
fn later(history: &[Entry], version: &Name, than: &Name) -> bool {
    let pushes = pushes(history);
    let first = |commit: &Name| pushes.iter().position(|push| push.commit == *commit);
    first(version) > first(than)
}

fn foresees(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let all = unique(history);
    let push = any(&all[1..], rng)?;
    let (address, content) = push.contents.first_key_value()?;
    let server = "server-1".into();
    history.push(read_at(
        push.at - 1,
        &server,
        address,
        &push.commit,
        content,
    ));
    Some(())
}

fn client_goes_back(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let index = *any(&places(history, is_applied), rng)?;
    let (client, address) = client_of(history, index)?;
    let at = history[index].at;
    let What::Applied { version, .. } = &history[index].what else {
        return None;
    };
    let (version, content) = older(history, at, &address, version, rng)?;
    apply(history, at + 1, client, &version, Some(&content));
    Some(())
}

fn loses_last(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let last = pushes(history).last()?.at;
    let mut applied = places(history, is_applied);
    applied.retain(|index| history[*index].at > last);
    let index = *any(&applied, rng)?;
    history.remove(index);
    Some(())
}

fn strands(history: &mut Vec<Entry>, _: &mut Rng) -> Option<()> {
    let last = pushes(history).last()?.at;
    let of = |what: &What| matches!(what, What::Read(read) if &*read.server == "server-2");
    history.retain(|entry| entry.at < last || !of(&entry.what));
    Some(())
}

fn never_heals(history: &mut Vec<Entry>, _: &mut Rng) -> Option<()> {
    let ends = places(history, |what| matches!(what, What::FaultEnded { .. }));
    history.remove(*ends.last()?);
    Some(())
}

fn loses_one(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let pushes = pushes(history);
    let calm: Vec<_> = pushes
        .windows(2)
        .filter(|pair| pair[1].at - pair[0].at > 20_000_000)
        .collect();
    let pair = any(&calm, rng)?;
    let mut applied = places(history, is_applied);
    applied.retain(|index| (pair[0].at..pair[1].at).contains(&history[*index].at));
    let index = *any(&applied, rng)?;
    history.remove(index);
    Some(())
}

fn runs_unfit(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let mut unfit = unique(history);
    unfit.retain(|push| push.unfit.contains("/a/prod/main"));
    let push = any(&unfit, rng)?;
    let content = &push.contents["/a/prod/main"];
    apply(
        history,
        push.at + 1,
        "client-0".into(),
        &push.commit,
        Some(content),
    );
    Some(())
}

fn loses_configuration(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let holds = places(history, |what| matches!(what, What::Holds { .. }));
    let index = *any(&holds, rng)?;
    if let What::Holds {
        version, content, ..
    } = &mut history[index].what
    {
        (*version, *content) = (None, None);
    }
    Some(())
}

fn applies_twice(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let index = *any(&places(history, is_applied), rng)?;
    let mut again = history[index].clone();
    again.at += 1;
    history.insert(index + 1, again);
    Some(())
}

fn storms(history: &mut Vec<Entry>, rng: &mut Rng) -> Option<()> {
    let events = places(history, |what| matches!(what, What::Event { .. }));
    let index = *any(&events, rng)?;
    let again = history[index].clone();
    history.extend(std::iter::repeat_n(again, 100));
    Some(())
}
