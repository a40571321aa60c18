//! Whose file it is, by its name.
//!
//! `/orders/eu-prod` reads `orders-eu-prod.yml`, which is also what `/orders-eu/prod` reads. Where a rule names `orders-eu`, the file
//! is its own: the longest name that rules know is the owner.

use std::collections::BTreeSet;

use confbus_resolution::is_configuration;

/// An application that a file belongs to by its name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Namesake<'n> {
    pub(super) application: &'n str,
    /// What is left of the name; nothing where that says no profile.
    pub(super) profile: Option<&'n str>,
}

/// The profile of what is for all profiles.
const DEFAULT: &str = "default";

/// Whom `{application}-{profile}` belongs to, if to another one.
pub(super) fn of_profile<'n>(
    named: &'n BTreeSet<Box<str>>,
    application: &str,
    profile: &'n str,
) -> Vec<Namesake<'n>> {
    let stem = format!("{application}-{profile}");
    let owner = owner(named, &stem).filter(|owner| owner.len() > application.len());
    let owner = owner.map(|owner| {
        // `eu-prod` of `orders` is `prod` of `orders-eu`, and `eu` its default.
        let taken = owner.len() - application.len() - 1;
        let rest = profile.get(taken..).and_then(|rest| rest.strip_prefix('-'));
        Namesake {
            application: owner,
            profile: Some(rest.unwrap_or(DEFAULT)),
        }
    });
    owner.into_iter().collect()
}

/// Whom a plain file belongs to, if to others: by each directory that is called like an application, and by its own name.
pub(super) fn of_path<'n>(
    named: &'n BTreeSet<Box<str>>,
    application: &str,
    path: &'n str,
    profile: &str,
) -> Vec<Namesake<'n>> {
    let (directories, file) = path.rsplit_once('/').unwrap_or(("", path));
    let of_directories = directories.split('/').filter_map(|name| named.get(name));
    let mut namesakes: Vec<_> = of_directories
        .map(|name| Namesake {
            application: name,
            profile: None,
        })
        .collect();
    if let Some((stem, _)) = file.rsplit_once('.')
        && is_configuration(file)
    {
        // The variant of the profile is looked for first.
        for stem in [stem.to_owned(), format!("{stem}-{profile}")] {
            let owner = owner(named, &stem);
            namesakes.extend(owner.map(|owner| Namesake {
                application: owner,
                profile: None,
            }));
        }
    }
    namesakes.retain(|namesake| namesake.application != application);
    namesakes
}

/// The longest name that a file's name begins with, up to its end or a dash.
fn owner<'n>(named: &'n BTreeSet<Box<str>>, stem: &str) -> Option<&'n str> {
    let ends = stem.rmatch_indices('-').map(|(dash, _)| dash);
    let mut names = std::iter::once(stem.len()).chain(ends);
    names.find_map(|end| Some(&**named.get(&stem[..end])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named() -> BTreeSet<Box<str>> {
        ["orders", "orders-eu", "billing"].map(Into::into).into()
    }

    #[test]
    fn a_profile_may_name_another_application() {
        for (application, profile, expected) in [
            ("orders", "prod", None),
            ("orders", "eu", Some(("orders-eu", "default"))),
            ("orders", "eu-prod", Some(("orders-eu", "prod"))),
            ("orders", "europe", None),
            ("orders-eu", "prod", None),
            ("application", "prod", None),
        ] {
            let named = named();
            let found = of_profile(&named, application, profile);
            let found = found.first();
            let found = found.map(|found| (found.application, found.profile.unwrap()));
            assert_eq!(found, expected, "{application} {profile}");
        }
    }

    #[test]
    fn a_file_may_be_anothers() {
        for (path, expected) in [
            ("nginx.conf", &[][..]),
            ("orders.yml", &[]),
            ("orders-eu.yml", &["orders-eu"]),
            ("billing-prod.properties", &["billing"]),
            ("billing.xml", &["billing"]),
            ("billing.txt", &[]),
            ("billing/x.txt", &["billing"]),
            (
                "a/billing/orders-eu-x.yml",
                &["billing", "orders-eu", "orders-eu"],
            ),
        ] {
            let named = named();
            let found = of_path(&named, "orders", path, "dev");
            let found: Vec<_> = found.iter().map(|found| found.application).collect();
            assert_eq!(
                found.iter().collect::<BTreeSet<_>>(),
                expected.iter().collect(),
                "{path}"
            );
        }
        let named = named();
        assert_eq!(of_path(&named, "orders", "orders.yml", "eu").len(), 1);
    }
}
