use serde::{Deserialize, Serialize};

use crate::BusId;

/// Where an instance posts its [`Report`]s, below the address of the server.
pub const REPORTS_PATH: &str = "confbus/reports";

/// The request header in which an instance names itself by its bus id when it asks for its configuration.
pub const INSTANCE_HEADER: &str = "x-config-instance";

/// The request header in which an instance names the version that it runs.
pub const RUNNING_HEADER: &str = "x-config-running";

/// The longest [`Report`] that is read, in bytes.
pub const LONGEST_REPORT: usize = 4 * 1024;

/// Versions and labels are shorter than this, in bytes.
const LONGEST_TEXT: usize = 512;

/// The longest reason, in bytes; a longer one is cut.
const LONGEST_REASON: usize = 1024;

/// The most keys that are named as waiting for a restart.
const MAX_RESTART_KEYS: usize = 16;

/// What an instance made of a version of its configuration: keys, places and
/// reasons, with no value whose key looks secret.
///
/// ```
/// use confbus_protocol::{BusId, Outcome, Report};
/// let report = Report {
///     instance: BusId::new("orders:dev:8081:48fcd10b")?,
///     application: "orders".into(),
///     profiles: "dev".into(),
///     label: None,
///     version: Some("b81d3ce".into()),
///     running: Some("9f2c1ab".into()),
///     outcome: Outcome::Rejected { reason: "`pool.max`: at least 1 (orders.yml:9:8)".into() },
///     transport: None,
///     poll_seconds: Some(30),
/// };
/// assert_eq!(Report::from_json(&report.to_json())?, report);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Who says it.
    pub instance: BusId,
    /// Whose configuration it asked for; by comma, when it asked for several.
    pub application: String,
    /// Under which profiles, by comma.
    pub profiles: String,
    /// Under which label, when it asked for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The version this is about; `None` when the server named none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The version that runs now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<String>,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How the instance hears of changes: `stream`, `amqp` or `poll`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    /// How often the instance asks without being told, in seconds; `None` when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_seconds: Option<u32>,
}

/// What became of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "camelCase")]
pub enum Outcome {
    /// It runs.
    Applied {
        /// The keys that it changes only with the next start.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        restart: Vec<String>,
    },
    /// It was refused; what ran before still runs.
    Rejected {
        /// Which key, why, and where it is written.
        reason: String,
    },
    /// It is about none: the instance ends, and is not to be waited for. Servers that do not know this answer 400.
    Leaving,
}

/// The body is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Longer than [`LONGEST_REPORT`].
    #[error("a report has at most {LONGEST_REPORT} bytes")]
    TooLong,
    /// Not JSON, or without what a report needs.
    #[error("not a report (line {line}, column {column})")]
    Json {
        /// Line at which reading stopped, from 1; 0 when a text as a whole was wrong.
        line: usize,
        /// Column at which reading stopped.
        column: usize,
    },
    /// A text that cannot be right.
    #[error("`{0}` is longer than {LONGEST_TEXT} bytes")]
    LongText(&'static str),
}

