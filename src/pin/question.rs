//! What a pin changes, shown before it is made; a person is asked whether that is meant.

use std::time::Duration;

use confbus::printable;
use serde_json::Value;

use crate::{
    cli::{PinArgs, Pinned},
    desk::{Desk, json_of},
    exit::Failure,
    show::{difference, elsewhere, list, query},
    talk,
};

/// Lines of a difference that are shown.
const MOST: usize = 40;
/// The profile that is compared where any is held.
const DEFAULT_PROFILE: &str = "default";
/// What is said then.
const ANY_PROFILE: &str = "key by key, the profile default is compared; of the other profiles, all of which are held, keys are only counted";

/// Shows what a pin changes at the first server, and asks a person who has not said yes already; nobody is asked without a
/// terminal. Whether it is to be made.
///
/// # Errors
/// When the answer cannot be read.
pub(super) fn is_meant(args: &PinArgs, pinned: &Pinned, servers: usize) -> Result<bool, Failure> {
    let Some(commit) = &pinned.commit else {
        return Ok(true);
    };
    let address = typed(pinned);
    talk::note(format!(
        "it ends by itself after {}, or with: confbus pin {address} --release",
        lasting(args.time)
    ));
    if args.dry_run {
        return Ok(false);
    }
    if args.yes || !talk::can_ask() {
        return Ok(true);
    }
    let at = match servers {
        1 => String::new(),
        many => format!(" on {many} servers"),
    };
    let question = format!("Hold {address} at {commit}{at}?");
    Ok(talk::ask(&printable(&question))?)
}

/// Tells people what a pin changes.
///
/// # Errors
/// When the server cannot say so.
pub(super) async fn show(desk: &Desk, pinned: &Pinned) -> Result<(), Failure> {
    let Some(commit) = &pinned.commit else {
        return Ok(());
    };
    let now = sided(pinned, pinned.label.as_deref());
    let then = sided(pinned, Some(commit));
    let mut view = compared(desk, &now, &then).await?;
    keep_held(&mut view, pinned);
    tell(&difference(&view), &now, &then);
    if pinned.profile.is_none() {
        talk::note(ANY_PROFILE);
    }
    for line in not_compared(&view) {
        talk::note(printable(&line));
    }
    Ok(())
}

async fn compared(desk: &Desk, now: &str, then: &str) -> Result<Value, Failure> {
    let path = format!("/_/api/diffs{}", query([("from", now), ("to", then)]));
    json_of(&desk.ask("GET", &path, "").await?)
}

fn tell(lines: &[String], now: &str, then: &str) {
    for line in lines.iter().take(MOST) {
        talk::note(printable(line));
    }
    if lines.len() > MOST {
        let more = lines.len() - MOST;
        talk::note(printable(&format!(
            "and {more} more lines: confbus diff {now} {then}"
        )));
    }
}

/// Of those whose configuration differs, and of those at other labels, a pin concerns whom it holds.
fn keep_held(view: &mut Value, pinned: &Pinned) {
    for member in ["blast_radius", "elsewhere"] {
        if let Some(all) = view[member].as_array_mut() {
            all.retain(|one| is_held(one, pinned));
        }
    }
    if pinned.label.is_some() {
        view["elsewhere"] = Value::Null;
    }
}

/// Whatever the label.
fn is_held(one: &Value, pinned: &Pinned) -> bool {
    let application = pinned.application.replace("(_)", "/");
    let names = one["application"].as_str().unwrap_or_default();
    let mut profiles = list(one, "profiles").iter();
    let profile = pinned.profile.as_deref();
    names.split(',').any(|name| name.trim() == application)
        && profile.is_none_or(|profile| profiles.any(|one| one == profile))
}

/// Whom the difference leaves out.
fn not_compared(view: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    match view["not_compared"].as_u64() {
        None | Some(0) => {}
        Some(1) => lines.push("1 more address was not compared".to_owned()),
        Some(many) => lines.push(format!("{many} more addresses were not compared")),
    }
    lines.extend(held_too(list(view, "elsewhere")));
    lines
}

