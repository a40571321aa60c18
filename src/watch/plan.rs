//! What is to be done with a version, checked before anything is.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{only::Only, variables::quoted};
use crate::cli::{DeliveryArgs, OnChange, Output};

/// Arguments that do not go together.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUsage(String);

#[derive(Debug)]
pub(crate) struct Plan {
    /// What is delivered, for people.
    pub(super) title: String,
    /// Whether our lines have to say which delivery they are about.
    pub(crate) is_one_of_several: bool,
    pub(crate) outputs: Vec<Output>,
    pub(crate) only: Only,
    /// Whether the program gets the values as variables.
    pub(super) env: bool,
    pub(super) check: Option<String>,
    pub(super) check_timeout: Duration,
    pub(super) on_change: OnChange,
    /// Names the process that gets the signal, where that is not the program.
    pub(super) pid_file: Option<PathBuf>,
    pub(super) settle: Duration,
    pub(super) ready: Option<String>,
    pub(super) ready_timeout: Duration,
    pub(super) max_wait: Duration,
    pub(super) restore: bool,
    /// Empty when there is none.
    pub(super) program: Vec<OsString>,
}

/// Without files and a program there is nothing to check or to tell.
pub(super) fn refuse_idle(args: &DeliveryArgs) -> Result<(), WrongUsage> {
    let is_idle = args.check.is_none()
        && args.on_change.is_none()
        && args.only.is_empty()
        && args.wait_first.is_none()
        && args.pid_file.is_none()
        && !args.json
        && !args.restore;
    if is_idle {
        Ok(())
    } else {
        wrong("write where the values go: --out FILE, -- PROGRAM, or both")
    }
}

impl Plan {
    pub(crate) fn of(args: &DeliveryArgs, title: String) -> Result<Self, WrongUsage> {
        let has_program = !args.program.is_empty();
        let on_change = match &args.on_change {
            Some(on_change) => on_change.clone(),
            None if has_program => OnChange::Restart,
            None => OnChange::Nothing,
        };
        if args.env && on_change != OnChange::Restart {
            return wrong("--env: only a restart changes the variables of a program");
        }
        match on_change {
            OnChange::Signal(_) if args.pid_file.is_some() => {}
            _ if args.pid_file.is_some() => {
                return wrong("--pid-file: only a signal goes to the process that it names");
            }
            OnChange::Restart | OnChange::Signal(_) if !has_program => {
                return wrong("--on-change: there is no program to tell; write it after --");
            }
            _ => {}
        }
        if has_program && args.out.iter().any(|output| output.path.is_none()) {
            return wrong("--out -: standard output is the program's");
        }
        for (index, output) in args.out.iter().enumerate() {
            if args.out[..index]
                .iter()
                .any(|other| other.path == output.path)
            {
                return wrong(format!("--out {}: written twice", shown(output)));
            }
        }
        Ok(Self {
            title,
            is_one_of_several: false,
            outputs: args.out.clone(),
            only: Only::new(args.only.clone()),
            env: args.env,
            check: args.check.clone(),
            check_timeout: args.check_timeout,
            on_change,
            pid_file: args.pid_file.clone(),
            settle: args.settle,
            ready: args.ready.clone(),
            ready_timeout: args.ready_timeout,
            max_wait: args.max_wait,
            restore: args.restore,
            program: args.program.clone(),
        })
    }

    /// The names of the files, for people.
    pub(super) fn files(&self) -> String {
        let names: Vec<_> = self.outputs.iter().map(shown).collect();
        names.join(", ")
    }

    /// The longest that a delivery may take, with putting back what was there.
    pub(super) fn longest(&self) -> Duration {
        /// For disks that are slow.
        const REST: Duration = Duration::from_secs(60);
        let telling = self.max_wait + self.settle.max(self.ready_timeout) + self.ready_timeout;
        self.check_timeout + 2 * telling + REST
    }
}

/// The check with the new files where the old ones are named: `{config.yaml}`, or `{/etc/app/config.yaml}` as typed.
pub(super) fn check_line<'a>(
    check: &str,
    staged: impl Iterator<Item = (&'a Output, &'a Path)>,
) -> String {
    let mut line = check.to_owned();
    for (output, new) in staged {
        let Some(path) = &output.path else { continue };
        let new = quoted(&new.to_string_lossy());
        line = line.replace(&format!("{{{}}}", path.display()), &new);
        line = line.replace(&format!("{{{}}}", shown(output)), &new);
    }
    line
}

/// The name of the file, without its folder.
fn shown(output: &Output) -> String {
    let name = output.path.as_deref().and_then(Path::file_name);
    name.map_or_else(|| "-".to_owned(), |name| name.display().to_string())
}

fn wrong<T>(problem: impl Into<String>) -> Result<T, WrongUsage> {
    Err(WrongUsage(problem.into()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        delivery: DeliveryArgs,
    }

    fn plan(line: &str) -> Result<Plan, String> {
        let typed = Typed::try_parse_from(["watch"].into_iter().chain(line.split_whitespace()));
        let typed = typed.map_err(|error| error.to_string())?;
        Plan::of(&typed.delivery, "a/b".into()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_program_is_restarted_unless_another_way_is_named() {
        assert_eq!(
            plan("--out a.yaml -- prog").unwrap().on_change,
            OnChange::Restart
        );
        assert_eq!(plan("--out a.yaml").unwrap().on_change, OnChange::Nothing);
        assert_eq!(
            plan("--on-change none -- prog").unwrap().on_change,
            OnChange::Nothing
        );
        assert_eq!(
            plan("-- prog --out b").unwrap().program,
            ["prog", "--out", "b"]
        );
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for wrong in [
            "--out a.yaml --on-change restart",
            "--out a.yaml --on-change SIGHUP",
            "--env --on-change SIGHUP -- prog",
            "--env --on-change none -- prog",
            "--env --out a.yaml",
            "--out - -- prog",
            "--out a.yaml --out json:a.yaml",
            "--ready true --out a.yaml",
            "--out a.xml",
            "--out a.yaml --pid-file pid",
            "--pid-file pid -- prog",
        ] {
            assert!(plan(wrong).is_err(), "{wrong}");
        }
        for right in [
            "--out - --on-change reload",
            "--env -- prog",
            "--out a.yaml --on-change SIGHUP --pid-file pid",
            "--env --on-change restart -- prog",
        ] {
            assert!(plan(right).is_ok(), "{right}");
        }
    }

    #[test]
    fn a_check_names_the_new_file_and_leaves_the_rest_to_the_shell() {
        let plan = plan("--out /etc/app/config.yaml").unwrap();
        let staged = || {
            plan.outputs
                .iter()
                .map(|output| (output, Path::new("/etc/app/.c x")))
        };
        let line = |check: &str| check_line(check, staged());
        assert_eq!(line("lint {config.yaml}"), "lint '/etc/app/.c x'");
        assert_eq!(line("lint {/etc/app/config.yaml}"), "lint '/etc/app/.c x'");
        assert_eq!(line("awk '{print}' ${X}"), "awk '{print}' ${X}");
    }
}
