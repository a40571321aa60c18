use clap::{Args, Subcommand};

use super::{ServersArgs, pin::address};

#[derive(Debug, Args)]
pub(crate) struct WaveArgs {
    #[command(subcommand)]
    pub(crate) command: WaveCommand,
    /// One JSON object a line, for each server.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WaveCommand {
    /// Show what is under way or stands still.
    List {
        #[command(flatten)]
        servers: ServersArgs,
    },
    /// Give everybody the commit that is on its way, or that was rejected.
    Promote(DecisionArgs),
    /// Give nobody the commit that is on its way; a newer one begins anew.
    Abort(DecisionArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DecisionArgs {
    /// APPLICATION[/PROFILE[/LABEL]] as the settings name it; * is any profile.
    #[arg(value_name = "ADDRESS", value_parser = Waved::parse)]
    pub(crate) address: Waved,
    /// Why: stands in the log, and with a wave that is aborted.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) servers: ServersArgs,
}

/// The address whose waves are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waved {
    pub(crate) application: String,
    pub(crate) profile: Option<String>,
    pub(crate) label: Option<String>,
}

impl Waved {
    fn parse(text: &str) -> Result<Self, String> {
        let (application, profile, label) = address(text)
            .ok_or("write APPLICATION, APPLICATION/PROFILE or APPLICATION/PROFILE/LABEL")?;
        Ok(Self {
            application,
            profile,
            label,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_waves() {
        let waved = Waved::parse("shop/*/a/b").unwrap();
        assert_eq!((waved.profile, waved.label), (None, Some("a/b".into())));
        assert!(Waved::parse("shop/").is_err());
    }
}
