use confbus_protocol::Label;
use confbus_resolution::EnvironmentRequest;
use secrecy::{ExposeSecret as _, SecretString};

/// The address of a repository, which may hold `{application}`, `{profile}` and `{label}`.
///
/// An address may hold credentials.
#[derive(Debug, Clone)]
pub(crate) struct Template(SecretString);

const PLACEHOLDERS: [&str; 3] = ["{application}", "{profile}", "{label}"];

impl Template {
    pub(crate) fn new(uri: impl Into<SecretString>) -> Self {
        Self(uri.into())
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
        self.0.expose_secret()
    }

    /// The address for a request; `profile` is all of its profiles, or one of them. `None` for names that would be more in
    /// it than names: a query, a port, an escape, a sign of some shell.
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
            if !name.chars().all(is_plain) {
                return None;
            }
            address = address.replace(placeholder, name);
        }
        Some(address)
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
