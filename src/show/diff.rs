//! How two addresses differ.

use std::process::ExitCode;

use confbus::short_version;
use serde_json::Value;

use super::{
    address, ask, closest::check_names, document, list, number, place, query, shown, table, text,
};
use crate::{
    cli::DiffArgs,
    desk::say,
    exit::{Exit, Failure},
};

/// Says it; with `--exit-code` whether they do.
pub(crate) async fn diff(args: DiffArgs) -> Result<ExitCode, Failure> {
    let (from, to) = (args.from.to_string(), args.to.to_string());
    let path = format!("/_/api/diffs{}", query([("from", &*from), ("to", &*to)]));
    let view = ask(&args.show, &path).await?;
    check_names(&args.show, &[&args.from, &args.to]).await?;
    if args.show.json {
        document(&view)?;
    } else {
        lines(&view).iter().try_for_each(|line| say(line))?;
    }
    let differ = args.exit_code && !list(&view, "changes").is_empty();
    let exit = if differ { Exit::No } else { Exit::Yes };
    Ok(exit.into())
}

/// What differs, and whom that concerns.
pub(crate) fn lines(view: &Value) -> Vec<String> {
    let side = |side: &Value| {
        let commit = side["commit"].as_str().map(short_version);
        let commit = commit
            .map(|commit| format!(" ({commit})"))
            .unwrap_or_default();
        format!("{}{commit}", address(side))
    };
    let changes = list(view, "changes");
    let title = format!(
        "{} -> {}    {} of {} keys",
        side(&view["from"]),
        side(&view["to"]),
        changes.len(),
        number(view, "total"),
    );
    let mut lines = vec![title];
    if !changes.is_empty() {
        lines.push(String::new());
    }
    let rows: Vec<_> = changes.iter().map(change).collect();
    lines.extend(table::aligned(&rows));
    if let Some(radius) = view["blast_radius"].as_array() {
        let concerned = radius.iter().map(|one| {
            let instances = number(one, "instances");
            format!(
                "{} {} keys, {instances} instances",
                address(one),
                number(one, "keys")
            )
        });
        let concerned: Vec<_> = concerned.collect();
        let concerned = match concerned.as_slice() {
            [] => "no instance that is known".to_owned(),
            some => some.join("; "),
        };
        lines.extend([String::new(), format!("blast radius   {concerned}")]);
    }
    lines
}

fn change(change: &Value) -> [String; 4] {
    let (before, after) = (shown(&change["before"]), shown(&change["after"]));
    let (sign, values, place) = match text(change, "kind") {
        "added" => ("+", after, place(change)),
        "removed" => ("-", before, format!("was {}", place(&change["was"]))),
        _ => ("~", format!("{before} -> {after}"), place(change)),
    };
    [
        sign.to_owned(),
        text(change, "key").to_owned(),
        values,
        place,
    ]
}
