use confbus_protocol::Label;
use confbus_resolution::EnvironmentRequest;

use super::VaultError;

/// Keys that one request may have looked up; people have a handful of profiles.
const MAX_KEYS: usize = 100;

/// Without it a key has no profile in it.
const DEFAULT_PROFILE: &str = "default";

/// How keys are made of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Naming {
    /// The application whose secrets all others share; empty for none.
    pub(crate) default_key: String,
    /// Between application, profile and label.
    pub(crate) separator: String,
    /// When keys end in a label: that of requests which have none.
    pub(crate) default_label: Option<String>,
}

impl Naming {
    /// The keys for a request, the strongest first: the last profile counts most, then the last application.
    pub(super) fn keys(&self, request: &EnvironmentRequest) -> Result<Vec<String>, VaultError> {
        let profiles = shared_last(DEFAULT_PROFILE, request.profiles.as_str());
        let applications = shared_last(&self.default_key, request.application.as_str());
        if profiles.len() * applications.len() > MAX_KEYS {
            return Err(VaultError::TooManyKeys(MAX_KEYS));
        }
        let label = request.label.as_ref().map(Label::as_str);
        let of = |profile| {
            applications
                .iter()
                .map(move |application| self.key(application, profile, label))
        };
        Ok(profiles.iter().copied().flat_map(of).collect())
    }

    fn key(&self, application: &str, profile: &str, label: Option<&str>) -> String {
        let separator = &self.separator;
        match &self.default_label {
            Some(default_label) => {
                let label = label.unwrap_or(default_label);
                format!("{application}{separator}{profile}{separator}{label}")
            }
            None if profile == DEFAULT_PROFILE => application.to_owned(),
            None => format!("{application}{separator}{profile}"),
        }
    }
}

/// The items of a comma list, the last first, each once, and after them what is shared; if listed, the first place counts.
fn shared_last<'a>(shared: &'a str, list: &'a str) -> Vec<&'a str> {
    let mut items = Vec::new();
    for item in std::iter::once(shared).chain(list.split(',')) {
        if !item.is_empty() && !items.contains(&item) {
            items.push(item);
        }
        // More are refused anyway, and looking through them all would take long.
        if items.len() > MAX_KEYS {
            break;
        }
    }
    items.reverse();
    items
}

#[cfg(test)]
mod tests {
    use confbus_protocol::{Application, Profiles};

    use super::*;

    fn naming() -> Naming {
        Naming {
            default_key: "application".into(),
            separator: ",".into(),
            default_label: None,
        }
    }

    fn keys(naming: &Naming, application: &str, profiles: &str, label: Option<&str>) -> String {
        let request = EnvironmentRequest {
            application: Application::parse(application).unwrap(),
            profiles: Profiles::parse(profiles).unwrap(),
            label: label.map(|label| Label::parse(label).unwrap()),
        };
        match naming.keys(&request) {
            Ok(keys) => keys.join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_last_profile_is_the_strongest_and_the_shared_key_the_weakest() {
        let check = |application, profiles, expected: &str| {
            assert_eq!(keys(&naming(), application, profiles, Some("x")), expected);
        };
        check("a", "default", "a application");
        check(
            "a",
            "p,q",
            "a,q application,q a,p application,p a application",
        );
        check("a,b", "p", "b,p a,p application,p b a application");
        check("application", "p", "application,p application");
        check("a,application", "default", "a application");
        check("a,a", "p,default,p", "a,p application,p a application");
    }

    #[test]
    fn labels_stand_in_every_key() {
        let naming = Naming {
            default_label: Some("main".into()),
            separator: "-".into(),
            default_key: String::new(),
        };
        assert_eq!(keys(&naming, "a", "p", None), "a-p-main a-default-main");
        assert_eq!(keys(&naming, "a", "p", Some("v1")), "a-p-v1 a-default-v1");
    }

    #[test]
    fn keys_are_bounded() {
        let many: Vec<_> = (0..60).map(|n| n.to_string()).collect();
        let told = "applications and profiles make more than 100 keys";
        assert_eq!(keys(&naming(), &many.join(","), "p", None), told);
        let fits = keys(&naming(), &many[..49].join(","), "p", None);
        assert_eq!(fits.split(' ').count(), 100);
    }
}
