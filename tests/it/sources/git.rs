use std::collections::BTreeMap;

use super::{Keeps, Source, cases::keeps_the_promises};
use crate::support::{ConfigRepo, GitDaemon};

/// Behind a daemon, so that it can go away.
struct Git {
    files: BTreeMap<String, String>,
    daemon: GitDaemon,
    repo: ConfigRepo,
}

keeps_the_promises!(Some(Git::start()));

impl Git {
    fn start() -> Self {
        let repo = ConfigRepo::from_sample();
        repo.push("nothing", &[("application.yml", ""), ("orders.yml", "")]);
        Self {
            files: BTreeMap::new(),
            daemon: GitDaemon::serve(&repo),
            repo,
        }
    }
}

impl Source for Git {
    fn settings(&self) -> Vec<(String, String)> {
        let below = |key: &str, value: &str| {
            (
                format!("spring.cloud.config.server.git.{key}"),
                value.to_owned(),
            )
        };
        vec![
            below("uri", &self.daemon.url()),
            below("refresh-rate", "-1"),
        ]
    }

    fn put(&mut self, application: &str, profile: Option<&str>, key: &str, value: &str) {
        let file = self.name(application, profile);
        let text = self.files.entry(file.clone()).or_default();
        *text += &format!("{key}={value}\n");
        self.repo.push("put", &[(&file[1..], text)]);
    }

    fn put_at_v1(&mut self, application: &str, key: &str, value: &str) -> bool {
        let file = self.name(application, None);
        let text = format!("{key}={value}\n");
        self.repo.push_to("v1", "put", &[(&file[1..], &text)]);
        true
    }

    fn name(&self, application: &str, profile: Option<&str>) -> String {
        let profile = profile.map_or_else(String::new, |profile| format!("-{profile}"));
        format!("/{application}{profile}.properties")
    }

    fn has_versions(&self) -> bool {
        true
    }

    fn keeps(&self) -> Keeps {
        Keeps::Everything
    }

    fn stop(&mut self) {
        self.daemon.stop();
    }

    fn go_on(&mut self) {
        self.daemon.start();
    }
}
