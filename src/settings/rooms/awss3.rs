use std::sync::Arc;

use confbus_protocol::Label;
use url::Url;

use super::{SERVER, lookups::Asked};
use crate::{
    awss3::{ANY_REGION, Credentials, Settings},
    lookups::Trouble,
    settings::{code, reader::Reader},
};

/// Credentials are nobody's setting in Spring: they come from where every program of AWS looks, in the names of Java's
/// properties and of the variables.
const AWS: &str = "aws";

/// The bucket whose settings stand below `at`.
pub(super) fn awss3(reader: &mut Reader, at: &str) -> Option<Asked> {
    let key = |name: &str| format!("{at}.{name}");
    let search_paths = key("search-paths");
    if reader.has(&search_paths) || !reader.indices(&search_paths).is_empty() {
        let text = format!("`{search_paths}` is not supported by confbus");
        let hint = "use-directory-layout, or labels, tell files apart";
        reader.refuse_as(code::UNSUPPORTED, &search_paths, text, Some(hint));
        return None;
    }
    let endpoint = match reader.text(&key("endpoint")) {
        Some(text) => Some(endpoint(reader, &key("endpoint"), &text)?),
        None => None,
    };
    let settings = Settings {
        bucket: bucket(reader, at)?,
        region: region(reader, at, endpoint.is_some())?,
        endpoint,
        has_folders: reader.flag(&key("use-directory-layout"), false),
        default_label: default_label(reader)?,
        credentials: credentials(reader)?,
    };
    Some(Asked {
        place: Arc::new(settings),
        deadline: None,
        trouble: Trouble::Spoils,
    })
}

fn bucket(reader: &mut Reader, at: &str) -> Option<String> {
    let key = format!("{at}.bucket");
    let Some(bucket) = reader.text(&key) else {
        let text = format!("there is no `{key}`");
        let hint = format!("set {key} to the name of a bucket");
        reader.refuse(&key, text, Some(&hint));
        return None;
    };
    // It becomes a part of an address.
    let is_name = bucket
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if !is_name || bucket.starts_with('.') {
        let hint = "write its name alone: letters, digits, dots and dashes";
        reader.refuse(&key, format!("`{key}` is no name of a bucket"), Some(hint));
        return None;
    }
    Some(bucket)
}

/// `https://s3.example.org`, without credentials and without the bucket.
fn endpoint(reader: &mut Reader, key: &str, text: &str) -> Option<Url> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| {
        let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
        let is_plain = url.username().is_empty() && url.password().is_none();
        is_http && is_plain && url.query().is_none() && url.fragment().is_none()
    });
    if url.is_none() {
        let hint = "write https://s3.example.org; the bucket stands behind it by itself";
        reader.refuse(key, format!("`{key}` is no address of a store"), Some(hint));
    }
    url
}

fn region(reader: &mut Reader, at: &str, has_endpoint: bool) -> Option<String> {
    let key = format!("{at}.region");
    let usual = ["region", "default-region"].map(|name| format!("{AWS}.{name}"));
    let said = [&key, &usual[0], &usual[1]].map(|key| reader.text(key));
    let region = said.into_iter().flatten().next();
    let region = region.or_else(|| has_endpoint.then(|| ANY_REGION.to_owned()));
    let Some(region) = region else {
        let text = format!("there is no `{key}`");
        let hint = format!("set {key}, or the variable AWS_REGION");
        reader.refuse(&key, text, Some(&hint));
        return None;
    };
    let is_name = region
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_name {
        let text = format!("`{key}` is no name of a region");
        reader.refuse(&key, text, Some("write eu-west-1"));
        return None;
    }
    Some(region)
}

fn default_label(reader: &mut Reader) -> Option<Option<Label>> {
    let key = format!("{SERVER}.default-label");
    let Some(text) = reader.text(&key) else {
        return Some(None);
    };
    let label = Label::parse(&text).ok();
    if label.is_none() {
        reader.refuse(&key, format!("`{key}` is no label"), None);
    }
    label.map(Some)
}

