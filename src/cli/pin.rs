use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::{ServersArgs, complete::addresses, number_and_unit};

#[derive(Debug, Args)]
pub(crate) struct PinArgs {
    /// APPLICATION[/PROFILE[/LABEL]]@COMMIT; * is any profile, and seven digits of the commit are enough.
    #[arg(value_name = "ADDRESS@COMMIT", value_parser = Pinned::parse, required_unless_present = "list", add = ArgValueCompleter::new(addresses))]
    pub(crate) pinned: Option<Pinned>,
    /// Why: shown with the pin wherever it is shown.
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["release", "list", "dry_run"])]
    pub(crate) reason: Option<String>,
    /// When the pin ends by itself, up to 30d.
    #[arg(long = "for", value_name = "TIME", default_value = "4h", value_parser = time)]
    pub(crate) time: Duration,
    /// Do not ask whether it is meant, be the application unknown and named like another one. Without a terminal nobody is
    /// asked anyway.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Show what it changes, and pin nothing.
    #[arg(long, conflicts_with = "json")]
    pub(crate) dry_run: bool,
    /// Let the address go; write it without a commit.
    #[arg(long, conflicts_with_all = ["reason", "time", "yes", "dry_run"])]
    pub(crate) release: bool,
    /// Show what is pinned.
    #[arg(long, conflicts_with_all = ["pinned", "reason", "time", "release", "yes", "dry_run"])]
    pub(crate) list: bool,
    /// One JSON object a line, for each server.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) servers: ServersArgs,
}

/// What to pin or to let go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pinned {
    pub(crate) application: String,
    pub(crate) profile: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) commit: Option<String>,
}

impl Pinned {
    fn parse(text: &str) -> Result<Self, String> {
        // Profiles may hold an `@`, too.
        let (target, commit) = match text.rsplit_once('@') {
            Some((address, commit)) if is_commit(commit) => (address, Some(commit)),
            _ => (text, None),
        };
        let (application, profile, label) = address(target).ok_or("write APPLICATION, APPLICATION/PROFILE or APPLICATION/PROFILE/LABEL, and @COMMIT behind it")?;
        Ok(Self {
            application,
            profile,
            label,
            commit: commit.map(str::to_owned),
        })
    }
}

/// Application, profile and label of an address; `None` where one of them is empty.
pub(super) fn address(text: &str) -> Option<(String, Option<String>, Option<String>)> {
    let mut parts = text.splitn(3, '/');
    let mut next = || parts.next().map(str::to_owned);
    let (application, profile, label) = (next()?, next(), next());
    let mut all = std::iter::once(&application).chain(&profile).chain(&label);
    if all.any(String::is_empty) {
        return None;
    }
    Some((application, profile.filter(|profile| profile != "*"), label))
}

fn is_commit(text: &str) -> bool {
    (7..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `90s`, `30m`, `4h`, `2d`; the server says how long is too long.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = number_and_unit(text);
    let seconds = match unit {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(60 * 60),
        "d" => Some(24 * 60 * 60),
        _ => None,
    };
    let seconds = number.zip(seconds);
    let seconds = seconds.and_then(|(number, seconds)| number.checked_mul(seconds));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "write a time as 90s, 30m, 4h or 2d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pinned(parts: [Option<&str>; 4]) -> Result<Pinned, String> {
        let [application, profile, label, commit] = parts.map(|part| part.map(str::to_owned));
        Ok(Pinned {
            application: application.unwrap(),
            profile,
            label,
            commit,
        })
    }

    #[test]
    fn an_address_and_its_commit_are_told_apart() {
        let commit = Some("4e81d07");
        for (text, parts) in [
            ("shop@4e81d07", [Some("shop"), None, None, commit]),
            (
                "shop/prod@4e81d07",
                [Some("shop"), Some("prod"), None, commit],
            ),
            (
                "shop/*/a/b@4e81d07",
                [Some("shop"), None, Some("a/b"), commit],
            ),
            ("shop/prod", [Some("shop"), Some("prod"), None, None]),
            ("shop/p@x", [Some("shop"), Some("p@x"), None, None]),
            (
                "shop/p@x@4e81d07",
                [Some("shop"), Some("p@x"), None, commit],
            ),
        ] {
            assert_eq!(Pinned::parse(text), pinned(parts), "{text}");
        }
        for wrong in ["", "@4e81d07", "shop/", "shop//main", "shop/prod/"] {
            assert!(Pinned::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_go_up_to_days() {
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("4h", 14_400), ("2d", 172_800)] {
            assert_eq!(time(text), Ok(Duration::from_secs(seconds)));
        }
        for wrong in [
            "",
            "4",
            "h",
            "4w",
            "-1h",
            "99999999999999999999d",
            "18446744073709551615d",
        ] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
