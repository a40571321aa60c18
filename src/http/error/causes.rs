//! What becomes of the errors of other rooms.

use confbus_protocol::InvalidName;
use confbus_resolution::{ConvertError, Problem};
use http::{HeaderValue, StatusCode, header};

use super::Failure;
use crate::{
    environment_repository::FindError,
    http::{accept::V2, route::Refusal},
    metrics::Unmatched,
    vault::VaultError,
};

impl Failure {
    /// What is wrong for a plain file, where Spring answers some errors without a body and others harder.
    pub(in crate::http) fn of_a_file(error: FindError) -> Self {
        match error {
            FindError::NoSuchLabel | FindError::NotFound | FindError::Empty => {
                Self::empty(StatusCode::NOT_FOUND).because("no such label or file")
            }
            FindError::NoRepository => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR).because("the repository is not there")
            }
            FindError::Vault(error) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR).explained(error.to_string())
            }
            FindError::NoSuchCommit
            | FindError::Broken(_)
            | FindError::Wildcard(_)
            | FindError::TooLarge
            | FindError::NotYet
            | FindError::Busy
            | FindError::Lookup(_)
            | FindError::Pinned(_)
            | FindError::Staged(_) => error.into(),
        }
    }

    fn try_again(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE)
            .explained(message)
            .with(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }
}

impl From<FindError> for Failure {
    fn from(error: FindError) -> Self {
        match error {
            FindError::NoSuchLabel => Self::not_found()
                .because("no such label")
                .without(Unmatched::Label),
            FindError::NoSuchCommit => Self::new(StatusCode::INTERNAL_SERVER_ERROR)
                .because("no such commit")
                .without(Unmatched::Label),
            FindError::Wildcard(location) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR).because(format!(
                    "`*` may stand only as the last directory of a search location: {location}"
                ))
            }
            FindError::NoRepository => Self::not_found().because("the repository is not there"),
            FindError::Empty => Self::not_found()
                .because("nothing is configured under this name")
                .without(Unmatched::Application),
            FindError::NotFound => Self::not_found(),
            FindError::Broken(problems) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR).explained(told(&problems))
            }
            FindError::TooLarge => Self::new(StatusCode::INTERNAL_SERVER_ERROR)
                .explained("this is larger than what is served"),
            FindError::NotYet | FindError::Busy => {
                Self::try_again("the git repository has not answered yet; try again")
            }
            FindError::Pinned(commit) => Self::try_again(format!(
                "this is pinned to commit {}, which is not here; try again, or let it go",
                commit.short()
            )),
            FindError::Staged(commit) => Self::try_again(format!(
                "this is still given commit {}, which is not at hand yet; try again",
                commit.short()
            )),
            FindError::Vault(error @ VaultError::NoToken) => {
                Self::bad_request().explained(error.to_string())
            }
            FindError::Vault(error) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR).explained(error.to_string())
            }
            FindError::Lookup(error) if error.is_of_caller() => {
                Self::bad_request().explained(error.to_string())
            }
            FindError::Lookup(error) => Self::try_again(error.to_string()),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Name(name) => Self::bad_request()
                .because(name.to_string())
                .without(unmatched(&name)),
            Refusal::NothingThere(name) => Self::not_found()
                .because(name.to_string())
                .without(unmatched(&name)),
            Refusal::TooMany(what) => Self::bad_request()
                .explained(format!("these are more {what} than may be asked for")),
            Refusal::NoFile => Self::empty(StatusCode::NOT_FOUND),
            Refusal::NoBoolean => {
                Self::bad_request().because("`resolvePlaceholders` is neither true nor false")
            }
            Refusal::NotAcceptable => Self::not_acceptable(&format!("application/json, {V2}")),
        }
    }
}

impl From<ConvertError> for Failure {
    fn from(error: ConvertError) -> Self {
        let status = match error {
            ConvertError::Key { .. } | ConvertError::Circular { .. } => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status).because(error.to_string())
    }
}

/// The coordinate that no repository can have.
fn unmatched(name: &InvalidName) -> Unmatched {
    match name {
        InvalidName::Profile => Unmatched::Profile,
        InvalidName::Location { what } | InvalidName::Wildcard { what } if *what == "label" => {
            Unmatched::Label
        }
        _ => Unmatched::Application,
    }
}

/// All problems, one a line, each with its place and how to mend it.
fn told(problems: &[Problem]) -> String {
    let told = |problem: &Problem| match &problem.hint {
        Some(hint) => format!("{problem} (hint: {hint})"),
        None => problem.to_string(),
    };
    problems.iter().map(told).collect::<Vec<_>>().join("\n")
}
