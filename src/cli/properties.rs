//! Settings among what is typed.

use clap::Args;

/// Spring's way of saying a setting on the command line: `--key=value`.
#[derive(Debug, Args)]
pub(crate) struct Properties {
    /// Any setting as --key=value, for example --spring.cloud.config.server.git.uri=https://…
    #[arg(
        value_name = "--KEY=VALUE",
        allow_hyphen_values = true,
        trailing_var_arg = true
    )]
    pub(super) arguments: Vec<String>,
}

impl Properties {
    /// Keys and values.
    pub(crate) fn pairs(&self) -> anyhow::Result<Vec<(String, String)>> {
        self.arguments
            .iter()
            .map(|argument| pair(argument))
            .collect()
    }
}

fn pair(argument: &str) -> anyhow::Result<(String, String)> {
    let property = argument
        .strip_prefix("--")
        .and_then(|rest| rest.split_once('='))
        .filter(|(key, _)| !key.is_empty());
    let (key, value) = property.ok_or_else(|| {
        anyhow::anyhow!(
            "`{}` is not a setting; write --key=value",
            argument.split('=').next().unwrap_or_default()
        )
    })?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_setting_is_refused_without_its_value() {
        let properties = Properties {
            arguments: vec!["password=s3cret".into()],
        };
        assert_eq!(
            properties.pairs().unwrap_err().to_string(),
            "`password` is not a setting; write --key=value"
        );
    }
}
