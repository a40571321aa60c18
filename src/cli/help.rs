//! What `--help` and `help` say: the commands by what they are for, and each command for itself.

use std::fmt::Write as _;

use clap::{Args, CommandFactory};
use confbus::closest;

use super::Cli;
use crate::{
    catalogue,
    exit::{Exit, Failure},
    talk,
};

/// Every command, by what it is for.
const GROUPS: &[(&str, &[&str])] = &[
    ("Run", &["serve", "demo", "watch", "agent"]),
    ("Look", &["get", "explain", "diff", "fleet", "history"]),
    (
        "Change",
        &[
            "check", "refresh", "pin", "wave", "encrypt", "decrypt", "rotate",
        ],
    ),
    (
        "Operate",
        &[
            "shadow",
            "doctor",
            "health",
            "hash-token",
            "completions",
            "man",
            "help",
        ],
    ),
];

const REST: &str = "\
Options   --color <WHEN>       auto, always, never; NO_COLOR is respected
          --server <URL>       CONFBUS_SERVER [default: http://localhost:8888]
          --token-file <FILE>  CONFBUS_TOKEN_FILE, or CONFBUS_TOKEN
          -q, --quiet          Only results and errors
          -h, -V               Print help, behind a command its own; the version

Settings  --KEY=VALUE behind serve, variables, application.yml; Spring's names
Exit      0 yes   1 no   2 usage   3 unreachable   4 not allowed   5 timed out
          6 not found   78 settings";

/// What to explain.
#[derive(Debug, Args)]
pub(crate) struct HelpArgs {
    /// A command, with what stands below it, or the code of an error as CB1001.
    #[arg(value_name = "COMMAND | CODE")]
    topic: Vec<String>,
}

/// All that can be typed, with the help that is shown.
pub(super) fn command() -> clap::Command {
    let command = <Cli as CommandFactory>::command();
    let template = format!(
        "{{about}}\n\n{{usage-heading}} confbus [COMMAND] [OPTIONS]\n\n{}{REST}\n",
        groups(&command)
    );
    command.help_template(template)
}

/// `Run       serve       Serve configuration and announce changes`, and so on.
fn groups(command: &clap::Command) -> String {
    let mut text = String::new();
    for (group, names) in GROUPS {
        let mut group = *group;
        for name in *names {
            let about = command
                .find_subcommand(name)
                .and_then(clap::Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            _ = writeln!(text, "{group:<9} {name:<11} {about}");
            group = "";
        }
        text.push('\n');
    }
    text
}

/// Explains a command or the code of an error, or shows all commands.
pub(crate) fn help(args: &HelpArgs) -> Result<(), Failure> {
    if let [code] = &*args.topic
        && catalogue::is_code(code)
    {
        return explain(code);
    }
    let mut command = command();
    command.build();
    let mut found = &mut command;
    for name in &args.topic {
        let Some(at) = found
            .get_subcommands()
            .position(|below| below.get_name() == name)
        else {
            return Err(unknown(name, found));
        };
        let below = found.get_subcommands_mut().nth(at);
        found = below.expect("it was just found");
    }
    let text = found.render_long_help().ansi().to_string();
    Ok(talk::line(text.trim_end())?)
}

fn explain(code: &str) -> Result<(), Failure> {
    let Some(page) = catalogue::page(code) else {
        let codes: Vec<_> = catalogue::codes().collect();
        return Err(
            Failure::new(Exit::NotFound, format!("there is no error {code}"))
                .help(format!("there are: {}", codes.join(", "))),
        );
    };
    Ok(talk::line(page)?)
}

/// A command that is none, with the one that may be meant.
pub(super) fn unknown(name: &str, command: &clap::Command) -> Failure {
    let names = command
        .get_subcommands()
        .filter(|below| !below.is_hide_set());
    let names = names.map(clap::Command::get_name);
    let failure = Failure::new(Exit::Usage, format!("`{name}` is not a command"));
    match closest(name, names) {
        Some(closest) => failure.help(format!("did you mean `{closest}`?")),
        None => failure.help("confbus --help lists all commands"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown() -> String {
        command().render_help().to_string()
    }

    #[test]
    fn every_command_stands_once_in_the_help() {
        let command = command();
        let listed = || GROUPS.iter().flat_map(|(_, names)| *names);
        for below in command
            .get_subcommands()
            .filter(|below| !below.is_hide_set())
        {
            let name = below.get_name();
            assert_eq!(
                listed().filter(|other| **other == name).count(),
                1,
                "{name}"
            );
        }
        for name in listed() {
            assert!(command.find_subcommand(name).is_some(), "{name}");
        }
    }

    #[test]
    fn the_help_is_one_screen() {
        let shown = shown();
        assert!(shown.lines().count() <= 40, "{shown}");
        for line in shown.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn options_of_every_command_stand_in_the_help() {
        let shown = shown();
        let command = command();
        for option in command
            .get_arguments()
            .filter(|option| option.is_global_set())
        {
            let long = option.get_long().unwrap();
            assert!(shown.contains(&format!("--{long}")), "{long}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_finds_its_command() {
        let names = || ["serve", "shadow", "watch"].into_iter();
        assert_eq!(closest("sreve", names()), Some("serve"));
        assert_eq!(closest("wacth", names()), Some("watch"));
        assert_eq!(closest("quux", names()), None);
    }
}