/// The first that is set, in the order in which programs of AWS look.
fn credentials(reader: &mut Reader) -> Option<Credentials> {
    let key = |name: &str| format!("{AWS}.{name}");
    let (id, secret) = (key("access-key-id"), key("secret-access-key"));
    match (reader.text(&id), reader.secret(&secret)) {
        (Some(id), Some(secret)) => {
            return Some(Credentials::Key {
                id,
                secret,
                session: reader.secret(&key("session-token")),
            });
        }
        (None, None) => {}
        (said, _) => {
            let (there, missing) = if said.is_some() {
                (id, secret)
            } else {
                (secret, id)
            };
            let text = format!("`{there}` is set and `{missing}` is not");
            reader.refuse(&there, text, Some("set both, or none"));
            return None;
        }
    }
    let role = reader.text(&key("role-arn"));
    if let (Some(arn), Some(token_file)) = (role, reader.text(&key("web-identity-token-file"))) {
        return Some(Credentials::Role {
            arn,
            session_name: reader.text(&key("role-session-name")),
            token_file,
        });
    }
    let relative_uri = reader.text(&key("container-credentials-relative-uri"));
    let full_uri = reader.text(&key("container-credentials-full-uri"));
    if relative_uri.is_some() || full_uri.is_some() {
        return Some(Credentials::Container {
            relative_uri,
            full_uri,
            token_file: reader.text(&key("container-authorization-token-file")),
        });
    }
    Some(Credentials::Instance)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "spring.cloud.config.server.awss3";

    fn read(said: &[(&str, &str)], variables: &[(&str, &str)]) -> (Option<String>, Vec<String>) {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let said = said.iter().map(|(key, value)| {
            let key = key
                .strip_prefix("….")
                .map_or_else(|| (*key).to_owned(), |end| format!("{AT}.{end}"));
            (key, (*value).to_owned())
        });
        let mut reader = Reader::of(said.collect(), variables.iter().map(own).collect());
        let asked = awss3(&mut reader, AT);
        let problems = reader.finish().0.into_iter();
        let shown = asked.map(|asked| format!("{:?}", asked.place));
        (shown, problems.map(|problem| problem.problem).collect())
    }

    #[test]
    fn a_bucket_is_named_as_for_spring_and_whoever_asks_as_for_every_program_of_aws() {
        let variables = [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "me"),
            ("AWS_SECRET_ACCESS_KEY", "opensesame"),
            ("AWS_SESSION_TOKEN", "opensesame"),
        ];
        let (shown, problems) = read(&[("….bucket", "config")], &variables);
        let shown = shown.unwrap();
        assert_eq!(problems, [""; 0]);
        assert!(
            shown.contains("eu-west-1") && shown.contains("\"me\""),
            "{shown}"
        );
        assert!(!shown.contains("opensesame"), "{shown}");
        let role = [("aws.roleArn", "arn"), ("aws.webIdentityTokenFile", "/t")];
        let all = [("….bucket", "config"), ("….region", "x"), role[0], role[1]];
        let (shown, _) = read(&all, &[]);
        assert!(shown.unwrap().contains("Role"));
        let task = [("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x")];
        let (shown, _) = read(&all[..2], &task);
        assert!(shown.unwrap().contains("Container"));
        let (shown, _) = read(&all[..2], &[]);
        assert!(shown.unwrap().contains("Instance"));
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let bucket = ("….bucket", "config");
        let region = ("….region", "eu-west-1");
        for (said, told) in [
            (&[] as &[_], "there is no `{at}.bucket`"),
            (&[bucket], "there is no `{at}.region`"),
            (
                &[("….bucket", "a/b"), region],
                "`{at}.bucket` is no name of a bucket",
            ),
            (
                &[bucket, ("….region", "a.b/")],
                "`{at}.region` is no name of a region",
            ),
            (
                &[bucket, ("….endpoint", "https://jo:x@s3.example.org")],
                "`{at}.endpoint` is no address of a store",
            ),
            (
                &[bucket, region, ("….search-paths", "a")],
                "`{at}.search-paths` is not supported by confbus",
            ),
            (
                &[bucket, region, ("….search-paths[0]", "a")],
                "`{at}.search-paths` is not supported by confbus",
            ),
            (
                &[bucket, region, ("aws.access-key-id", "me")],
                "`aws.access-key-id` is set and `aws.secret-access-key` is not",
            ),
        ] {
            let told = told.replace("{at}", AT);
            assert_eq!(read(said, &[]), (None, vec![told]));
        }
    }
}
