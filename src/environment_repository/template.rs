use confbus_protocol::Label;
use confbus_resolution::EnvironmentRequest;
use secrecy::{ExposeSecret as _, SecretString};

use super::Pattern;

/// The address of a repository, which may hold `{application}`, `{profile}` and `{label}`.
///
/// An address may hold credentials.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    uri: SecretString,
    /// What may be filled in; anything that is a name where nothing is listed.
    allowed: Vec<Pattern>,
}

const PLACEHOLDERS: [&str; 3] = ["{application}", "{profile}", "{label}"];

impl Template {
    pub(crate) fn new(uri: impl Into<SecretString>) -> Self {
        Self {
            uri: uri.into(),
            allowed: Vec::new(),
        }
    }

    /// Lets nothing be filled in but what fits one of these.
    pub(crate) fn only(self, allowed: Vec<Pattern>) -> Self {
        Self { allowed, ..self }
    }

    /// Without placeholders it is the address of one repository.
    pub(crate) fn has_placeholders(&self) -> bool {
        Self::holds(self.as_str())
    }

    pub(super) fn has_profile(&self) -> bool {
        self.as_str().contains("{profile}")
    }

    /// Whoever asks would choose the host that our login goes to.
    pub(crate) fn lets_requests_choose_host(&self) -> bool {
        let after_scheme = self.as_str().split_once("://").map(|(_, rest)| rest);
        let end: &[char] = if after_scheme.is_some() {
            &['/']
        } else {
            &['/', ':']
        };
        let host = after_scheme.unwrap_or(self.as_str()).split(end).next();
        host.is_some_and(Self::holds)
    }

    fn holds(text: &str) -> bool {
        PLACEHOLDERS
            .iter()
            .any(|placeholder| text.contains(placeholder))
    }

    /// As written; only without placeholders this is an address.
    pub(crate) fn as_str(&self) -> &str {
        self.uri.expose_secret()
    }

    /// The address for a request; `profile` is all of its profiles, or one of them. `None` for names that would be more in
    /// it than names: a query, a port, an escape, a sign of some shell; and for those that are not allowed.
    pub(super) fn fill_in(
        &self,
        request: &EnvironmentRequest,
        profile: &str,
        label: &Label,
    ) -> Option<String> {
        let mut address = self.as_str().to_owned();
        for (placeholder, name) in
            PLACEHOLDERS
                .into_iter()
                .zip([request.application.as_str(), profile, label.as_str()])
        {
            if !address.contains(placeholder) {
                continue;
            }
            if !name.chars().all(is_plain) || !self.allows(name) {
                return None;
            }
            address = address.replace(placeholder, name);
        }
        Some(address)
    }

    fn allows(&self, name: &str) -> bool {
        self.allowed.is_empty() || self.allowed.iter().any(|pattern| pattern.matches(name))
    }
}

fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '@' | '/' | ',' | '~')
}

#[cfg(test)]
mod tests {
    use confbus_protocol::{Application, Profiles};

    use super::*;

    #[test]
    fn placeholders_are_filled_in() {
        let request = EnvironmentRequest {
            application: Application::parse("org(_)app").unwrap(),
            profiles: Profiles::parse("dev,qa").unwrap(),
            label: None,
        };
        let template = Template::new("https://git.example/{application}/{profile}-{label}.git");
        assert_eq!(
            template.fill_in(&request, "qa", &Label::parse("main").unwrap()),
            Some("https://git.example/org/app/qa-main.git".into())
        );
        assert!(template.has_placeholders() && template.has_profile());
        assert!(!Template::new("https://git.example/{x}").has_placeholders());
    }

    #[test]
    fn a_name_stays_a_name() {
        let template = Template::new("ssh://git@git.example/{application}.git");
        let label = Label::parse("main").unwrap();
        for name in [
            "x?y",
            "x%2fy",
            "x y",
            "x:1",
            "'; touch x; '",
            "x\ny",
            "$(id)",
            "x\\y",
            "x{label}",
        ] {
            let request = EnvironmentRequest {
                application: Application::parse(name).unwrap(),
                profiles: Profiles::none(),
                label: None,
            };
            assert_eq!(template.fill_in(&request, "dev", &label), None, "{name}");
            // Where it does not go into the address, it may be any.
            let other = Template::new("https://git.example/{profile}.git");
            assert!(other.fill_in(&request, "dev", &label).is_some(), "{name}");
        }
    }

    #[test]
    fn only_what_is_listed_is_filled_in() {
        let label = Label::parse("main").unwrap();
        let allowed = ["orders", "team-*", "main"];
        let allowed = allowed.map(Pattern::of_name).to_vec();
        let template = Template::new("https://git.example/{application}-{label}.git").only(allowed);
        for (name, is_allowed) in [
            ("orders", true),
            ("team-a", true),
            ("team-", true),
            ("orders2", false),
            ("my-team-a", false),
            ("Orders", false),
            ("billing", false),
        ] {
            let request = EnvironmentRequest {
                application: Application::parse(name).unwrap(),
                profiles: Profiles::none(),
                label: None,
            };
            let filled = template.fill_in(&request, "dev", &label);
            assert_eq!(filled.is_some(), is_allowed, "{name}");
            // Each that goes into the address has to be.
            let other = Label::parse("next").unwrap();
            assert_eq!(template.fill_in(&request, "dev", &other), None, "{name}");
        }
    }

    #[test]
    fn the_host_is_not_for_requests_to_choose() {
        for (uri, chooses) in [
            ("https://{application}.example/x", true),
            ("https://user@{label}:8080/x", true),
            ("git@{profile}:x/y", true),
            ("{application}", true),
            ("{application}/x", true),
            ("https://git.example/{application}", false),
            ("git@git.example:{application}", false),
            ("/srv/{application}:x", false),
        ] {
            assert_eq!(
                Template::new(uri).lets_requests_choose_host(),
                chooses,
                "{uri}"
            );
        }
    }
}
