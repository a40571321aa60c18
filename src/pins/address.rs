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
pub(crate) const DEFAULT_PROFILE: &str = "default";
/// The longest name in an address, in bytes.
const LONGEST_NAME: usize = 256;

impl Address {
    /// Reads `orders`, `orders/dev`, `orders/dev/main` or `orders/*/main`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::split(text).checked()?.0)
    }

    fn split(text: &str) -> Self {
        let mut parts = text.splitn(3, '/').map(str::to_owned);
        let application = parts.next().unwrap_or_default();
        Self {
            application,
            profile: parts.next().filter(|profile| profile != "*"),
            label: parts.next(),
        }
    }

    /// The address as it is asked for, and the plainest request for it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn checked(self) -> Result<(Self, EnvironmentRequest), String> {
        let one_each = || std::iter::once(&self.application).chain(&self.profile);
        if !one_each().all(|name| is_one_name(name)) {
            return Err("an address is of one application and one profile or any".to_owned());
        }
        let mut all = one_each().chain(&self.label);
        if all.any(|name| name.len() > LONGEST_NAME) {
            return Err(format!("no name is longer than {LONGEST_NAME} bytes"));
        }
        let request = self.request().map_err(|error| error.to_string())?;
        let address = Self {
            application: request.application.to_string(),
            label: request.label.as_ref().map(ToString::to_string),
            ..self
        };
        Ok((address, request))
    }

    /// Whether a request, with the label that it means, asks for something that is held.
    pub(crate) fn holds(&self, request: &EnvironmentRequest) -> bool {
        let asks_label = |label| request.label.as_ref().map(Label::as_str) == Some(label);
        self.may_hold(request) && self.label.as_deref().is_none_or(asks_label)
    }

    /// The same whatever label the request means.
    pub(crate) fn may_hold(&self, request: &EnvironmentRequest) -> bool {
        let asks_profile = |profile| request.profiles.names().any(|name| name == profile);
        let mut applications = request.application.names();
        applications.any(|name| name == self.application)
            && self.profile.as_deref().is_none_or(asks_profile)
    }

    /// How much of it is said.
    pub(crate) fn specificity(&self) -> usize {
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

fn is_one_name(text: &str) -> bool {
    let has_blanks = text.trim() != text || text.chars().any(char::is_control);
    !text.is_empty() && !text.contains(',') && !has_blanks
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
        Address::split(text)
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
