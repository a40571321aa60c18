use super::*;
use crate::lookups::identity::{self, Change};

fn settings(bucket: &str, endpoint: Option<&str>) -> Settings {
    Settings {
        bucket: bucket.to_owned(),
        region: "eu-west-1".to_owned(),
        endpoint: endpoint.map(|text| Url::parse(text).unwrap()),
        has_folders: false,
        default_label: None,
        credentials: key("me", "opensesame", None),
    }
}

fn key(id: &str, secret: &str, session: Option<&str>) -> Credentials {
    Credentials::Key {
        id: id.into(),
        secret: secret.into(),
        session: session.map(Into::into),
    }
}

#[test]
fn it_is_shown_without_credentials() {
    let settings = settings("config", Some("https://user:opensesame@s3.example.org"));
    assert_eq!(settings.shown(), "s3://config at s3.example.org");
    let opened = format!("{:?}", settings.open().unwrap());
    assert!(!opened.contains("opensesame"), "{opened}");
}

#[test]
fn a_bucket_of_aws_has_a_name_of_its_own_unless_a_dot_is_in_it() {
    for (bucket, address) in [
        ("config", "https://config.s3.eu-west-1.amazonaws.com"),
        ("my.config", "https://s3.eu-west-1.amazonaws.com/my.config"),
    ] {
        let client = settings(bucket, None).client().unwrap();
        let shown = format!("{client:?}");
        assert!(shown.contains(address), "{bucket}");
    }
}

/// All that counts wherever a bucket is.
const TOLD: [Change<Settings>; 5] = [
    ("bucket", |it| it.bucket = "other".into()),
    ("region", |it| it.region = "other".into()),
    ("endpoint", |it| {
        it.endpoint = Some(Url::parse("https://other.example.org").unwrap());
    }),
    ("layout", |it| it.has_folders = true),
    ("default label", |it| {
        it.default_label = Some(Label::parse("other").unwrap());
    }),
];

/// Who asks, by other names.
const NAMED: [Change<Settings>; 2] = [
    ("id", |it| it.credentials = key("other", "opensesame", None)),
    ("role", |it| {
        it.credentials = Credentials::Role {
            arn: "arn:aws:iam::1:role/other".into(),
            session_name: None,
            token_file: "token".into(),
        };
    }),
];

/// By the same one.
const UNNAMED: [Change<Settings>; 2] = [
    ("secret", |it| it.credentials = key("me", "other", None)),
    ("session", |it| {
        it.credentials = key("me", "opensesame", Some("other"));
    }),
];

#[test]
fn another_bucket_or_layout_has_a_file_of_its_own() {
    let at_aws = settings("config", None);
    identity::is_made_of(&at_aws, &TOLD, &[NAMED, UNNAMED].concat());
}

#[test]
fn elsewhere_than_at_aws_who_asks_has_one_too() {
    let elsewhere = settings("config", Some("https://s3.example.org"));
    identity::is_made_of(&elsewhere, &[&TOLD[..], &NAMED].concat(), &UNNAMED);
}
