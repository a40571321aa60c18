//! What is not there is said at the start: to leave a backend out would serve less than was asked for.

use crate::support::Running;

fn refused(settings: &[(&str, &str)], told: &str) {
    let mut arguments = vec!["serve".to_owned(), "--server.port=0".to_owned()];
    let settings = settings.iter();
    arguments.extend(settings.map(|(key, value)| format!("--{key}={value}")));
    let mut program = Running::confbus(&arguments);
    assert_eq!(program.wait().code(), Some(78), "{told}");
    program.line_with(told);
}

const TYPE: &str = "spring.cloud.config.server.composite[1].type";

fn composite(kind: &str, told: &str) {
    let active = ("spring.profiles.active", "composite");
    let first = "spring.cloud.config.server.composite[0].";
    let (first, uri) = (format!("{first}type"), format!("{first}uri"));
    refused(
        &[active, (&first, "git"), (&uri, "file:/x"), (TYPE, kind)],
        told,
    );
}

#[test]
fn backends_that_are_not_supported_are_refused_by_name() {
    for (profile, kind) in [
        ("subversion", "svn"),
        ("mongodb", "mongodb"),
        ("awssecretsmanager", "aws-secretsmanager"),
        ("awsparamstore", "awsparamstore"),
        ("credhub", "credhub"),
        ("secret-manager", "gcp-secret-manager"),
    ] {
        let told = |name: &str| format!("the backend `{name}` is not supported by confbus");
        refused(&[("spring.profiles.active", profile)], &told(profile));
        composite(kind, &told(kind));
    }
    composite("", "the backend `` is not supported by confbus");
}

#[test]
#[cfg(not(all(feature = "awss3", feature = "jdbc", feature = "redis")))]
fn backends_that_are_not_built_in_name_their_feature() {
    for kind in ["redis", "jdbc", "awss3"] {
        let is_built_in = match kind {
            "redis" => cfg!(feature = "redis"),
            "awss3" => cfg!(feature = "awss3"),
            _ => cfg!(feature = "jdbc"),
        };
        if is_built_in {
            continue;
        }
        let told = format!("this confbus was built without the backend `{kind}`");
        refused(&[("spring.profiles.active", kind)], &told);
        composite(kind, &told);
        composite(
            kind,
            &format!("build it with `cargo build --release --features {kind}`"),
        );
    }
}
