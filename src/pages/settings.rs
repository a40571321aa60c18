use askama::Template;

use super::frame::Frame;

/// What this server runs with.
#[derive(Debug, Template)]
#[template(path = "settings.html")]
pub(crate) struct SettingsPage {
    pub(crate) frame: Frame,
    /// Nothing for whoever may not know.
    pub(crate) facts: Option<SettingsFacts>,
}

/// What was said of settings.
#[derive(Debug)]
pub(crate) struct SettingsFacts {
    pub(crate) said: Vec<Said>,
    /// What counts where nothing was said.
    pub(crate) defaults: Vec<Said>,
    pub(crate) warnings: Vec<Warning>,
    /// What was opened by name, as `key=value`.
    pub(crate) opened: Vec<String>,
}

/// A setting, and where it was said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) key: String,
    /// Nothing where it may be a secret.
    pub(crate) value: Option<String>,
    pub(crate) place: String,
}

/// What is the matter with a setting.
#[derive(Debug)]
pub(crate) struct Warning {
    pub(crate) code: &'static str,
    pub(crate) place: String,
    pub(crate) problem: String,
    pub(crate) hint: Option<String>,
}

impl SettingsFacts {
    /// In one sentence.
    fn sentence(&self) -> String {
        let said = match self.said.len() {
            0 => "No setting was said; all have their defaults".to_owned(),
            1 => "1 setting was said; all others have their defaults".to_owned(),
            some => format!("{some} settings were said; all others have their defaults"),
        };
        match self.warnings.len() {
            0 => format!("{said}."),
            1 => format!("{said}. 1 needs a look."),
            some => format!("{said}. {some} need a look."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_counts_what_was_said_and_what_needs_a_look() {
        let said = || Said {
            key: "server.port".into(),
            value: Some("8888".into()),
            place: "SERVER_PORT".into(),
        };
        let warning = || Warning {
            code: "CB8003",
            place: "SERVER_PORT".into(),
            problem: "it has no effect".into(),
            hint: None,
        };
        let facts = |settings, warnings| SettingsFacts {
            said: std::iter::repeat_with(said).take(settings).collect(),
            defaults: Vec::new(),
            warnings: std::iter::repeat_with(warning).take(warnings).collect(),
            opened: Vec::new(),
        };
        let sentences = [(0, 0), (1, 1), (3, 2)].map(|(one, two)| facts(one, two).sentence());
        assert_eq!(
            sentences,
            [
                "No setting was said; all have their defaults.",
                "1 setting was said; all others have their defaults. 1 needs a look.",
                "3 settings were said; all others have their defaults. 2 need a look.",
            ]
        );
    }
}
