//! What was served, when, and how it went.

use confbus::short_version;
use serde_json::Value;

use super::{
    closest::{ask_for, check_names},
    document, list, number, path_of, table, text,
};
use crate::{cli::HistoryArgs, desk::say, exit::Failure, talk};

/// Says it.
pub(crate) async fn history(args: HistoryArgs) -> Result<(), Failure> {
    let path = path_of("history", &args.address, &[]);
    let mut view = ask_for(&args.show, &[&args.address], &path).await?;
    if list(&view, "entries").is_empty() {
        check_names(&args.show, &[&args.address]).await?;
    }
    let mut left_out = 0;
    if let Some(entries) = view["entries"].as_array_mut() {
        let all = entries.len();
        entries.retain(|entry| args.all || entry["keys"] != 0);
        left_out = all - entries.len();
        entries.truncate(args.number);
    }
    if args.show.json {
        return document(&view);
    }
    let entries = list(&view, "entries");
    if entries.is_empty() {
        say("no move of this label is remembered")?;
    } else {
        let head = [
            "SERVED FROM",
            "COMMIT",
            "KEYS",
            "INSTANCES",
            "TOOK",
            "LIVED",
            "CAUSE",
            "BY",
        ];
        let rows = entries.iter().map(row);
        let rows: Vec<_> = std::iter::once(head.map(str::to_owned))
            .chain(rows)
            .collect();
        table::aligned(&rows)
            .iter()
            .try_for_each(|line| say(line))?;
    }
    if left_out > 0 {
        talk::note(format!(
            "{left_out} in between changed nothing for {} (--all)",
            args.address
        ));
    }
    Ok(())
}

fn row(entry: &Value) -> [String; 8] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| talk::DASH.to_owned());
    let instances = number(entry, "instances");
    let rejected = match number(entry, "rejected") {
        0 => String::new(),
        number => format!(", {number} rejected"),
    };
    let instances =
        (instances > 0).then(|| format!("{}/{instances}{rejected}", number(entry, "live")));
    [
        text(entry, "served_from").to_owned(),
        short_version(text(entry, "commit")),
        or_dash(entry["keys"].as_u64().map(|keys| keys.to_string())),
        or_dash(instances),
        or_dash(
            entry["took_seconds"]
                .as_f64()
                .map(|took| format!("{took:.2} s")),
        ),
        or_dash(entry["lived_seconds"].as_f64().map(lived)),
        cause(entry).to_owned(),
        or_dash(by(entry)),
    ]
}

fn cause(entry: &Value) -> &str {
    match text(&entry["pin"], "what") {
        "pinned" => "pinned",
        "released" => "let go",
        "ended" => "pin ended",
        _ => text(entry, "trigger"),
    }
}

/// Who pinned it or let it go, and why; otherwise who made the commit.
fn by(entry: &Value) -> Option<String> {
    let (whose, who, why) = match &entry["pin"] {
        pin @ Value::Object(_) => (pin, "by", "reason"),
        _ => (entry, "author", "subject"),
    };
    let name = whose[who].as_str()?;
    Some(format!("{name}  {}", text(whose, why)))
}

/// `3 min`, `1 d 7 h`: the two greatest units.
fn lived(seconds: f64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let seconds = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let mut rest = seconds.as_secs();
    let mut parts = Vec::new();
    for (unit, name) in UNITS {
        if rest >= unit {
            parts.push(format!("{} {name}", rest / unit));
            rest %= unit;
        }
    }
    if parts.is_empty() {
        return "0 s".to_owned();
    }
    parts.truncate(2);
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_two_units() {
        for (seconds, expected) in [
            (0.4, "0 s"),
            (59.9, "59 s"),
            (180.0, "3 min"),
            (241_200.0, "2 d 19 h"),
            (111_600.0, "1 d 7 h"),
            (f64::NAN, "0 s"),
        ] {
            assert_eq!(lived(seconds), expected);
        }
    }
}
