//! Holds an address at a commit, lets it go, or shows what is pinned: at every server that is named.

mod question;

use std::process::ExitCode;

use confbus::{printable, short_version};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    cli::{PinArgs, Pinned},
    desk::{Desk, address, json_of, say},
    exit::{Exit, Failure},
    talk,
};

const PINS: &str = "/_/api/pins";

/// Does it, and says what was done.
pub(crate) async fn run(args: PinArgs) -> Result<ExitCode, Failure> {
    let task = Task::of(&args)?;
    let desks = Desk::all(&args.servers)?;
    if matches!(task, Task::Pin(_)) && !is_meant(&desks, &args).await? {
        let exit = if args.dry_run { Exit::Yes } else { Exit::No };
        talk::note("nothing was pinned");
        return Ok(exit.into());
    }
    for desk in desks {
        match &task {
            Task::List => list(&desk).await?,
            Task::Release(pinned) => release(&desk, pinned).await?,
            Task::Pin(pin) => make(&desk, pin).await?,
        }
    }
    Ok(Exit::Yes.into())
}

/// Whether a pin is to be made, of which a person was shown what it changes.
async fn is_meant(desks: &[Desk], args: &PinArgs) -> Result<bool, Failure> {
    let (Some(pinned), Some(first)) = (&args.pinned, desks.first()) else {
        return Ok(true);
    };
    question::show(first, pinned).await;
    question::is_meant(args, pinned, desks.len())
}

/// What to do.
enum Task<'a> {
    List,
    Release(&'a Pinned),
    /// The body of the request.
    Pin(Value),
}

impl<'a> Task<'a> {
    fn of(args: &'a PinArgs) -> Result<Self, Failure> {
        let Some(pinned) = &args.pinned else {
            return Ok(Self::List);
        };
        match (&pinned.commit, args.release) {
            (None, true) => Ok(Self::Release(pinned)),
            (Some(_), true) => Err(wrong("an address is let go without a commit")),
            (None, false) => Err(wrong(
                "write the commit behind the address, as in orders/dev@4e81d07, with at least seven digits",
            )),
            (Some(commit), false) => Ok(Self::Pin(json!({
                "application": pinned.application,
                "profile": pinned.profile,
                "label": pinned.label,
                "commit": commit,
                "reason": args.reason,
                "for_seconds": args.time.as_secs(),
            }))),
        }
    }
}

fn wrong(text: &str) -> Failure {
    Failure::new(Exit::Usage, text)
}

async fn make(desk: &Desk, pin: &Value) -> Result<(), Failure> {
    let answer = desk.ask("POST", PINS, &pin.to_string()).await?;
    tell(&json_of(&answer)?)
}

async fn release(desk: &Desk, pinned: &Pinned) -> Result<(), Failure> {
    let pins = desk.list(PINS, "pins").await?;
    let its: Vec<_> = pins.iter().filter(|pin| is_of(pin, pinned)).collect();
    if its.is_empty() {
        let text = "nothing is pinned under this address";
        return Err(desk.failure(Exit::NotFound, text));
    }
    for pin in its {
        let id = pin["id"].as_str().unwrap_or_default();
        desk.ask("DELETE", &format!("{PINS}/{id}"), "").await?;
        say(&format!("{} is let go", address(pin)))?;
    }
    Ok(())
}

async fn list(desk: &Desk) -> Result<(), Failure> {
    let pins = desk.list(PINS, "pins").await?;
    if pins.is_empty() {
        say("nothing is pinned")?;
    }
    pins.iter().try_for_each(tell)
}

/// Says in a line what is pinned.
pub(crate) fn tell(pin: &Value) -> Result<(), Failure> {
    let sign = talk::sign("held");
    Ok(talk::line(format!("{sign} {}", printable(&shown(pin))))?)
}

/// Whether a pin is exactly of this address.
fn is_of(pin: &Value, pinned: &Pinned) -> bool {
    let slashes = |label: &String| label.replace("(_)", "/");
    pin["application"] == pinned.application.replace("(_)", "/")
        && pin["profile"] == json!(pinned.profile)
        && pin["label"] == json!(pinned.label.as_ref().map(slashes))
}

/// `orders/dev  4e81d07  until 2026-11-20T15:09:00Z  by jo  INC-812`.
fn shown(pin: &Value) -> String {
    let text = |key: &str| pin[key].as_str().unwrap_or_default();
    let commit = text("commit");
    let until = pin["until"].as_i64().unwrap_or_default();
    let until = Timestamp::from_second(until / 1000).unwrap_or_default();
    format!(
        "{}  {}  until {until}  by {}  {}",
        address(pin),
        short_version(commit),
        text("by"),
        text("reason"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_one_line() {
        let pin = json!({
            "application": "orders", "profile": null, "label": "main", "commit": "4e81d07c02", "by": "jo", "reason": "INC-812",
            "until": 1_763_650_140_000_i64,
        });
        assert_eq!(
            shown(&pin),
            "orders/*/main  4e81d07  until 2025-11-20T14:49:00Z  by jo  INC-812"
        );
    }

    #[test]
    fn only_the_very_address_is_let_go() {
        let pinned = Pinned {
            application: "orders".into(),
            profile: Some("dev".into()),
            label: Some("feature(_)x".into()),
            commit: None,
        };
        let pin = json!({ "application": "orders", "profile": "dev", "label": "feature/x" });
        assert!(is_of(&pin, &pinned));
        for (key, value) in [("profile", json!(null)), ("label", json!("main"))] {
            let mut other = pin.clone();
            other[key] = value;
            assert!(!is_of(&other, &pinned), "{key}");
        }
    }
}
