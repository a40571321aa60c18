use std::fmt;

use confbus_protocol::{Application, InvalidName, Label, Profiles};
use confbus_resolution::EnvironmentRequest;
use serde::{Deserialize, Serialize};

/// Whose configuration a pin holds; what is left out is any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) application: String,
    pub(crate) profile: Option<String>,
    pub(crate) label: Option<String>,
}

/// The profile of an application that names none.
const DEFAULT_PROFILE: &str = "default";

impl Address {
    /// Whether a request, with the label that it means, asks for something that is held.
    pub(super) fn holds(&self, request: &EnvironmentRequest) -> bool {
        let asks_profile = |profile| request.profiles.names().any(|name| name == profile);
        let asks_label = |label| request.label.as_ref().map(Label::as_str) == Some(label);
        let mut applications = request.application.names();
        applications.any(|name| name == self.application)
            && self.profile.as_deref().is_none_or(asks_profile)
            && self.label.as_deref().is_none_or(asks_label)
    }

    /// How much of it is said.
    pub(super) fn specificity(&self) -> usize {
        [&self.profile, &self.label].into_iter().flatten().count()
    }

    /// The plainest request for it.
    ///
    /// # Errors
    /// [`InvalidName`] when it can be nobody's address.
    pub(crate) fn request(&self) -> Result<EnvironmentRequest, InvalidName> {
        Ok(EnvironmentRequest {
            application: Application::parse(&self.application)?,
            profiles: Profiles::parse(self.profile.as_deref().unwrap_or(DEFAULT_PROFILE))?,
            label: self.label.as_deref().map(Label::parse).transpose()?,
        })
    }
}

/// `orders`, `orders/dev`, `orders/dev/main` or `orders/*/main`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.application)?;
        match (&self.profile, &self.label) {
            (None, None) => Ok(()),
            (Some(profile), None) => write!(f, "/{profile}"),
            (profile, Some(label)) => {
                write!(f, "/{}/{label}", profile.as_deref().unwrap_or("*"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        let mut parts = text.splitn(3, '/');
        let application = parts.next().unwrap_or_default().to_owned();
        let mut next = || parts.next().filter(|part| *part != "*").map(str::to_owned);
        Address {
            application,
            profile: next(),
            label: next(),
        }
    }

    #[test]
    fn what_is_left_out_is_any() {
        for (held, asked, expected) in [
            ("orders", "orders/dev/main", true),
            ("orders", "billing,orders/dev,cloud/main", true),
            ("orders", "orders-eu/dev/main", false),
            ("orders/dev", "orders/dev/main", true),
            ("orders/dev", "orders/cloud,dev/feature/x", true),
            ("orders/dev", "orders/prod/main", false),
            ("orders/*/main", "orders/prod/main", true),
            ("orders/*/main", "orders/prod/feature/x", false),
            ("orders/dev/feature/x", "orders/dev/feature/x", true),
            ("orders/dev/feature/x", "orders/dev/main", false),
        ] {
            let request = address(asked).request().unwrap();
            assert_eq!(address(held).holds(&request), expected, "{held} {asked}");
        }
    }

    #[test]
    fn an_address_is_shown_as_it_is_typed() {
        for text in [
            "orders",
            "orders/dev",
            "orders/dev/feature/x",
            "orders/*/main",
        ] {
            assert_eq!(address(text).to_string(), text);
        }
    }
}
