//! How two addresses differ.

use std::{collections::BTreeSet, process::ExitCode};

use confbus::short_version;
use serde_json::Value;

use super::{
    address,
    closest::{ask_for, check_names},
    document, held_at, list, number, place, query, shown, table, text,
};
use crate::{
    cli::DiffArgs,
    desk::say,
    exit::{Exit, Failure},
    talk,
};

/// Labels that are told.
const MOST_LABELS: usize = 5;

/// Says it; with `--exit-code` whether they do.
pub(crate) async fn diff(args: DiffArgs) -> Result<ExitCode, Failure> {
    let (from, to) = (args.from.to_string(), args.to.to_string());
    let path = format!("/_/api/diffs{}", query([("from", &*from), ("to", &*to)]));
    let addresses = [&args.from, &args.to];
    let view = ask_for(&args.show, &addresses, &path).await?;
    check_names(&args.show, &addresses).await?;
    if args.show.json {
        document(&view)?;
    } else {
        let lines = lines(&view).into_iter().chain(left_out(&view));
        lines.into_iter().try_for_each(|line| say(&line))?;
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
    lines.extend(["from", "to"].iter().filter_map(|side| {
        let side = &view[side];
        Some(format!("{} {}", address(side), held_at(side)?))
    }));
    if !changes.is_empty() {
        lines.push(String::new());
    }
    let rows: Vec<_> = changes.iter().map(change).collect();
    lines.extend(table::aligned(&rows));
    if let more @ 1.. = number(view, "not_followed") {
        lines.push(format!("{more} more keys refer to too much to be compared"));
    }
    if let Some(radius) = view["blast_radius"].as_array() {
        lines.push(String::new());
        lines.extend(concerned(view, radius).map(|them| format!("blast radius   {them}")));
    }
    lines
}

/// Whom it concerns. Nobody may say that it concerns no instance where some were left out.
fn concerned(view: &Value, radius: &[Value]) -> Option<String> {
    let radius: Vec<_> = radius.iter().map(one_concerned).collect();
    match radius.as_slice() {
        [] if left_out(view).is_empty() => Some("no instance that is known".to_owned()),
        [] => None,
        some => Some(some.join("; ")),
    }
}

/// `shop/prod 2 keys, 1 instance`
fn one_concerned(one: &Value) -> String {
    let [keys, instances] = ["keys", "instances"].map(|name| number(one, name));
    let keys = talk::counted(keys, "key");
    let instances = talk::counted(instances, "instance");
    format!("{} {keys}, {instances}", address(one))
}

/// Whom the difference says nothing of.
fn left_out(view: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    match number(view, "not_compared") {
        0 => {}
        1 => lines.push("not compared   1 more address".to_owned()),
        many => lines.push(format!("not compared   {many} more addresses")),
    }
    let others = elsewhere(list(view, "elsewhere"));
    lines.extend(others.map(|(instances, labels)| match instances {
        1 => format!("elsewhere      1 instance at another label: {labels}"),
        many => format!("elsewhere      {many} instances at other labels: {labels}"),
    }));
    lines
}

/// How many instances those are, and their labels: `main, release/2.0`; nothing where there are none.
pub(crate) fn elsewhere(others: &[Value]) -> Option<(u64, String)> {
    let instances = others.iter().map(|one| number(one, "instances")).sum();
    let labels = others.iter().map(|one| one["label"].as_str());
    let labels: BTreeSet<_> = labels.map(|label| label.unwrap_or("the default")).collect();
    let mut shown: Vec<_> = labels.iter().take(MOST_LABELS).copied().collect();
    if labels.len() > MOST_LABELS {
        shown.push("…");
    }
    (instances > 0).then(|| (instances, shown.join(", ")))
}

fn change(change: &Value) -> [String; 4] {
    let side = |value: &Value| [shown(&value["before"]), shown(&value["after"])];
    let [before, after] = side(change);
    let (sign, values, place) = match text(change, "kind") {
        "added" => ("+", after, place(change)),
        "removed" => ("-", before, format!("was {}", place(&change["was"]))),
        _ => {
            let comes_to = &change["comes_to"];
            let is_same = change["before"] == change["after"] && !comes_to.is_null();
            let [before, after] = if is_same {
                side(comes_to)
            } else {
                [before, after]
            };
            let place = format!("{}{}", place(change), why(change, is_same));
            ("~", format!("{before} -> {after}"), place)
        }
    };
    [
        sign.to_owned(),
        text(change, "key").to_owned(),
        values,
        place,
    ]
}

/// By which keys it is different, or that what is written otherwise comes to the same.
fn why(change: &Value, is_written_the_same: bool) -> String {
    let through = list(change, "through").iter().filter_map(Value::as_str);
    let through: Vec<_> = through.map(|key| format!("${{{key}}}")).collect();
    if !through.is_empty() {
        return format!("  through {}", through.join(", "));
    }
    let to = &change["comes_to"];
    if !is_written_the_same && !to.is_null() && to["before"] == to["after"] {
        return format!("  both come to {}", shown(&to["after"]));
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nobody_says_that_it_concerns_no_instance_where_some_were_left_out() {
        let side = json!({ "application": "shop", "profiles": ["prod"] });
        let told = |radius, not_compared, elsewhere: u64| {
            let elsewhere = json!([{ "label": "x", "instances": elsewhere }]);
            let view = json!({
                "from": side, "to": side, "blast_radius": radius,
                "not_compared": not_compared, "elsewhere": elsewhere,
            });
            lines(&view).split_off(1)
        };
        let nobody = "blast radius   no instance that is known";
        assert_eq!(told(json!([]), 0, 0), ["", nobody]);
        assert_eq!(told(json!([]), 3, 0), [""]);
        assert_eq!(told(json!([]), 0, 1), [""]);
        assert_eq!(told(Value::Null, 0, 0), [""; 0]);
        let one = |keys, instances| json!({ "application": "shop", "profiles": ["prod"], "keys": keys, "instances": instances });
        assert_eq!(
            told(json!([one(1, 2), one(2, 1)]), 3, 0),
            [
                "",
                "blast radius   shop/prod 1 key, 2 instances; shop/prod 2 keys, 1 instance"
            ]
        );
    }

    #[test]
    fn whom_a_difference_says_nothing_of_is_told_in_a_line_each() {
        let one = |label: Option<&str>| json!({ "label": label, "instances": 2 });
        let told = |not_compared, elsewhere| {
            left_out(&json!({ "not_compared": not_compared, "elsewhere": elsewhere }))
        };
        assert_eq!(told(0, json!([])), [""; 0]);
        assert_eq!(told(1, json!([])), ["not compared   1 more address"]);
        assert_eq!(
            told(3, json!([one(Some("main")), one(None), one(Some("main"))])),
            [
                "not compared   3 more addresses",
                "elsewhere      6 instances at other labels: main, the default",
            ]
        );
        let single = json!([{ "label": "x", "instances": 1 }]);
        assert_eq!(
            told(0, single),
            ["elsewhere      1 instance at another label: x"]
        );
        let many: Vec<_> = (0..9)
            .map(|number| one(Some(&format!("l{number}"))))
            .collect();
        let (_, labels) = elsewhere(&many).unwrap();
        assert_eq!(labels, "l0, l1, l2, l3, l4, …");
        // Of servers that do not know of it yet.
        assert_eq!(left_out(&json!({})), [""; 0]);
    }
}
