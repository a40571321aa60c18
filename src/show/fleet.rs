//! Which instance runs which version.

use std::{process::ExitCode, time::Duration};

use confbus::short_version;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    address, ask, closest::check_all_names, document, list, number, pin_line, query, table, text,
};
use crate::{
    cli::FleetArgs,
    desk::say,
    exit::{Exit, Failure},
    talk,
};

/// Between two questions of one who waits.
const PAUSE: Duration = Duration::from_millis(500);
/// What is counted, and what its column is called.
const COLUMNS: [(&str, &str); 7] = [
    ("live", "LIVE"),
    ("same", "SAME"),
    ("restart", "RESTART"),
    ("waiting", "WAITING"),
    ("rejected", "REJECTED"),
    ("held", "HELD"),
    ("silent", "SILENT"),
];

/// Says it, at once or when it is settled.
pub(crate) async fn fleet(args: FleetArgs) -> Result<ExitCode, Failure> {
    let path = format!("/_/api/fleet{}", wanted(&args));
    let until = Instant::now() + args.timeout;
    loop {
        let view = ask(&args.show, &path).await?;
        let totals = &view["totals"];
        let is_rejected = number(totals, "rejected") > 0;
        // While nobody is known, nobody runs it.
        let is_open = number(totals, "instances") == 0
            || number(totals, "waiting") + number(totals, "silent") > 0;
        let is_late = Instant::now() >= until;
        if args.wait && is_open && !is_rejected && !is_late {
            sleep(PAUSE).await;
            continue;
        }
        if let (Some(part), 0) = (&args.part, number(totals, "instances")) {
            check_all_names(&args.show, part.address()).await?;
        }
        if args.show.json {
            document(&view)?;
        } else {
            lines(&view).iter().try_for_each(|line| say(line))?;
            remind(&args, &view).await?;
        }
        let exit = match (is_rejected, args.wait && is_open) {
            (true, _) => Exit::No,
            (false, true) => Exit::TimedOut,
            (false, false) => Exit::Yes,
        };
        return Ok(exit.into());
    }
}

/// Says of whom is pinned who did that, until when, and why, as far as the server tells.
async fn remind(args: &FleetArgs, view: &Value) -> Result<(), Failure> {
    let applications = list(view, "applications").iter();
    let held = applications.filter(|one| text(one, "held") == "pinned");
    let held: Vec<_> = held.map(|one| text(one, "application")).collect();
    if held.is_empty() {
        return Ok(());
    }
    let Ok(pins) = ask(&args.show, "/_/api/pins").await else {
        return Ok(());
    };
    let is_held = |pin: &&Value| {
        let names = held.iter().flat_map(|names| names.split(','));
        names.map(str::trim).any(|name| pin["application"] == name)
    };
    let mut pins = list(&pins, "pins").iter().filter(is_held).peekable();
    if pins.peek().is_some() {
        say("")?;
    }
    pins.try_for_each(|pin| say(&pin_line(pin)))
}

/// The part of the fleet that is asked for.
fn wanted(args: &FleetArgs) -> String {
    let Some(part) = &args.part else {
        return String::new();
    };
    let address = part.address();
    let application = ("application", address.application.as_str());
    let profiles = part.profiles();
    let profile = profiles.map(|profiles| ("profile", profiles.as_str()));
    let label = address.label.as_ref();
    let label = label.map(|label| ("label", label.as_str()));
    query([application].into_iter().chain(profile).chain(label))
}

fn lines(view: &Value) -> Vec<String> {
    let mut lines = vec![text(view, "sentence").to_owned()];
    let applications = list(view, "applications");
    if applications.is_empty() {
        return lines;
    }
    let head = ["ADDRESS", "INSTANCES"].into_iter();
    let head = head
        .chain(COLUMNS.map(|(_, title)| title))
        .chain(["WANTED"]);
    let rows = applications.iter().map(row);
    let rows: Vec<[String; 10]> = std::iter::once(cells(head.map(str::to_owned)))
        .chain(rows)
        .collect();
    lines.push(String::new());
    lines.extend(table::aligned(&rows));
    let troubled: Vec<_> = applications.iter().flat_map(troubled).collect();
    if !troubled.is_empty() {
        lines.push(String::new());
        lines.extend(table::aligned(&troubled));
    }
    lines
}

fn row(application: &Value) -> [String; 10] {
    let totals = &application["totals"];
    let count = |key: &str| match number(totals, key) {
        0 => talk::DASH.to_owned(),
        number => number.to_string(),
    };
    let wanted = short_version(text(application, "wanted"));
    let held = application["held"].as_str();
    let wanted = held.map_or_else(|| wanted.clone(), |held| format!("{wanted}  held: {held}"));
    let first = [address(application), count("instances")].into_iter();
    let counts = COLUMNS.map(|(key, _)| count(key));
    cells(first.chain(counts).chain([wanted]))
}

/// Instances that somebody should look at, each with what it runs and why.
fn troubled(application: &Value) -> Vec<[String; 4]> {
    let instances = list(application, "instances").iter();
    let troubled = instances.filter(|instance| {
        let state = text(instance, "counts_as");
        matches!(state, "rejected" | "silent" | "waiting" | "restart")
    });
    let shown = troubled.map(|instance| {
        let state = text(instance, "counts_as");
        let why = match state {
            "rejected" => text(&instance["rejection"], "message").to_owned(),
            _ => format!("last sign {}", text(instance, "last_sign")),
        };
        let runs = format!("runs {}", short_version(text(instance, "runs")));
        [text(instance, "id").to_owned(), state.to_owned(), runs, why]
    });
    shown.collect()
}

fn cells<const N: usize>(cells: impl Iterator<Item = String>) -> [String; N] {
    let mut row = std::array::from_fn(|_| String::new());
    row.iter_mut().zip(cells).for_each(|(to, cell)| *to = cell);
    row
}
