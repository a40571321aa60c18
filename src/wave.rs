//! Shows what is on its way, gives it to everybody or to nobody: at every server that is named.

use std::process::ExitCode;

use confbus::{printable, short_version};
use serde_json::{Value, json};

use crate::{
    cli::{DecisionArgs, WaveArgs, WaveCommand},
    desk::{Desk, address, among, json_of, say},
    exit::{Exit, Failure},
    talk,
};

const WAVES: &str = "/_/api/waves";

/// Does it, and says what was done.
pub(crate) async fn run(args: WaveArgs) -> Result<ExitCode, Failure> {
    match args.command {
        WaveCommand::List { servers } => {
            for desk in Desk::all(&servers)? {
                list(&desk).await?;
            }
        }
        WaveCommand::Promote(args) => decide(&args, "promote", "promoted").await?,
        WaveCommand::Abort(args) => decide(&args, "abort", "aborted").await?,
    }
    Ok(Exit::Yes.into())
}

async fn list(desk: &Desk) -> Result<(), Failure> {
    let waves = desk.list(WAVES, "waves").await?;
    if waves.is_empty() {
        say("nothing is on its way")?;
    }
    waves.iter().try_for_each(tell)
}

fn tell(wave: &Value) -> Result<(), Failure> {
    let sign = talk::sign(wave["state"].as_str().unwrap_or_default());
    Ok(talk::line(format!("{sign} {}", printable(&shown(wave))))?)
}

async fn decide(args: &DecisionArgs, path: &str, done: &str) -> Result<(), Failure> {
    let body = json!({
        "application": args.address.application,
        "profile": args.address.profile,
        "label": args.address.label,
        "reason": args.reason,
    });
    for desk in Desk::all(&args.servers)? {
        let path = format!("{WAVES}/{path}");
        let answer = match desk.ask("POST", &path, &body.to_string()).await {
            Err(failure) if failure.is(Exit::NotFound) => {
                let waves = desk.list(WAVES, "waves").await.unwrap_or_default();
                let others: Vec<_> = waves.iter().map(address).collect();
                let others = others.iter().map(String::as_str);
                return Err(among(failure, &address(&body), others));
            }
            answer => json_of(&answer?)?,
        };
        for wave in answer["waves"].as_array().into_iter().flatten() {
            say(&format!("{}  {done}", named(wave)))?;
        }
    }
    Ok(())
}

/// `orders/dev  main  4e81d07`.
fn named(wave: &Value) -> String {
    let text = |key: &str| wave[key].as_str().unwrap_or_default();
    let commit = text("commit");
    format!(
        "{}  {}  {}",
        address(wave),
        text("branch"),
        short_version(commit)
    )
}

/// `orders/dev  main  4e81d07  running at 5 %: 3 applied, 0 rejected, 1 waiting`.
fn shown(wave: &Value) -> String {
    let text = |key: &str| wave[key].as_str();
    let count = |key: &str| wave["instances"][key].as_u64().unwrap_or_default();
    let state = match text("state") {
        Some("running") => format!(
            "running at {} %: {} applied, {} rejected, {} waiting{}",
            wave["percent"],
            count("applied"),
            count("rejected"),
            count("waiting"),
            if wave["overdue"] == true {
                ", overdue"
            } else {
                ""
            },
        ),
        state => state.unwrap_or_default().to_owned(),
    };
    let by = text("by").map(|by| format!("  by {by}"));
    let reason = text("reason").map(|reason| format!("  {reason}"));
    format!(
        "{}  {state}{}{}",
        named(wave),
        by.unwrap_or_default(),
        reason.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_is_one_line() {
        let mut wave = json!({
            "application": "orders", "profile": null, "label": null, "branch": "main", "commit": "4e81d07".repeat(6)[..40],
            "state": "running", "percent": 5, "overdue": true, "by": null, "reason": null,
            "instances": { "applied": 3, "rejected": 0, "waiting": 1 },
        });
        assert_eq!(
            shown(&wave),
            "orders  main  4e81d07  running at 5 %: 3 applied, 0 rejected, 1 waiting, overdue"
        );
        wave["state"] = "aborted".into();
        wave["by"] = "jo".into();
        wave["reason"] = "INC-812".into();
        assert_eq!(
            shown(&wave),
            "orders  main  4e81d07  aborted  by jo  INC-812"
        );
    }
}
