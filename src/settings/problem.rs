use std::fmt;

/// The settings do not allow a start.
#[derive(Debug, thiserror::Error)]
pub struct SettingsError {
    problems: Vec<SettingsProblem>,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsProblem {
    /// `confbus.yml:3:9`, the name of a variable, or an argument; empty when nothing was said at all.
    pub place: String,
    /// What is wrong, without the value where it may be a secret.
    pub problem: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl SettingsError {
    pub(super) fn new(problems: Vec<SettingsProblem>) -> Self {
        Self { problems }
    }

    /// Every mistake found.
    #[must_use]
    pub fn problems(&self) -> &[SettingsProblem] {
        &self.problems
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
