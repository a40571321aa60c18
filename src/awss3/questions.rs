use confbus_resolution::EnvironmentRequest;

use crate::lookups::LookupError;

/// Files that one request may have asked for, by their names without extension; people have a handful of profiles.
const MOST_QUESTIONS: usize = 100;

/// The application whose files all others share, and the name of files in folders.
const SHARED: &str = "application";

/// The extensions of one file; the first that is there counts.
pub(super) const EXTENSIONS: [&str; 4] = ["properties", "json", "yml", "yaml"];

/// How files are named.
#[derive(Debug, Clone, Copy)]
pub(super) struct Naming {
    pub(super) has_folders: bool,
}

/// A file, and what of it is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// Where it is, but for its extension.
    pub(super) stem: String,
    /// That of its source, but for the profile.
    name: String,
    pub(super) profile: String,
    pub(super) part: Part,
}

/// What a file is to a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Its own.
    Own,
    /// Everybody's, in which some documents may be for it alone.
    Common,
}

impl Question {
    pub(super) fn keys(&self) -> impl Iterator<Item = String> {
        EXTENSIONS.iter().map(|end| format!("{}.{end}", self.stem))
    }

    /// The name of what is there for the profile alone.
    pub(super) fn name_of_profile(&self) -> String {
        format!("s3:{}-{}", self.name, self.profile)
    }

    /// The name of the file's own source.
    pub(super) fn name(&self) -> String {
        match self.part {
            Part::Own => self.name_of_profile(),
            Part::Common => format!("s3:{}", self.name),
        }
    }
}

impl Naming {
    /// The strongest first, as in Spring: the last label counts most, then the first profile, then the last application. What
    /// is everybody's comes once for each profile.
    pub(super) fn questions(
        self,
        request: &EnvironmentRequest,
    ) -> Result<Vec<Question>, LookupError> {
        let mut applications: Vec<_> = request.application.as_str().split(',').rev().collect();
        if !applications.contains(&SHARED) {
            applications.push(SHARED);
        }
        let profiles = request.profiles.as_str().split(',');
        let labels = request.label.as_ref().map_or("", |label| label.as_str());
        let labels = labels.split(',').rev();
        let parts = [Part::Own, Part::Common];
        let count = labels.clone().count() * profiles.clone().count() * applications.len();
        if count * parts.len() > MOST_QUESTIONS {
            return Err(LookupError::TooManyQuestions(MOST_QUESTIONS));
        }
        let mut questions = Vec::new();
        for part in parts {
            for label in labels.clone() {
                for profile in profiles.clone() {
                    let all = applications.iter();
                    questions.extend(all.map(|name| self.question(label, name, profile, part)));
                }
            }
        }
        Ok(questions)
    }

    fn question(self, label: &str, application: &str, profile: &str, part: Part) -> Question {
        let name = if self.has_folders {
            format!("{application}/{SHARED}")
        } else {
            application.to_owned()
        };
        let below = if label.is_empty() { "" } else { "/" };
        let stem = match part {
            Part::Own => format!("{label}{below}{name}-{profile}"),
            Part::Common => format!("{label}{below}{name}"),
        };
        Question {
            stem,
            name,
            profile: profile.to_owned(),
            part,
        }
    }
}

#[cfg(test)]
mod tests {
    use confbus_protocol::{Application, Label, Profiles};

    use super::*;

    fn asked(has_folders: bool, application: &str, profiles: &str, label: Option<&str>) -> String {
        let request = EnvironmentRequest {
            application: Application::parse(application).unwrap(),
            profiles: Profiles::parse(profiles).unwrap(),
            label: label.map(|label| Label::parse(label).unwrap()),
        };
        let questions = Naming { has_folders }.questions(&request);
        questions.map_or_else(
            |error| error.to_string(),
            |questions| {
                let stems = questions.iter().map(|one| one.stem.clone());
                stems.collect::<Vec<_>>().join(" ")
            },
        )
    }

    #[test]
    fn the_last_label_counts_most_then_the_first_profile_then_the_last_application() {
        assert_eq!(
            asked(false, "a", "dev,qa", None),
            "a-dev application-dev a-qa application-qa a application a application"
        );
        assert_eq!(
            asked(false, "a,b", "dev", Some("one,two")),
            "two/b-dev two/a-dev two/application-dev one/b-dev one/a-dev one/application-dev \
             two/b two/a two/application one/b one/a one/application"
        );
        assert_eq!(
            asked(false, "application", "default", None),
            "application-default application"
        );
    }

    #[test]
    fn files_may_be_in_folders_of_applications() {
        assert_eq!(
            asked(true, "a", "dev", Some("v1")),
            "v1/a/application-dev v1/application/application-dev v1/a/application v1/application/application"
        );
    }

    #[test]
    fn they_are_bounded() {
        let many = |count: usize| vec!["p"; count].join(",");
        let most = asked(false, "a", &many(25), None);
        assert_eq!(most.split(' ').count(), MOST_QUESTIONS);
        let more = asked(false, "a", &many(26), None);
        assert!(more.contains("more than 100 questions"), "{more}");
    }
}
