//! What a server's settings file says about the world it runs in.

use anyhow::{Context as _, bail};

/// What a server's settings file says to us in its comments.
#[derive(Default)]
pub(crate) struct Directives {
    /// Repositories under names of their own: name and fixture.
    pub(crate) place: Vec<(String, String)>,
    /// The working directory.
    pub(crate) cwd: Option<String>,
    /// Environment variables.
    pub(crate) variables: Vec<(String, String)>,
    /// What repositories over HTTP want.
    pub(crate) login: Option<(String, String)>,
}

impl Directives {
    pub(crate) fn in_text(settings: &str) -> anyhow::Result<Self> {
        let mut directives = Self::default();
        for comment in settings.lines().filter_map(|line| line.strip_prefix("# @")) {
            let (name, value) = comment
                .split_once(' ')
                .context("a directive without a value")?;
            match name {
                "place" => directives.place = pairs(value, ',', '=')?,
                "variable" => directives.variables = pairs(value, ',', '=')?,
                "login" => directives.login = pairs(value, ',', ' ')?.pop(),
                "cwd" => directives.cwd = Some(value.to_owned()),
                _ => bail!("unknown directive `{name}`"),
            }
        }
        Ok(directives)
    }
}

fn pairs(text: &str, between: char, within: char) -> anyhow::Result<Vec<(String, String)>> {
    let pair = |item: &str| {
        let (name, value) = item
            .trim()
            .split_once(within)
            .with_context(|| format!("no pair: `{item}`"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    text.split(between).map(pair).collect()
}
