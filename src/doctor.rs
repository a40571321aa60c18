//! `confbus doctor`: what would stand in the way of a server here, for people and as JSON. Safe to show to others.

use std::process::ExitCode;

use confbus::{
    GitProgram, Sources,
    checkup::{self, Finding, Reach, Verdict},
    printable,
    telemetry::{self, LogFormat},
};
use serde_json::{Value, json};

use crate::{
    cli::DoctorArgs,
    exit::{Exit, Failure, OrExit as _},
    talk::{self, DIM, painted},
};

/// Looks, tells, and says whether a server would work.
pub(crate) async fn run(args: DoctorArgs, program: GitProgram) -> Result<ExitCode, Failure> {
    // What goes wrong is told as a finding.
    let _log = telemetry::init(LogFormat::Text, "off")?;
    let properties = args.properties.pairs().or_exit(Exit::Usage)?;
    let sources = Sources::of_process(args.config, properties);
    let reach = if args.offline {
        Reach::Here
    } else {
        Reach::Everywhere
    };
    let findings = checkup::findings(&sources, reach, program).await;
    let count = |verdict| findings.iter().filter(|one| one.verdict == verdict).count();
    let (failures, warnings) = (count(Verdict::Bad), count(Verdict::Doubtful));
    if args.json {
        talk::line(document(&findings, failures == 0))?;
    } else {
        for finding in &findings {
            lines(finding).iter().try_for_each(talk::line)?;
        }
        talk::line(format!(
            "{}, {}",
            talk::counted(failures, "failure"),
            talk::counted(warnings, "warning")
        ))?;
    }
    Ok(if failures == 0 { Exit::Yes } else { Exit::No }.into())
}

/// What was found in a line, and what to do below it.
fn lines(finding: &Finding) -> Vec<String> {
    let sign = talk::sign(match finding.verdict {
        Verdict::Good => "done",
        Verdict::Doubtful => "doubtful",
        Verdict::Bad => "rejected",
        Verdict::Skipped => "skipped",
    });
    let message = printable(&finding.message);
    let first = format!("{sign} {:<9} {message}", finding.name);
    let help = finding.help.iter();
    let help = help.map(|help| {
        format!(
            "            {}",
            painted(DIM, format!("help: {}", printable(help)))
        )
    });
    std::iter::once(first).chain(help).collect()
}

fn document(findings: &[Finding], ok: bool) -> Value {
    let checks: Vec<_> = findings.iter().map(check).collect();
    json!({ "schema": "confbus.doctor/1", "ok": ok, "checks": checks })
}

fn check(finding: &Finding) -> Value {
    let result = match finding.verdict {
        Verdict::Good => "ok",
        Verdict::Doubtful => "warn",
        Verdict::Bad => "fail",
        Verdict::Skipped => "skipped",
    };
    json!({
        "name": finding.name,
        "result": result,
        "message": finding.message,
        "help": finding.help,
    })
}
