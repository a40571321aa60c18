//! Compose files that were written for the original's image, as far as they matter: what they set.

use serde_json::json;

use super::configuration::Configuration;
use super::container::Environment;

/// A compose file.
pub(super) struct Way {
    pub(super) name: &'static str,
    /// What stands before every path of an application.
    pub(super) base: &'static str,
    /// Name and password with which applications ask; only in that image nobody else may.
    pub(super) user: Option<(&'static str, &'static str)>,
    pub(super) environment: fn(&Configuration) -> Environment,
}

pub(super) const WAYS: [Way; 6] = [
    Way {
        name: "a repository over HTTP",
        base: "",
        user: None,
        environment: repository,
    },
    Way {
        name: "folders, overrides, a key and a prefix",
        base: "/config",
        user: None,
        environment: everything,
    },
    Way {
        name: "a user",
        base: "",
        user: Some(("ana", "s3cret-of-ana")),
        environment: repository,
    },
    Way {
        name: "a directory",
        base: "",
        user: None,
        environment: directory,
    },
    Way {
        name: "repositories by pattern, as JSON",
        base: "",
        user: None,
        environment: patterns,
    },
    Way {
        name: "a composite",
        base: "",
        user: None,
        environment: composite,
    },
];

fn repository(configuration: &Configuration) -> Environment {
    vec![
        ("SPRING_CLOUD_CONFIG_SERVER_GIT_URI", configuration.url()),
        (
            "SPRING_CLOUD_CONFIG_SERVER_GIT_DEFAULT_LABEL",
            "main".into(),
        ),
        (
            "SPRING_CLOUD_CONFIG_SERVER_GIT_CLONE_ON_START",
            "true".into(),
        ),
        ("SPRING_CLOUD_CONFIG_SERVER_GIT_FORCE_PULL", "true".into()),
    ]
}

fn everything(configuration: &Configuration) -> Environment {
    let mut environment = repository(configuration);
    environment.extend([
        // As Spring's own documents write it, with a dash left out.
        (
            "SPRING_CLOUD_CONFIG_SERVER_GIT_SEARCHPATHS",
            "shared,{application}".to_owned(),
        ),
        (
            "SPRING_CLOUD_CONFIG_SERVER_OVERRIDES_SHARED_REGION",
            "by override".to_owned(),
        ),
        ("SPRING_CLOUD_CONFIG_SERVER_PREFIX", "/config".to_owned()),
        ("ENCRYPT_KEY", "foo".to_owned()),
    ]);
    environment
}

fn directory(configuration: &Configuration) -> Environment {
    let folder = configuration.work_tree().display();
    vec![
        ("SPRING_PROFILES_ACTIVE", "native".to_owned()),
        (
            "SPRING_CLOUD_CONFIG_SERVER_NATIVE_SEARCH_LOCATIONS",
            format!("file:{folder}/,file:{folder}/shared/"),
        ),
    ]
}

fn patterns(configuration: &Configuration) -> Environment {
    let settings = json!({"spring": {"cloud": {"config": {"server": {"git": {
        "uri": configuration.url(),
        "repos": {
            "shop": {"pattern": "orders/prod*,payments/*", "uri": configuration.url(), "searchPaths": "shared"},
        },
    }}}}}});
    vec![("SPRING_APPLICATION_JSON", settings.to_string())]
}

fn composite(configuration: &Configuration) -> Environment {
    let folder = configuration.work_tree().display();
    let settings = json!({"spring.cloud.config.server.composite": [
        {"type": "git", "uri": configuration.url()},
        {"type": "native", "search-locations": format!("file:{folder}/shared/")},
    ]});
    vec![
        ("SPRING_PROFILES_ACTIVE", "composite".to_owned()),
        ("SPRING_APPLICATION_JSON", settings.to_string()),
    ]
}
