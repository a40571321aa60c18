//! What shells and `man` read, made of what can be typed.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use clap_complete::{Shell, env::Shells};

use super::{complete::SHELL, help::command};
use crate::{exit::Failure, talk};

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Whose completions.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// A folder for a page of each command [default: the page of confbus alone, to standard output]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// What people type: completions would offer hidden commands.
pub(super) fn shown() -> clap::Command {
    let all = command();
    let subcommands = all.get_subcommands();
    clap::Command::new("confbus")
        .version(env!("CARGO_PKG_VERSION"))
        .about(all.get_about().cloned().unwrap_or_default())
        .disable_help_subcommand(true)
        .args(all.get_arguments())
        .subcommands(subcommands.filter(|command| !command.is_hide_set()))
}

/// Writes the completions of a shell to standard output.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let shell = args.shell.to_string();
    let shells = Shells::builtins();
    let completer = shells.completer(&shell).context("no such shell")?;
    let mut script = Vec::new();
    completer.write_registration(SHELL, "confbus", "confbus", "confbus", &mut script)?;
    Ok(talk::data(&script)?)
}

/// Writes manual pages.
pub(crate) fn man(args: &ManArgs) -> Result<(), Failure> {
    let Some(folder) = &args.folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(shown()).render(&mut page)?;
        return Ok(talk::data(&page)?);
    };
    let place = folder.display();
    let made =
        std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(shown(), folder));
    Ok(made.with_context(|| place.to_string())?)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// `UPDATE_EXPECT=1` writes the page anew.
    #[test]
    fn the_page_of_commands_says_what_their_help_says() {
        let mut page = "# Commands\n\nWhat `confbus help COMMAND` shows.\n".to_owned();
        let mut program = shown().term_width(100);
        program.build();
        for command in program.get_subcommands() {
            let mut command = command.clone().term_width(100);
            let help = command.render_long_help().to_string();
            let lines: Vec<_> = help.lines().map(str::trim_end).collect();
            let name = command.get_name();
            _ = write!(
                page,
                "\n## {name}\n\n```text\n{}\n```\n",
                lines.join("\n").trim_end()
            );
        }
        expect_test::expect_file!["../../docs/reference/commands.md"].assert_eq(&page);
    }
}
