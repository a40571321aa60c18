use confbus_protocol::Label;
use confbus_resolution::EnvironmentRequest;

use crate::lookups::LookupError;

/// Queries that one request may make; people have a handful of profiles.
const MOST_QUESTIONS: usize = 100;

/// The application whose rows all others share.
const SHARED: &str = "application";

/// How rows are named.
#[derive(Debug, Clone)]
pub(super) struct Naming {
    /// The label of requests that have none.
    pub(super) default_label: Label,
    /// Rows without a profile are for everybody; else those of the profile `default` are.
    pub(super) rows_without_profile: bool,
}

/// What one query asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    application: String,
    pub(super) profile: Option<String>,
    label: String,
}

impl Question {
    /// That of its source.
    pub(super) fn name(&self) -> String {
        match &self.profile {
            Some(profile) => format!("{}-{profile}", self.application),
            None => self.application.clone(),
        }
    }

    /// What stands for the placeholders, in order.
    pub(super) fn texts(&self) -> Vec<&str> {
        let profile = self.profile.as_deref();
        let texts = [Some(&*self.application), profile, Some(&*self.label)];
        texts.into_iter().flatten().collect()
    }
}

/// The strongest first, as in Spring: the last label counts most, then the last profile, then the last application.
pub(super) fn questions(
    naming: &Naming,
    request: &EnvironmentRequest,
) -> Result<Vec<Question>, LookupError> {
    let application = request.application.as_str();
    // Spring looks only at how the text begins: `applications` shares nothing.
    let shared = (!application.starts_with(SHARED)).then_some(SHARED);
    let applications = each_once(shared, application);
    let profiles = request.profiles.as_str();
    let is_old = !naming.rows_without_profile && !profiles.starts_with("default");
    let profiles = each_once(is_old.then_some("default"), profiles);
    let label = request.label.as_ref().unwrap_or(&naming.default_label);
    let labels: Vec<_> = label.as_str().split(',').rev().collect();
    let profiles = profiles.into_iter().map(Some);
    let profiles: Vec<_> = profiles
        .chain(naming.rows_without_profile.then_some(None))
        .collect();
    if labels.len() * profiles.len() * applications.len() > MOST_QUESTIONS {
        return Err(LookupError::TooManyQuestions(MOST_QUESTIONS));
    }
    let mut questions = Vec::new();
    for label in labels {
        for profile in &profiles {
            questions.extend(applications.iter().map(|application| Question {
                application: (*application).to_owned(),
                profile: profile.map(str::to_owned),
                label: label.to_owned(),
            }));
        }
    }
    Ok(questions)
}

/// The items of a comma list, the last first, each at its first place, and what is put in front of the list.
fn each_once<'a>(first: Option<&'a str>, list: &'a str) -> Vec<&'a str> {
    let mut items = Vec::new();
    for item in first.into_iter().chain(list.split(',')) {
        if !items.contains(&item) {
            items.push(item);
        }
        // More are refused anyway, and looking through them all would take long.
        if items.len() > MOST_QUESTIONS {
            break;
        }
    }
    items.reverse();
    items
}

#[cfg(test)]
mod tests {
    use confbus_protocol::{Application, Profiles};

    use super::*;

    fn asked(
        rows_without_profile: bool,
        application: &str,
        profiles: &str,
        label: Option<&str>,
    ) -> String {
        let naming = Naming {
            default_label: Label::parse("master").unwrap(),
            rows_without_profile,
        };
        let request = EnvironmentRequest {
            application: Application::parse(application).unwrap(),
            profiles: Profiles::parse(profiles).unwrap(),
            label: label.map(|label| Label::parse(label).unwrap()),
        };
        match questions(&naming, &request) {
            Ok(questions) => {
                let shown = questions.iter();
                let shown = shown.map(|one| format!("{}@{}", one.name(), one.label));
                shown
                    .collect::<Vec<_>>()
                    .join(" ")
                    .replace("application", "A")
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_strongest_is_asked_for_first() {
        let check = |application, profiles, label, expected: &str| {
            assert_eq!(asked(true, application, profiles, label), expected);
        };
        check(
            "a",
            "default",
            None,
            "a-default@master A-default@master a@master A@master",
        );
        check(
            "a,b",
            "p,q",
            Some("v"),
            "b-q@v a-q@v A-q@v b-p@v a-p@v A-p@v b@v a@v A@v",
        );
        check(
            "a",
            "p",
            Some("v,w"),
            "a-p@w A-p@w a@w A@w a-p@v A-p@v a@v A@v",
        );
        check("application", "p,p", None, "A-p@master A@master");
        check("applications", "p", None, "As-p@master As@master");
    }

    #[test]
    fn with_one_statement_of_ones_own_the_profile_default_is_everybodys() {
        let check = |profiles, expected: &str| {
            assert_eq!(asked(false, "a", profiles, Some("v")), expected);
        };
        check("p", "a-p@v A-p@v a-default@v A-default@v");
        check("default", "a-default@v A-default@v");
        check("defaults", "a-defaults@v A-defaults@v");
    }

    #[test]
    fn questions_are_bounded() {
        let many: Vec<_> = (0..50).map(|number| number.to_string()).collect();
        let told = "applications, profiles and labels make more than 100 questions";
        assert_eq!(asked(true, "a", &many.join(","), None), told);
        let fits = asked(true, "a", &many[..49].join(","), None);
        assert_eq!(fits.split(' ').count(), 100);
    }
}
