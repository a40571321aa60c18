use std::{sync::Arc, time::Duration};

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::Url;

use super::lookups::Asked;
use crate::{
    lookups::Trouble,
    redis::Settings,
    settings::{code, reader::Reader},
};

const SPRING: &str = "spring.data.redis";
const MILLISECOND: Duration = Duration::from_millis(1);

/// The Redis of Spring's settings, of which there is one.
pub(super) fn redis(reader: &mut Reader) -> Option<Asked> {
    refuse_what_is_not_supported(reader);
    let key = |name: &str| format!("{SPRING}.{name}");
    reader.has_no_effect(
        &key("connect-timeout"),
        &format!("`{SPRING}.timeout` holds for connecting, too"),
    );
    let deadline = deadline(reader, &key("timeout"));
    let has_tls = reader.flag(&key("ssl.enabled"), false);
    let database = reader.number(&key("database"), 0);
    let settings = match reader.secret(&key("url")) {
        Some(url) => of_url(reader, &url, has_tls, database)?,
        None => Settings {
            host: reader.text_or(&key("host"), "localhost"),
            port: reader.number(&key("port"), 6379),
            username: reader.text(&key("username")),
            password: reader.secret(&key("password")),
            database,
            has_tls,
        },
    };
    Some(Asked {
        place: Arc::new(settings),
        deadline,
        trouble: Trouble::Spoils,
    })
}

/// As in Spring, a bare number counts milliseconds.
fn deadline(reader: &mut Reader, key: &str) -> Option<Duration> {
    reader.text(key)?;
    let deadline = reader.duration(key, MILLISECOND, Duration::ZERO);
    if deadline.is_zero() {
        let text = format!("`{key}` is not a duration that anything could be done in");
        reader.refuse(key, text, None);
    }
    Some(deadline)
}

/// What an address says counts before everything else.
fn of_url(
    reader: &mut Reader,
    url: &SecretString,
    has_tls: bool,
    database: u32,
) -> Option<Settings> {
    let settings = parsed(url, has_tls, database);
    if settings.is_none() {
        let key = format!("{SPRING}.url");
        let text = format!("`{key}` is no address of a redis");
        let hint = "write redis://user:password@host:6379/0, or rediss:// for TLS";
        reader.refuse(&key, text, Some(hint));
    }
    settings
}

fn parsed(url: &SecretString, has_tls: bool, database: u32) -> Option<Settings> {
    use secrecy::ExposeSecret as _;
    let url = Url::parse(url.expose_secret()).ok()?;
    let is_encrypted = match url.scheme() {
        "redis" => false,
        "rediss" => true,
        _ => return None,
    };
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8().ok()?;
        Some(text.into_owned()).filter(|text| !text.is_empty())
    };
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let path = url.path().trim_start_matches('/');
    Some(Settings {
        host: host.trim_matches(['[', ']']).to_owned(),
        port: url.port().unwrap_or(6379),
        username: decoded(url.username()),
        password: url.password().and_then(decoded).map(SecretString::from),
        database: if path.is_empty() {
            database
        } else {
            path.parse().ok()?
        },
        has_tls: is_encrypted || has_tls,
    })
}

fn refuse_what_is_not_supported(reader: &mut Reader) {
    for below in ["cluster", "sentinel"] {
        let at = format!("{SPRING}.{below}");
        if let Some((name, _)) = reader.below(&format!("{at}.")).first() {
            let key = format!("{at}.{name}");
            let text = format!("`{at}.*` is not supported by confbus");
            let hint = "name one redis by spring.data.redis.host and port";
            reader.refuse_as(code::UNSUPPORTED, &key, text, Some(hint));
        }
    }
    let bundle = format!("{SPRING}.ssl.bundle");
    if reader.has(&bundle) {
        let text = format!("`{bundle}` is not supported by confbus");
        let hint = "certificates that this machine trusts count, or those in SSL_CERT_FILE";
        reader.refuse_as(code::UNSUPPORTED, &bundle, text, Some(hint));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(said: &[(&str, &str)]) -> (String, Vec<String>) {
        let said = said.iter();
        let said = said.map(|(name, value)| (format!("{SPRING}.{name}"), (*value).to_owned()));
        let mut reader = Reader::of(said.collect(), Vec::new());
        let asked = redis(&mut reader);
        let shown = asked.map_or_else(String::new, |asked| {
            format!("{} {:?}", asked.place.shown(), asked.deadline)
        });
        let problems = reader.finish().0.into_iter();
        (shown, problems.map(|problem| problem.problem).collect())
    }

    #[test]
    fn one_redis_is_named_by_its_host_or_its_address() {
        for (said, expected) in [
            (&[] as &[_], "redis://localhost:6379/0 None"),
            (
                &[
                    ("host", "r"),
                    ("port", "1"),
                    ("database", "2"),
                    ("timeout", "300"),
                ],
                "redis://r:1/2 Some(300ms)",
            ),
            (
                &[
                    ("url", "rediss://jo:p%40w@r/7"),
                    ("host", "other"),
                    ("timeout", "2s"),
                ],
                "rediss://r:6379/7 Some(2s)",
            ),
            (
                &[("url", "redis://:pw@[::1]:1"), ("ssl.enabled", "true")],
                "rediss://[::1]:1/0 None",
            ),
        ] {
            assert_eq!(read(said), (expected.to_owned(), Vec::new()));
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_its_secret() {
        for (key, value, told) in [
            (
                "url",
                "http://:secret@r",
                "`spring.data.redis.url` is no address of a redis",
            ),
            (
                "url",
                "redis://:secret@r/x",
                "`spring.data.redis.url` is no address of a redis",
            ),
            (
                "cluster.nodes",
                "a:1",
                "`spring.data.redis.cluster.*` is not supported by confbus",
            ),
            (
                "sentinel.master",
                "a",
                "`spring.data.redis.sentinel.*` is not supported by confbus",
            ),
            (
                "ssl.bundle",
                "a",
                "`spring.data.redis.ssl.bundle` is not supported by confbus",
            ),
            (
                "timeout",
                "0",
                "`spring.data.redis.timeout` is not a duration that anything could be done in",
            ),
        ] {
            assert_eq!(read(&[(key, value)]).1, [told]);
        }
    }
}
