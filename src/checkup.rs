//! What would stand in the way of a server with these settings on this machine, found out without starting it: nobody is
//! served, nothing is announced, and nothing is written but a temporary folder. What stays is the exchange, at a broker
//! that had none.

mod broker;
mod clock;
mod place;
mod registry;
mod remote;
mod store;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{
    environment_repository::{BackendSettings, GitRepositorySettings, Template},
    settings::{GitProgram, Settings, SettingsError, SettingsProblem, Sources},
    webhook::{Believed, Provider},
};

/// How one thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// A server would start; somebody should look at it all the same.
    Doubtful,
    /// A server would not work as it is meant to.
    Bad,
    /// It was not looked at, and the message says why.
    Skipped,
}

/// What was found out about one thing. No credential is in it.
#[derive(Debug, Clone)]
pub struct Finding {
    /// `settings`, `git`, `native`, `vault`, `redis`, `jdbc`, `awss3`, `broker`, `registry`, `webhook`, `tls`, `port`, `disk` or `clock`.
    pub name: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was done and what came of it.
    pub message: String,
    /// What to do.
    pub help: Vec<String>,
}

/// How far to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// At this machine alone.
    Here,
    /// At repositories, the broker and registries as well.
    Everywhere,
}

impl Finding {
    fn new(name: &'static str, verdict: Verdict, message: impl Into<String>) -> Self {
        Self {
            name,
            verdict,
            message: message.into(),
            help: Vec::new(),
        }
    }

