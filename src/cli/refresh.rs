use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::{
    ServersArgs,
    complete::addresses,
    pin::{address, time},
};

#[derive(Debug, Args)]
pub(crate) struct RefreshArgs {
    /// APPLICATION[/PROFILES], or a destination of Spring as `orders:**` [default: everyone]
    #[arg(value_name = "ADDRESS | DESTINATION", value_parser = Target::parse, add = ArgValueCompleter::new(addresses))]
    pub(crate) target: Option<Target>,
    /// Wait until everybody who was told has answered.
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long to wait.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = time, requires = "wait")]
    pub(crate) timeout: Duration,
    /// One JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) servers: ServersArgs,
}

/// Whom to tell, as Spring's destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target(pub(crate) String);

impl Target {
    fn parse(text: &str) -> Result<Self, String> {
        if text.contains([':', '*']) {
            return Ok(Self(text.to_owned()));
        }
        if text.contains('@') {
            return Err("a refresh is for all labels: leave out `@` and what follows".to_owned());
        }
        match address(text) {
            Some((application, None, None)) => Ok(Self(format!("{application}:**"))),
            Some((application, Some(profiles), None)) => {
                Ok(Self(format!("{application}:{profiles}:**")))
            }
            _ => Err("write APPLICATION, APPLICATION/PROFILES or a destination".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_destination() {
        for (text, destination) in [
            ("orders", "orders:**"),
            ("orders/dev", "orders:dev:**"),
            ("orders/dev,eu", "orders:dev,eu:**"),
            ("orders:dev:8081", "orders:dev:8081"),
            ("orders:**", "orders:**"),
            ("*", "*"),
        ] {
            assert_eq!(
                Target::parse(text),
                Ok(Target(destination.into())),
                "{text}"
            );
        }
        for wrong in ["", "orders/", "orders/dev/main", "orders/dev@main"] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }
}
