//! Why a key has its value.

use confbus::short_version;
use serde_json::Value;

use super::{
    address,
    closest::{ask_for, check_application},
    document, held_at, list, number, path_of, place, shown, table, text,
};
use crate::{cli::ExplainArgs, desk::say, exit::Failure, talk};

/// Says it.
pub(crate) async fn explain(args: ExplainArgs) -> Result<(), Failure> {
    let path = path_of("explanations", &args.address, &[("key", &args.key)]);
    let view = ask_for(&args.show, &[&args.address], &path).await?;
    check_application(&args.show, &args.address, &view).await?;
    if args.show.json {
        return document(&view);
    }
    lines(&view).iter().try_for_each(|line| say(line))
}

fn lines(view: &Value) -> Vec<String> {
    let value = match &view["value"] {
        Value::Null => format!("is in no list of {}", text(&view["covered_by"], "name")),
        value => format!("= {}", shown(value)),
    };
    let commit = view["commit"].as_str().map(short_version);
    let commit = commit
        .map(|commit| format!(" at {commit}"))
        .unwrap_or_default();
    let title = format!(
        "{} {value}    {}{commit}",
        text(view, "key"),
        address(&view["address"])
    );
    let mut lines = vec![title];
    lines.extend(held_at(view));
    lines.extend(superseded(&view["superseded"]));
    lines.extend(list(view, "commits").iter().filter_map(made));
    lines.push(String::new());
    let written = list(view, "sources").iter().map(|source| {
        let is_winner = source["wins"] == true;
        let sign = if is_winner { ">" } else { " " };
        [sign.to_owned(), shown(&source["value"]), place(source)]
    });
    let silent = list(view, "silent").iter().map(|source| {
        let name = format!("{}  does not set it", text(source, "name"));
        [" ".to_owned(), "-".to_owned(), name]
    });
    let rows: Vec<_> = written.chain(silent).collect();
    lines.extend(
        table::aligned(&rows)
            .into_iter()
            .map(|row| format!("  {row}")),
    );
    let references: Vec<_> = list(view, "refers_to").iter().map(reference).collect();
    if !references.is_empty() {
        lines.push(String::new());
        lines.extend(table::aligned(&references));
    }
    if !view["resolved"].is_null() {
        lines.push(format!("comes to {}", shown(&view["resolved"])));
    }
    if number(&view["instances"], "instances") > 0 {
        lines.extend([String::new(), text(view, "sentence").to_owned()]);
    }
    lines
}

/// Who made what answers, which need not be who wrote the key.
fn made(commit: &Value) -> Option<String> {
    let id = short_version(text(commit, "commit"));
    let (author, at) = (commit["author"].as_str()?, text(commit, "authored"));
    let subject = text(commit, "subject");
    Some(format!("{id}  {author}, {at}  {subject}"))
}

fn superseded(view: &Value) -> Option<String> {
    let label = view["label"].as_str()?;
    let current = short_version(text(view, "commit"));
    Some(format!(
        "not the current configuration: {label} gives {current}"
    ))
}

/// A key that a placeholder asks for.
fn reference(reference: &Value) -> [String; 3] {
    let key = format!("${{{}}}", text(reference, "key"));
    match &reference["winner"] {
        Value::Null => [key, talk::DASH.to_owned(), "nobody sets it".to_owned()],
        winner => [key, shown(&winner["value"]), place(winner)],
    }
}
