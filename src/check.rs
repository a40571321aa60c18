//! `confbus check`: what a server would find in a checkout, told to people and to machines.

mod annotations;
mod document;
mod markdown;
mod sarif;
mod summary;
mod text;

use std::process::ExitCode;

use anyhow::Context as _;
use confbus::{
    Settings, Sources,
    diagnostics::Severity,
    findings::{Findings, Subject},
};

use crate::{
    cli::{CheckArgs, CheckFormat},
    exit::{Exit, Failure, OrExit as _},
    talk,
};
pub(crate) use text::diagnostic;

/// Settings want an address, and nobody is asked there.
const NOWHERE: &str = "file:///dev/null";

/// Checks, tells, and says whether all is well.
pub(crate) fn run(args: CheckArgs) -> Result<ExitCode, Failure> {
    let settings = settings(&args)?;
    let findings = Findings::of(&subject(&args), &settings).or_exit(Exit::Usage)?;
    talk::line(tell(&args, &findings)?.trim_end())?;
    let denied = args.deny_warnings && findings.count(Severity::Warning) > 0;
    let is_wrong = denied || findings.count(Severity::Error) > 0;
    Ok(if is_wrong { Exit::No } else { Exit::Yes }.into())
}

/// Those of the server, as far as they are given.
fn settings(args: &CheckArgs) -> Result<Settings, Failure> {
    let address = ("spring.cloud.config.server.git.uri", NOWHERE);
    let properties = vec![(address.0.to_owned(), address.1.to_owned())];
    // An empty file instead of the usual places: what lies there is what is checked.
    let nothing = tempfile::Builder::new().suffix(".properties").tempfile();
    let nothing = nothing.context("no temporary file")?;
    let mut sources = Sources::of_process(args.config.clone(), properties);
    sources.file = sources.file.or_else(|| Some(nothing.path().to_owned()));
    Ok(Settings::load(&sources)?)
}

fn subject(args: &CheckArgs) -> Subject {
    Subject {
        directory: args.directory.clone(),
        commit: args.commit.clone(),
        against: args.against.clone(),
        schemas: args.schema.clone(),
    }
}

fn tell(args: &CheckArgs, findings: &Findings) -> anyhow::Result<String> {
    let format = if args.json {
        CheckFormat::Json
    } else {
        args.format
    };
    Ok(match format {
        CheckFormat::Text => text::of(findings),
        CheckFormat::Github => annotations::github(findings),
        CheckFormat::Gitlab => lines(&annotations::gitlab(findings))?,
        CheckFormat::Sarif => lines(&sarif::of(findings))?,
        CheckFormat::Markdown => markdown::of(findings),
        CheckFormat::Json => format!("{}\n", document::of(findings)),
    })
}

fn lines(document: &serde_json::Value) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(document)? + "\n")
}
