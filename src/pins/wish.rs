use confbus_protocol::{CommitId, Label};
use confbus_resolution::EnvironmentRequest;
use serde::Deserialize;

use super::{Address, Pin, PinError, now};
use crate::look::Refs;

/// The longest reason, in characters.
const LONGEST_REASON: usize = 300;
/// Four hours: through a night on call, and not into the next week.
const USUAL_SECONDS: u64 = 4 * 60 * 60;
/// Thirty days; what is to hold longer belongs into Git.
const LONGEST_SECONDS: u64 = 30 * 24 * 60 * 60;

/// What somebody wants to be held, and makes sense.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) address: Address,
    /// The plainest request for the address.
    pub(crate) request: EnvironmentRequest,
    /// At least the first seven digits.
    pub(crate) commit: Label,
    reason: String,
    seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    application: String,
    profile: Option<String>,
    label: Option<String>,
    commit: String,
    reason: String,
    for_seconds: Option<u64>,
}

impl Wish {
    /// Reads `{"application": "orders", "profile": "prod", "label": "main", "commit": "4e81d07", "reason": "INC-812",
    /// "for_seconds": 14400}`; profile, label and time may be left out.
    ///
    /// # Errors
    /// [`PinError::Invalid`] with what is wrong.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, PinError> {
        let body: Body = serde_json::from_slice(body)
            .map_err(|error| PinError::Invalid(format!("this is no pin: {error}")))?;
        let address = Address {
            application: body.application,
            profile: body.profile,
            label: body.label,
        };
        let (address, request) = address.checked().map_err(PinError::Invalid)?;
        Ok(Self {
            address,
            request,
            commit: commit(&body.commit)?,
            reason: reason(&body.reason)?,
            seconds: seconds(body.for_seconds)?,
        })
    }

    /// The pin, from now on, with what was found to hold.
    pub(crate) fn pin(self, repository: String, commit: CommitId, by: String) -> Pin {
        let since = now();
        // Bounded, so it is far from the end of time.
        let milliseconds = i64::try_from(self.seconds * 1000).unwrap_or_default();
        Pin {
            id: uuid::Uuid::new_v4().to_string(),
            address: self.address,
            repository,
            commit,
            reason: self.reason,
            by,
            since,
            until: since.saturating_add(milliseconds),
        }
    }
}

fn invalid<T>(problem: impl Into<String>) -> Result<T, PinError> {
    Err(PinError::Invalid(problem.into()))
}

fn commit(text: &str) -> Result<Label, PinError> {
    match Label::parse(text) {
        Ok(label) if Refs::may_be_commit(&label) => Ok(label),
        _ => invalid("`commit` is no commit id: 7 to 40 hex digits"),
    }
}

fn reason(text: &str) -> Result<String, PinError> {
    match one_line(text).map_err(PinError::Invalid)? {
        Some(reason) => Ok(reason),
        None => invalid("a pin needs a reason"),
    }
}

/// A reason that somebody gives; `None` where it says nothing.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn one_line(text: &str) -> Result<Option<String>, String> {
    let text = text.trim();
    if text.chars().count() > LONGEST_REASON || text.chars().any(char::is_control) {
        return Err(format!(
            "the reason is not one line of up to {LONGEST_REASON} characters"
        ));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn seconds(given: Option<u64>) -> Result<u64, PinError> {
    match given.unwrap_or(USUAL_SECONDS) {
        seconds @ 1..=LONGEST_SECONDS => Ok(seconds),
        _ => invalid(format!(
            "`for_seconds` is not between 1 and {LONGEST_SECONDS}, which are thirty days"
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn body(changes: Value) -> Vec<u8> {
        let mut body =
            json!({ "application": "orders", "commit": "4e81d07", "reason": " INC-812 " });
        for (key, value) in changes.as_object().unwrap() {
            body[key] = value.clone();
        }
        body.to_string().into_bytes()
    }

    #[test]
    fn little_is_enough() {
        let wish = Wish::from_json(&body(json!({ "label": "feature(_)x" }))).unwrap();
        assert_eq!(wish.request.profiles.as_str(), "default");
        let pin = wish.pin("repo".into(), CommitId::from_bytes([1; 20]), "jo".into());
        assert_eq!(pin.address.to_string(), "orders/*/feature/x");
        assert_eq!(pin.reason, "INC-812");
        assert_eq!(pin.until - pin.since, 4 * 60 * 60 * 1000);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (changes, problem) in [
            (json!({ "reason": " " }), "needs a reason"),
            (json!({ "reason": "a\nb" }), "not one line"),
            (json!({ "reason": "x".repeat(301) }), "not one line"),
            (json!({ "reason": null }), "no pin: invalid type"),
            (json!({ "commit": "4e81d0" }), "no commit id"),
            (json!({ "commit": "main" }), "no commit id"),
            (
                json!({ "application": "orders,billing" }),
                "one application",
            ),
            (json!({ "application": "" }), "one application"),
            (json!({ "application": "*" }), "`*`"),
            (json!({ "profile": "dev,cloud" }), "one profile"),
            (json!({ "profile": "-" }), "a profile is made of"),
            (json!({ "label": "../x" }), "`..`"),
            (json!({ "label": "x".repeat(257) }), "no name is longer"),
            (json!({ "for_seconds": 0 }), "`for_seconds`"),
            (
                json!({ "for_seconds": LONGEST_SECONDS + 1 }),
                "`for_seconds`",
            ),
            (json!({ "for_second": 5 }), "unknown field `for_second`"),
        ] {
            let said = Wish::from_json(&body(changes)).unwrap_err().to_string();
            assert!(said.contains(problem), "{said}");
        }
        assert!(Wish::from_json(b"{").is_err());
    }
}