/// `3 instances at other labels are held, too: release/2.0`; nothing where there are none.
fn held_too(others: &[Value]) -> Option<String> {
    let (instances, labels) = elsewhere(others)?;
    Some(match instances {
        1 => format!("1 instance at another label is held, too: {labels}"),
        many => format!("{many} instances at other labels are held, too: {labels}"),
    })
}

/// What is compared: `shop/prod@main`.
fn sided(pinned: &Pinned, label: Option<&str>) -> String {
    let plain = |name: &str| name.replace('@', "%40");
    let profile = pinned.profile.as_deref().unwrap_or(DEFAULT_PROFILE);
    let label = label.map(|label| format!("@{label}")).unwrap_or_default();
    format!("{}/{}{label}", plain(&pinned.application), plain(profile))
}

/// The address as it was typed.
fn typed(pinned: &Pinned) -> String {
    let application = &pinned.application;
    match (&pinned.profile, &pinned.label) {
        (None, None) => application.clone(),
        (Some(profile), None) => format!("{application}/{profile}"),
        (profile, Some(label)) => {
            format!(
                "{application}/{}/{label}",
                profile.as_deref().unwrap_or("*")
            )
        }
    }
}

/// `90 s`, `4 h`: the greatest unit that tells all of it.
fn lasting(time: Duration) -> String {
    let seconds = time.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut units = units.into_iter();
    let whole = units.find(|(unit, _)| seconds.is_multiple_of(*unit));
    let (unit, name) = whole.unwrap_or((1, "s"));
    format!("{} {name}", seconds / unit)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pinned(profile: Option<&str>, label: Option<&str>) -> Pinned {
        Pinned {
            application: "shop".into(),
            profile: profile.map(str::to_owned),
            label: label.map(str::to_owned),
            commit: Some("4e81d07".into()),
        }
    }

    #[test]
    fn what_is_compared_is_the_plainest_request() {
        for (pinned, now, typed_as) in [
            (pinned(None, None), "shop/default", "shop"),
            (pinned(Some("p@x"), None), "shop/p%40x", "shop/p@x"),
            (pinned(None, Some("a/b")), "shop/default@a/b", "shop/*/a/b"),
            (pinned(Some("dev"), Some("x")), "shop/dev@x", "shop/dev/x"),
        ] {
            assert_eq!(sided(&pinned, pinned.label.as_deref()), now);
            assert_eq!(typed(&pinned), typed_as);
        }
    }

    #[test]
    fn a_pin_concerns_whom_it_holds() {
        let one = |application: &str, profile: &str| json!({ "application": application, "profiles": [profile] });
        let all = [
            one("shop", "dev"),
            one("billing,shop", "prod"),
            one("billing", "dev"),
        ];
        let mut view = json!({ "blast_radius": all });
        keep_held(&mut view, &pinned(None, None));
        assert_eq!(view["blast_radius"], json!([all[0], all[1]]));
        keep_held(&mut view, &pinned(Some("prod"), None));
        assert_eq!(view["blast_radius"], json!([all[1]]));
    }

    #[test]
    fn whom_a_pin_holds_at_other_labels_is_told() {
        let one = |profile: &str, label: &str, instances| json!({ "application": "shop", "profiles": [profile], "label": label, "instances": instances });
        let all = [one("dev", "release/2.0", 2), one("prod", "release/2.0", 1)];
        let told = |pinned: &Pinned| {
            let mut view = json!({ "blast_radius": [], "elsewhere": all });
            keep_held(&mut view, pinned);
            not_compared(&view).pop()
        };
        for (pinned, line) in [
            (
                pinned(None, None),
                Some("3 instances at other labels are held, too: release/2.0"),
            ),
            (
                pinned(Some("prod"), None),
                Some("1 instance at another label is held, too: release/2.0"),
            ),
            (pinned(Some("prod"), Some("main")), None),
            (pinned(Some("other"), None), None),
        ] {
            assert_eq!(told(&pinned).as_deref(), line);
        }
    }

    #[test]
    fn a_time_is_told_in_its_greatest_unit() {
        for (seconds, text) in [
            (60, "1 min"),
            (90, "90 s"),
            (14_400, "4 h"),
            (172_800, "2 d"),
        ] {
            assert_eq!(lasting(Duration::from_secs(seconds)), text);
        }
    }
}
