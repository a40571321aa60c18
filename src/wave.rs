//! Shows what is on its way, gives it to everybody or to nobody: at every server that is named.

use std::process::ExitCode;

use confbus::{printable, short_version};
use serde_json::{Value, json};

use crate::{
    cli::{DecisionArgs, WaveArgs, WaveCommand},
    desk::{Account, Desk, Done, address, among, json_of},
    exit::{Exit, Failure, Form},
    talk,
};

const WAVES: &str = "/_/api/waves";

/// Does it, and says what was done.
pub(crate) async fn run(args: WaveArgs) -> Result<ExitCode, Failure> {
    let form = if args.json { Form::Json } else { Form::Text };
    match args.command {
        WaveCommand::List { servers } => Desk::each(&servers, account(form, "listed"), list).await,
        WaveCommand::Promote(args) => decide(&args, "promote", account(form, "promoted")).await,
        WaveCommand::Abort(args) => decide(&args, "abort", account(form, "aborted")).await,
    }
}

fn account(form: Form, result: &'static str) -> Account {
    Account {
        form,
        schema: "confbus.waves/1",
        member: "waves",
        result,
    }
}

async fn list(desk: &Desk, done: &mut Done) -> Result<(), Failure> {
    let waves = desk.list(WAVES, "waves").await?;
    if waves.is_empty() {
        done.say("nothing is on its way");
    }
    for wave in waves {
        let sign = talk::sign(wave["state"].as_str().unwrap_or_default());
        let line = format!("{sign} {}", printable(&shown(&wave)));
        done.note(wave, line);
    }
    Ok(())
}

async fn decide(args: &DecisionArgs, path: &str, account: Account) -> Result<ExitCode, Failure> {
    let body = json!({
        "application": args.address.application,
        "profile": args.address.profile,
        "label": args.address.label,
        "reason": args.reason,
    });
    let (path, text) = (format!("{WAVES}/{path}"), body.to_string());
    Desk::each(&args.servers, account, async |desk, done| {
        let mut answer = match desk.ask("POST", &path, &text).await {
            Err(failure) if failure.is(Exit::NotFound) => {
                let waves = desk.list(WAVES, "waves").await.unwrap_or_default();
                let others: Vec<_> = waves.iter().map(address).collect();
                let others = others.iter().map(String::as_str);
                return Err(among(failure, &address(&body), others));
            }
            answer => json_of(&answer?)?,
        };
        let waves = answer["waves"].as_array_mut();
        for wave in waves.into_iter().flatten() {
            let line = format!("{}  {}", named(wave), account.result);
            done.note(wave.take(), printable(&line).into_owned());
        }
        Ok(())
    })
    .await
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
