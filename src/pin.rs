//! Holds an address at a commit, lets it go, or shows what is pinned: at every server that is named.

mod question;

use std::process::ExitCode;

use confbus::printable;
use serde_json::{Value, json};

use crate::{
    cli::{PinArgs, Pinned},
    desk::{Account, Desk, Done, Names, address, among, json_of},
    exit::{Exit, Failure, Form},
    show::pin_line,
    talk,
};

const PINS: &str = "/_/api/pins";

/// Does it, and says what was done.
pub(crate) async fn run(args: PinArgs) -> Result<ExitCode, Failure> {
    let task = Task::of(&args)?;
    if let Task::Pin(pin) = &task
        && !is_meant(&args, pin).await?
    {
        let exit = if args.dry_run { Exit::Yes } else { Exit::No };
        talk::note("nothing was pinned");
        return Ok(exit.into());
    }
    let account = Account {
        form: if args.json { Form::Json } else { Form::Text },
        schema: "confbus.pins/1",
        member: "pins",
        result: task.result(),
    };
    Desk::each(&args.servers, account, async |desk, done| match &task {
        Task::List => list(desk, done).await,
        Task::Release(pinned) => release(desk, pinned, done).await,
        Task::Pin(pin) => make(desk, pin, done).await,
    })
    .await
}

/// Whether a pin is to be made, of which a person was shown what it changes: the first server speaks for all.
async fn is_meant(args: &PinArgs, pin: &Value) -> Result<bool, Failure> {
    let desks = Desk::all(&args.servers)?;
    let (Some(pinned), Some(first)) = (&args.pinned, desks.first()) else {
        return Ok(true);
    };
    if !args.yes {
        check_application(first, pin).await?;
    }
    if args.json {
        // A program asks.
        return Ok(true);
    }
    match question::show(first, pinned).await {
        // Nothing else was wanted.
        Err(failure) if args.dry_run => return Err(failure),
        Err(failure) => talk::note(format!("what it changes cannot be shown: {failure}")),
        Ok(()) => {}
    }
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

    /// What became of it where nothing fails.
    fn result(&self) -> &'static str {
        match self {
            Self::List => "listed",
            Self::Release(_) => "released",
            Self::Pin(_) => "pinned",
        }
    }
}

fn wrong(text: &str) -> Failure {
    Failure::new(Exit::Usage, text)
}

/// A pin may be there before its application is; where another one is named like it, that one is meant.
async fn check_application(desk: &Desk, pin: &Value) -> Result<(), Failure> {
    let names = Names::at(desk).await;
    let application = pin["application"].as_str().unwrap_or_default();
    let application = application.replace("(_)", "/");
    let checked = names.refuse_unseen(application.split(','));
    checked.map_err(|failure| failure.help("--yes pins it all the same"))?;
    if names.know_none_of(application.split(',')) {
        talk::note(format!(
            "nothing is named after `{}`, and nobody has asked for it yet",
            printable(&application)
        ));
    }
    Ok(())
}

async fn make(desk: &Desk, pin: &Value, done: &mut Done) -> Result<(), Failure> {
    let answer = match desk.ask("POST", PINS, &pin.to_string()).await {
        Err(failure) if failure.is(Exit::NotFound) => {
            let label = pin["label"].as_str().unwrap_or_default();
            return Err(Names::at(desk).await.help_label(failure, label));
        }
        answer => answer?,
    };
    note(json_of(&answer)?, done);
    Ok(())
}

async fn release(desk: &Desk, pinned: &Pinned, done: &mut Done) -> Result<(), Failure> {
    let pins = desk.list(PINS, "pins").await?;
    let its: Vec<_> = pins.iter().filter(|pin| is_of(pin, pinned)).collect();
    if its.is_empty() {
        let text = "nothing is pinned under this address";
        let failure = desk.failure(Exit::NotFound, text);
        let asked = json!({
            "application": pinned.application, "profile": pinned.profile, "label": pinned.label,
        });
        let others: Vec<_> = pins.iter().map(address).collect();
        let others = others.iter().map(String::as_str);
        return Err(among(failure, &address(&asked), others));
    }
    for pin in its {
        let id = pin["id"].as_str().unwrap_or_default();
        desk.ask("DELETE", &format!("{PINS}/{id}"), "").await?;
        let line = format!("{} is let go", printable(&address(pin)));
        done.note(pin.clone(), line);
    }
    Ok(())
}

async fn list(desk: &Desk, done: &mut Done) -> Result<(), Failure> {
    let pins = desk.list(PINS, "pins").await?;
    if pins.is_empty() {
        done.say("nothing is pinned");
    }
    pins.into_iter().for_each(|pin| note(pin, done));
    Ok(())
}

fn note(pin: Value, done: &mut Done) {
    let line = pin_line(&pin);
    done.note(pin, line);
}

/// Whether a pin is exactly of this address.
fn is_of(pin: &Value, pinned: &Pinned) -> bool {
    let slashes = |label: &String| label.replace("(_)", "/");
    pin["application"] == pinned.application.replace("(_)", "/")
        && pin["profile"] == json!(pinned.profile)
        && pin["label"] == json!(pinned.label.as_ref().map(slashes))
}

#[cfg(test)]
mod tests {
    use super::*;

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
