use serde::Deserialize;

use super::{WaveError, line::Line};
use crate::pins::{Address, one_line};

/// What somebody decides about the waves of an address, and makes sense.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) address: Address,
    pub(super) decision: Decision,
    pub(super) reason: Option<String>,
}

/// How a wave ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Everybody gets its commit.
    Promote,
    /// Nobody does.
    Abort,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    application: String,
    profile: Option<String>,
    label: Option<String>,
    reason: Option<String>,
}

impl Wish {
    /// Reads `{"application": "orders", "profile": "prod", "label": "main", "reason": "INC-812"}`; all but the application may
    /// be left out.
    ///
    /// # Errors
    /// [`WaveError::Invalid`] with what is wrong.
    pub(crate) fn from_json(body: &[u8], decision: Decision) -> Result<Self, WaveError> {
        let Body {
            application,
            profile,
            label,
            reason,
        } = serde_json::from_slice(body)
            .map_err(|error| WaveError::Invalid(format!("this names no wave: {error}")))?;
        let address = Address {
            application,
            profile,
            label,
        };
        let (address, _) = address.checked().map_err(WaveError::Invalid)?;
        let reason = one_line(reason.as_deref().unwrap_or_default());
        Ok(Self {
            address,
            decision,
            reason: reason.map_err(WaveError::Invalid)?,
        })
    }

    /// Whether a wave is meant: those of its rule's address, or of its branch where that names one.
    pub(super) fn is_about(&self, line: &Line) -> bool {
        let of_rule = &line.rule.address;
        let label = self.address.label.as_deref();
        of_rule.application == self.address.application
            && of_rule.profile == self.address.profile
            && label.is_none_or(|label| {
                of_rule.label.as_deref() == Some(label) || line.course.label == label
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (body, problem) in [
            ("{", "names no wave"),
            (r#"{"application": "a,b"}"#, "one application"),
            (r#"{"application": "a", "reason": "b\nc"}"#, "not one line"),
            (r#"{"application": "a", "label": "../x"}"#, "`..`"),
            (r#"{"application": "a", "commit": "x"}"#, "unknown field"),
        ] {
            let said = Wish::from_json(body.as_bytes(), Decision::Abort).unwrap_err();
            assert!(said.to_string().contains(problem), "{said}");
        }
        let wish = Wish::from_json(br#"{"application": "a"}"#, Decision::Promote).unwrap();
        assert_eq!(wish.reason, None);
    }
}
