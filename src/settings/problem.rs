use std::fmt;

use crate::http;

/// What kinds of problems there are; `docs/errors` has a page for each.
pub(super) mod code {
    pub(in crate::settings) const NO_REPOSITORY: &str = "CB1001";
    pub(in crate::settings) const NOT_DECRYPTED: &str = "CB7001";
    pub(in crate::settings) const UNUSABLE_KEY: &str = "CB7002";
    pub(in crate::settings) const WEAK_SECRET: &str = "CB7003";
    pub(in crate::settings) const UNKNOWN: &str = "CB8001";
    pub(in crate::settings) const UNUSABLE: &str = "CB8002";
    pub(in crate::settings) const NO_EFFECT: &str = "CB8003";
    pub(in crate::settings) const INSECURE: &str = "CB8004";
    pub(in crate::settings) const UNSUPPORTED: &str = "CB8005";
    pub(in crate::settings) const UNREADABLE: &str = "CB8006";
}

/// The settings do not allow a start.
#[derive(Debug, thiserror::Error)]
pub struct SettingsError {
    problems: Vec<SettingsProblem>,
    warnings: Vec<SettingsProblem>,
}

/// One mistake, or what was said in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsProblem {
    /// Its kind, as `CB1001`; `docs/errors` has a page about it.
    pub code: &'static str,
    /// `confbus.yml:3:9`, the name of a variable, or an argument; empty when nothing was said at all.
    pub place: String,
    /// What is wrong, without the value where it may be a secret.
    pub problem: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl SettingsError {
    pub(super) fn new(problems: Vec<SettingsProblem>) -> Self {
        Self {
            problems,
            warnings: Vec::new(),
        }
    }

    /// With what was said in vain: it may be what was meant.
    #[must_use]
    pub(super) fn beside(self, warnings: Vec<SettingsProblem>) -> Self {
        Self { warnings, ..self }
    }

    /// Every mistake found.
    #[must_use]
    pub fn problems(&self) -> &[SettingsProblem] {
        &self.problems
    }

    /// What would have been warned about at a start.
    #[must_use]
    pub fn warnings(&self) -> &[SettingsProblem] {
        &self.warnings
    }
}

impl SettingsProblem {
    /// As the server shows it.
    pub(super) fn view(&self) -> http::WarningView {
        http::WarningView {
            code: self.code,
            from: self.place.clone(),
            problem: self.problem.clone(),
            hint: self.hint.clone(),
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.problems.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl fmt::Display for SettingsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.problem)?;
        self.hint
            .as_ref()
            .map_or(Ok(()), |hint| write!(f, "\n  hint: {hint}"))
    }
}
