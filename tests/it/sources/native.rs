use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{Keeps, Source, cases::keeps_the_promises};

/// A directory that can be taken away, as a mount is.
struct Native {
    folder: TempDir,
}

keeps_the_promises!(Some(Native::start()));

impl Native {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("config")).unwrap();
        Self { folder }
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }
}

fn append(file: &Path, key: &str, value: &str) {
    let file = fs::File::options().append(true).create(true).open(file);
    writeln!(file.unwrap(), "{key}={value}").unwrap();
}

impl Source for Native {
    fn settings(&self) -> Vec<(String, String)> {
        let locations = "spring.cloud.config.server.native.search-locations";
        vec![
            ("spring.profiles.active".to_owned(), "native".to_owned()),
            (
                locations.to_owned(),
                format!("file:{}", self.config().display()),
            ),
        ]
    }

    fn put(&mut self, application: &str, profile: Option<&str>, key: &str, value: &str) {
        let file = &self.name(application, profile)[1..];
        append(&self.config().join(file), key, value);
    }

    fn put_at_v1(&mut self, application: &str, key: &str, value: &str) -> bool {
        let folder = self.config().join("v1");
        fs::create_dir_all(&folder).unwrap();
        append(&folder.join(&self.name(application, None)[1..]), key, value);
        true
    }

    fn name(&self, application: &str, profile: Option<&str>) -> String {
        let profile = profile.map_or_else(String::new, |profile| format!("-{profile}"));
        format!("/{application}{profile}.properties")
    }

    fn has_versions(&self) -> bool {
        false
    }

    fn keeps(&self) -> Keeps {
        Keeps::Everything
    }

    fn stop(&mut self) {
        fs::rename(self.config(), self.folder.path().join("away")).unwrap();
    }

    fn go_on(&mut self) {
        fs::rename(self.folder.path().join("away"), self.config()).unwrap();
    }
}
