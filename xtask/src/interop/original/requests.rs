//! What the applications of a repository may ask: every name with every profile, in every form, at every label.

use std::collections::BTreeSet;

const V2: &str = "-H 'Accept: application/vnd.spring-cloud.config-server.v2+json'";

/// Files that hold properties.
const EXTENSIONS: [&str; 4] = ["yml", "yaml", "properties", "json"];

/// Forms that an environment is converted to.
const CONVERTED: [&str; 4] = ["yml", "yaml", "properties", "json"];

/// Asked by no application: a profile that none can have, and an attack.
const NOBODYS: [&str; 2] = ["/orders/-dev", "/orders/../main"];

/// Asked besides, with what is not there and what is asked in other ways.
const OTHERS: [&str; 12] = [
    "/nobody/default",
    "/nobody-default.yml",
    "/orders/nobody",
    "/orders/prod/no-such-label",
    "/no-such-label/orders-prod.yml",
    "/orders,payments/dev",
    "/orders/default/main/no-such-file.txt",
    "/orders-prod.yml?resolvePlaceholders=false",
    "HEAD /orders/prod",
    "OPTIONS /orders/prod",
    "/orders/prod -H 'Accept: text/html'",
    "/orders/prod -H 'Accept: application/json;charset=UTF-8'",
];

/// Asked where applications have to log in: with a wrong password, and without any.
pub(super) const STRANGERS: [&str; 4] = [
    "/orders/prod -H 'Authorization: Basic YW5hOndyb25n'",
    "/orders-prod.yml -H 'Authorization: Basic YW5hOndyb25n'",
    "/orders/prod -H 'Authorization: none'",
    "/orders/prod/main/nginx.conf -H 'Authorization: none'",
];

/// One request a line, as `confbus shadow` reads them.
pub(super) fn all(files: &[String], labels: &[String]) -> Vec<String> {
    let (names, profiles) = coordinates(files);
    let labels: Vec<_> = labels
        .iter()
        .map(|label| label.replace('/', "(_)"))
        .collect();
    let mut requests = Vec::new();
    for (name, profile) in names
        .iter()
        .flat_map(|name| profiles.iter().map(move |profile| (name, profile)))
    {
        requests.push(format!("/{name}/{profile}"));
        requests.push(format!("/{name}/{profile} {V2}"));
        requests.extend(CONVERTED.map(|form| format!("/{name}-{profile}.{form}")));
        for label in &labels {
            requests.push(format!("/{name}/{profile}/{label} {V2}"));
            requests.push(format!("/{label}/{name}-{profile}.yml"));
        }
    }
    for file in files {
        requests.push(format!("/orders/prod/main/{file}"));
    }
    for file in files.iter().filter(|file| !file.contains('/')) {
        requests.push(format!("/orders/dev/{file}?useDefaultLabel"));
    }
    requests.extend(OTHERS.map(str::to_owned));
    requests.extend(NOBODYS.map(str::to_owned));
    requests
}

/// Whether no application asks this: then answers may differ where they are meant to.
pub(super) fn is_nobodys(request: &str) -> bool {
    let mut nobodys = NOBODYS.iter().chain(&STRANGERS);
    nobodys.any(|nobodys| *nobodys == request)
}

/// Applications, and profiles with all of them together and `default`, as the names of files tell them.
fn coordinates(files: &[String]) -> (BTreeSet<String>, BTreeSet<String>) {
    let stems: BTreeSet<&str> = files.iter().filter_map(|file| stem(file)).collect();
    let mut names = BTreeSet::new();
    let mut profiles = BTreeSet::new();
    for stem in &stems {
        match stem.rsplit_once('-') {
            Some((name, profile)) if stems.contains(name) => {
                profiles.insert(profile.to_owned());
            }
            _ => {
                names.insert((*stem).to_owned());
            }
        }
    }
    let together = Vec::from_iter(profiles.iter().cloned()).join(",");
    profiles.extend([together, "default".to_owned()]);
    (names, profiles)
}

fn stem(file: &str) -> Option<&str> {
    let name = file.rsplit('/').next()?;
    let (stem, extension) = name.rsplit_once('.')?;
    EXTENSIONS.contains(&extension).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_applications_and_profiles() {
        let files = [
            "a-b.yml",
            "a-b-dev.yml",
            "shared/a-b-prod.json",
            "nginx.conf",
        ];
        let files = files.map(str::to_owned);
        let (names, profiles) = coordinates(&files);
        assert_eq!(Vec::from_iter(names), ["a-b"]);
        assert_eq!(
            Vec::from_iter(profiles),
            ["default", "dev", "dev,prod", "prod"]
        );
        let all = all(&files, &["main".to_owned(), "feature/x".to_owned()]);
        for request in [
            "/a-b/dev,prod",
            "/a-b-dev.properties",
            "/feature(_)x/a-b-prod.yml",
            "/orders/prod/main/nginx.conf",
            "/orders/dev/nginx.conf?useDefaultLabel",
        ] {
            assert!(all.iter().any(|one| one == request), "{request} of {all:?}");
        }
    }
}