impl Report {
    /// The JSON body, never longer than [`LONGEST_REPORT`]: the reason is cut, and only the first keys are named.
    ///
    /// # Panics
    /// Never: text and numbers always have a JSON form.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut short = self.clone();
        match &mut short.outcome {
            Outcome::Rejected { reason } => {
                let mut end = LONGEST_REASON.min(reason.len());
                while !reason.is_char_boundary(end) {
                    end -= 1;
                }
                reason.truncate(end);
            }
            Outcome::Applied { restart } => {
                restart.retain(|key| key.len() <= LONGEST_TEXT / 4);
                restart.truncate(MAX_RESTART_KEYS);
            }
            Outcome::Leaving => {}
        }
        serde_json::to_vec(&short).expect("text and numbers always serialise")
    }

    /// Reads a body; keys that are not known do not matter.
    ///
    /// # Errors
    /// [`ReportError`], which never quotes the body.
    pub fn from_json(body: &[u8]) -> Result<Self, ReportError> {
        if body.len() > LONGEST_REPORT {
            return Err(ReportError::TooLong);
        }
        let report: Self = serde_json::from_slice(body).map_err(|error| {
            // Its own words quote the text.
            ReportError::Json {
                line: error.line(),
                column: error.column(),
            }
        })?;
        let texts = [
            ("instance", Some(report.instance.as_str())),
            ("application", Some(report.application.as_str())),
            ("profiles", Some(report.profiles.as_str())),
            ("label", report.label.as_deref()),
            ("version", report.version.as_deref()),
            ("running", report.running.as_deref()),
            ("transport", report.transport.as_deref()),
        ];
        let too_long = texts
            .into_iter()
            .find(|(_, text)| text.is_some_and(|text| text.len() > LONGEST_TEXT));
        match too_long {
            Some((name, _)) => Err(ReportError::LongText(name)),
            None => Ok(report),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcome: Outcome) -> Report {
        Report {
            instance: BusId::new("orders:8081:ab12").unwrap(),
            application: "orders".into(),
            profiles: "dev".into(),
            label: Some("main".into()),
            version: Some("c2".into()),
            running: Some("c2".into()),
            outcome,
            transport: Some("stream".into()),
            poll_seconds: Some(30),
        }
    }

    #[test]
    fn each_outcome_has_its_own_keys() {
        let json = |outcome| String::from_utf8(report(outcome).to_json()).unwrap();
        let head = r#"{"instance":"orders:8081:ab12","application":"orders","profiles":"dev","label":"main","version":"c2","running":"c2","#;
        let tail = r#","transport":"stream","pollSeconds":30}"#;
        assert_eq!(
            json(Outcome::Applied {
                restart: Vec::new()
            }),
            format!(r#"{head}"outcome":"applied"{tail}"#)
        );
        assert_eq!(
            json(Outcome::Applied {
                restart: vec!["server.port".into()]
            }),
            format!(r#"{head}"outcome":"applied","restart":["server.port"]{tail}"#)
        );
        assert_eq!(
            json(Outcome::Rejected {
                reason: "why".into()
            }),
            format!(r#"{head}"outcome":"rejected","reason":"why"{tail}"#)
        );
        let leaving = json(Outcome::Leaving);
        assert_eq!(leaving, format!(r#"{head}"outcome":"leaving"{tail}"#));
        let read = Report::from_json(leaving.as_bytes()).unwrap();
        assert_eq!(read, report(Outcome::Leaving));
    }

    #[test]
    fn a_report_of_any_size_can_be_read() {
        let long = report(Outcome::Rejected {
            reason: "ü".repeat(5000),
        });
        let read = Report::from_json(&long.to_json()).unwrap();
        assert_eq!(
            read.outcome,
            Outcome::Rejected {
                reason: "ü".repeat(512)
            }
        );

        let many = report(Outcome::Applied {
            restart: vec!["k".repeat(128); 100],
        });
        let Outcome::Applied { restart } = Report::from_json(&many.to_json()).unwrap().outcome
        else {
            panic!("another outcome")
        };
        assert_eq!(restart.len(), MAX_RESTART_KEYS);
    }

    #[test]
    fn what_is_no_report_is_refused_and_not_quoted() {
        let valid = String::from_utf8(
            report(Outcome::Applied {
                restart: Vec::new(),
            })
            .to_json(),
        )
        .unwrap();
        for wrong in [
            String::new(),
            "s3cret".into(),
            "[]".into(),
            valid.replace("applied", "s3cret"),
            valid.replace("orders:8081:ab12", "s3cret:**"),
            valid.replace("\"c2\"", &format!("\"{}\"", "s3cret".repeat(100))),
            " ".repeat(LONGEST_REPORT + 1),
        ] {
            let error = Report::from_json(wrong.as_bytes()).unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
        assert!(Report::from_json(valid.replace("{\"i", "{\"new\":1,\"i").as_bytes()).is_ok());
    }
}
