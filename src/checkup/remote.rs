use std::time::Instant;

use confbus_protocol::Label;

use super::{Finding, Reach, Verdict, fixed, folder};
use crate::{
    environment_repository::GitRepositorySettings,
    git::{Address, Common, Git, Settings as GitSettings},
    look::{Fetch, LookError, Query, View},
    settings::Settings,
};

const NAME: &str = "git";

/// Asks for the default label as a server would, into a folder that is gone afterwards.
pub(super) async fn look(
    settings: &Settings,
    repository: &GitRepositorySettings,
    reach: Reach,
) -> Finding {
    let Some(uri) = fixed(&repository.uri) else {
        let text = "the address has placeholders, so each request names a repository of its own";
        return Finding::new(NAME, Verdict::Skipped, text);
    };
    let address = match Address::parse(uri) {
        Ok(address) => address,
        Err(error) => {
            return Finding::new(NAME, Verdict::Bad, error.to_string()).help(error.hint());
        }
    };
    let shown = address.display_uri.clone();
    let folder = match folder() {
        Ok(folder) => folder,
        Err(error) => {
            return Finding::new(NAME, Verdict::Bad, format!("no temporary folder: {error}"));
        }
    };
    let mut reaching = repository.reach.clone();
    folder.path().clone_into(&mut reaching.base_directory);
    // Somebody waits for us, and what is cloned is thrown away.
    reaching.clone_deadline = reaching.deadline;
    let common = Common::new(settings.repository.git_program.clone());
    let git = match Git::spawn(GitSettings::new(address, reaching, &common)) {
        Ok(git) => git,
        Err(error) => return Finding::new(NAME, Verdict::Bad, format!("no thread: {error}")),
    };
    if reach == Reach::Here && git.is_remote() {
        let text = format!("{shown} is not asked: nobody else is");
        return Finding::new(NAME, Verdict::Skipped, text);
    }
    let label = repository.default_label.clone();
    let began = Instant::now();
    let looked = git.look(query(&label)).await;
    let took = began.elapsed().as_millis();
    // The folder goes, and nobody is to write to it then.
    git.end().await;
    match reason(looked) {
        None => Finding::good(
            NAME,
            format!(
                "{shown} answered in {took} ms; `{}` can be read",
                label.as_str()
            ),
        ),
        Some(LookError::NoSuchLabel)
            if repository.try_master_branch && label.as_str() == "main" =>
        {
            let text = format!(
                "{shown} answered in {took} ms; it has no branch `main`, and `master` is tried"
            );
            Finding::new(NAME, Verdict::Doubtful, text)
                .help("set spring.cloud.config.server.git.default-label")
        }
        Some(error) => {
            let text = format!("{shown}: `{}`: {error}", label.as_str());
            Finding::new(NAME, Verdict::Bad, text).help(help(&error))
        }
    }
}

fn query(label: &Label) -> Query {
    Query {
        fetch: Fetch::Refs(vec![label.as_str().to_owned()]),
        labels: vec![label.clone()],
    }
}

/// Why the label cannot be read; what stopped the fetch says more than that nothing is here.
fn reason(looked: Result<View, LookError>) -> Option<LookError> {
    let view = match looked {
        Ok(view) => view,
        Err(error) => return Some(error),
    };
    if let Some(Err(error)) = view.fetched {
        return Some(error);
    }
    let mut labels = view.labels.into_iter();
    labels.find_map(|(_, version)| version.err())
}

fn help(error: &LookError) -> &'static str {
    match error {
        LookError::NoSuchLabel => {
            "set spring.cloud.config.server.git.default-label to a branch or tag that is there"
        }
        LookError::Late(_) | LookError::Slow(_) => {
            "see whether this machine reaches the host, or allow more with confbus.git.deadline"
        }
        LookError::TooLarge(_) => "allow more with confbus.limits.files, file-bytes or total-bytes",
        LookError::Disk(_) => "make room, or set spring.cloud.config.server.git.basedir",
        _ => "see whether `git ls-remote` of the address works here as this user",
    }
}
