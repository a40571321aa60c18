use std::{fmt, str::FromStr};

use crate::{Application, InvalidName, Label, Profiles};

/// Whose configuration, as people write it: `shop`, `shop/prod,eu`, `shop/prod@release/2.0`.
///
/// The first `@` ends application and profiles; what follows is the label with all its slashes. `(_)` stands for a `/` and
/// `%40` for an `@` in the name of an application or profile. Without profiles it is `default`, without a label the one that the
/// server takes for itself.
///
/// ```
/// # use confbus_protocol::Address;
/// let address: Address = "shop/prod@release/2.0".parse()?;
/// assert_eq!(address.profiles.as_str(), "prod");
/// assert_eq!(address.to_string(), "shop/prod@release/2.0");
/// # Ok::<(), confbus_protocol::InvalidAddress>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// The application, or several by comma.
    pub application: Application,
    /// The profiles, by comma.
    pub profiles: Profiles,
    /// A branch, a tag or a commit.
    pub label: Option<Label>,
}

/// Why a text is no address.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidAddress {
    /// A part is announced and not there.
    #[error("the {what} is empty; write APPLICATION[/PROFILES][@LABEL], as in shop/prod@main")]
    Empty {
        /// Which part.
        what: &'static str,
    },
    /// A second slash before the label.
    #[error(
        "there is one `/` too many before the label; write shop/prod@main, and (_) for a `/` in the name of an application"
    )]
    Slash,
    /// A part that no server would take.
    #[error(transparent)]
    Name(#[from] InvalidName),
}

/// The profile of whoever names none.
const DEFAULT_PROFILE: &str = "default";

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let (names, label) = match text.split_once('@') {
            Some((names, label)) => (names, Some(filled(label, "label")?)),
            None => (text, None),
        };
        let (application, profiles) = match names.split_once('/') {
            Some((application, profiles)) => (application, filled(profiles, "profile")?),
            None => (names, DEFAULT_PROFILE),
        };
        if profiles.contains('/') {
            return Err(InvalidAddress::Slash);
        }
        let plain = |name: &str| name.replace("%40", "@");
        Ok(Self {
            application: Application::parse(&plain(filled(application, "application")?))?,
            profiles: Profiles::parse(&plain(profiles))?,
            label: label.map(Label::parse).transpose()?,
        })
    }
}

fn filled<'t>(part: &'t str, what: &'static str) -> Result<&'t str, InvalidAddress> {
    if part.trim().is_empty() {
        return Err(InvalidAddress::Empty { what });
    }
    Ok(part)
}

/// As it is written; always with its profiles.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = |name: &str| name.replace('/', "(_)").replace('@', "%40");
        let (application, profiles) = (self.application.as_str(), self.profiles.as_str());
        write!(f, "{}/{}", escaped(application), escaped(profiles))?;
        self.label
            .iter()
            .try_for_each(|label| write!(f, "@{label}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_up_to_three_parts() {
        for (text, application, profiles, label, shown) in [
            ("shop", "shop", "default", None, "shop/default"),
            ("shop/prod,eu", "shop", "prod,eu", None, "shop/prod,eu"),
            (
                "shop@main",
                "shop",
                "default",
                Some("main"),
                "shop/default@main",
            ),
            (
                "shop/prod@release/2.0",
                "shop",
                "prod",
                Some("release/2.0"),
                "shop/prod@release/2.0",
            ),
            ("shop/p@a@b", "shop", "p", Some("a@b"), "shop/p@a@b"),
            ("a(_)b/p%40x", "a/b", "p@x", None, "a(_)b/p%40x"),
            (
                "shop/prod@4e81d07",
                "shop",
                "prod",
                Some("4e81d07"),
                "shop/prod@4e81d07",
            ),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.application.as_str(), application, "{text}");
            assert_eq!(address.profiles.as_str(), profiles, "{text}");
            assert_eq!(address.label.as_ref().map(Label::as_str), label, "{text}");
            assert_eq!(address.to_string(), shown);
            assert_eq!(shown.parse(), Ok(address));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let empty = |what| InvalidAddress::Empty { what };
        for (text, expected) in [
            ("", empty("application")),
            ("/prod", empty("application")),
            ("@main", empty("application")),
            ("shop/", empty("profile")),
            ("shop/@main", empty("profile")),
            ("shop/prod@", empty("label")),
            ("shop/prod/main", InvalidAddress::Slash),
            ("shop/pr od", InvalidAddress::Name(InvalidName::Profile)),
        ] {
            assert_eq!(text.parse::<Address>(), Err(expected), "{text}");
        }
        assert!("../x".parse::<Address>().is_err());
    }
}