    fn good(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Verdict::Good, message)
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

/// Looks at everything that a server with these settings needs. Where the settings cannot be used, at them alone.
pub async fn findings(sources: &Sources, reach: Reach, program: GitProgram) -> Vec<Finding> {
    let mut settings = match Settings::load(sources) {
        Ok(settings) => settings.with_git_program(program),
        Err(error) => return refused(&error),
    };
    let mut findings = vec![warned(&settings.warnings)];
    findings.extend(repositories(&settings, reach).await);
    findings.push(match reach {
        Reach::Everywhere => broker::look(&settings.bus).await,
        Reach::Here => skipped("broker"),
    });
    findings.extend(match reach {
        Reach::Everywhere => registry::look(&mut settings).await,
        Reach::Here if settings.registration.places().is_empty() => Vec::new(),
        Reach::Here => vec![skipped(registry::NAME)],
    });
    findings.push(webhook(&settings));
    findings.extend(settings.http.tls.as_ref().map(place::tls));
    let ports = [Some(settings.listen), settings.management];
    findings.extend(ports.into_iter().flatten().map(place::port));
    findings.extend(folders(&settings).iter().map(|folder| place::disk(folder)));
    findings.push(match (reach, clock::somebody(&settings)) {
        (Reach::Everywhere, Some(host)) => clock::look(&host).await,
        (Reach::Everywhere, None) => {
            let text = "no repository is asked over HTTP, so there is nobody to compare with";
            Finding::new("clock", Verdict::Skipped, text)
        }
        (Reach::Here, _) => skipped("clock"),
    });
    findings
}

fn skipped(name: &'static str) -> Finding {
    Finding::new(
        name,
        Verdict::Skipped,
        "not looked at: nobody else is asked",
    )
}

fn refused(error: &SettingsError) -> Vec<Finding> {
    let all = error.problems().iter();
    let all = all.map(|problem| of_settings(Verdict::Bad, problem));
    let warned = error.warnings().iter();
    all.chain(warned.map(|problem| of_settings(Verdict::Doubtful, problem)))
        .collect()
}

fn of_settings(verdict: Verdict, problem: &SettingsProblem) -> Finding {
    let mut finding = Finding::new("settings", verdict, said(problem));
    finding.help.extend(problem.hint.clone());
    finding.help(format!("confbus help {}", problem.code))
}

/// `application.yml:3:9: ` and the sentence.
fn said(problem: &SettingsProblem) -> String {
    match &*problem.place {
        "" => problem.problem.clone(),
        place => format!("{place}: {}", problem.problem),
    }
}

/// All warnings together: each is told at a start, too.
fn warned(warnings: &[SettingsProblem]) -> Finding {
    if warnings.is_empty() {
        return Finding::good("settings", "a server starts with them");
    }
    let lines: Vec<_> = warnings.iter().map(said).collect();
    let text = format!("a server starts with them; {}", lines.join("; "));
    let help = warnings
        .iter()
        .map(|warning| format!("confbus help {}", warning.code));
    let mut help: Vec<_> = help.collect();
    help.dedup();
    Finding {
        help,
        ..Finding::new("settings", Verdict::Doubtful, text)
    }
}

/// Each repository of Git, one after the other; a directory is looked at as it lies there.
async fn repositories(settings: &Settings, reach: Reach) -> Vec<Finding> {
    let mut findings = Vec::new();
    for backend in &settings.repository.backends {
        match backend {
            BackendSettings::Git(git) => {
                for repository in git.all() {
                    findings.push(remote::look(settings, repository, reach).await);
                }
            }
            BackendSettings::Native(native) => findings.push(place::directories(&native.files)),
            BackendSettings::Vault(_) => {
                let text = "not asked: it wants the token of each request";
                findings.push(Finding::new("vault", Verdict::Skipped, text));
            }
            BackendSettings::Lookups(settings) => findings.push(store::look(settings, reach).await),
        }
    }
    findings
}

fn webhook(settings: &Settings) -> Finding {
    const NAME: &str = "webhook";
    let webhook = &settings.http.webhook;
    match webhook.believed() {
        Believed::ThisMachine => Finding::good(NAME, "POST /monitor believes this machine alone"),
        Believed::Strangers(_) if webhook.stays_here => {
            let text = "POST /monitor believes unsigned deliveries; only this machine can send any";
            Finding::good(NAME, text)
        }
        Believed::Strangers(of) => {
            let of = Provider::names(&of);
            let text = format!("deliveries that say they come from {of} are believed unsigned");
            Finding::new(NAME, Verdict::Doubtful, text)
                .help("set a webhook secret, and let validation-enabled be true")
        }
        Believed::Signed(by) => {
            let by = Provider::names(&by);
            Finding::good(
                NAME,
                format!("POST /monitor takes signed deliveries of {by}"),
            )
        }
        Believed::Nobody => {
            let text =
                "no secret is set, so deliveries are refused; a push is seen with the next poll";
            Finding::new(NAME, Verdict::Doubtful, text).help(
                "set spring.cloud.config.server.monitor.github.webhook-secret, or that of your host",
            )
        }
    }
}

/// Where clones and what survives a restart lie.
fn folders(settings: &Settings) -> Vec<PathBuf> {
    let clones = git_repositories(settings).map(|git| git.reach.base_directory.clone());
    let answers = settings.repository.backends.iter().filter_map(answers);
    let kept = settings.ledger.file.as_deref().into_iter().chain(answers);
    let kept = kept.filter_map(|file| file.parent());
    let mut folders: Vec<_> = clones.chain(kept.map(Into::into)).collect();
    folders.sort();
    folders.dedup();
    folders
}

/// The file with the answers of a store.
fn answers(backend: &BackendSettings) -> Option<&Path> {
    match backend {
        BackendSettings::Lookups(store) => store.file.as_deref(),
        BackendSettings::Git(_) | BackendSettings::Native(_) | BackendSettings::Vault(_) => None,
    }
}

fn git_repositories(settings: &Settings) -> impl Iterator<Item = &GitRepositorySettings> {
    let all = settings.repository.backends.iter();
    all.flat_map(|backend| match backend {
        BackendSettings::Git(git) => git.all().collect(),
        BackendSettings::Native(_) | BackendSettings::Vault(_) | BackendSettings::Lookups(_) => {
            Vec::new()
        }
    })
}

/// The address of one repository, unless each request has its own.
fn fixed(uri: &Template) -> Option<&str> {
    (!uri.has_placeholders()).then(|| uri.as_str())
}

fn folder() -> std::io::Result<TempDir> {
    tempfile::Builder::new().prefix("confbus-doctor-").tempdir()
}
