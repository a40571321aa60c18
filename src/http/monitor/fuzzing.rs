//! Any delivery: whether it is believed, held against what each host says of its proof, and what is read in it.

use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::parse;
use crate::webhook::{Deliveries, ProviderSettings, Pushed, Secret, Settings, signature};

const SECRET: &str = "correct horse battery staple";
const NOW: Duration = Duration::from_millis(1_795_273_145_892);
const HOUR: u64 = 3_600_000;

/// Headers, a line each, an empty line, and a body. In a header `@HMAC@`, `@TIME@` and `@SECRET@` stand for what only
/// somebody who knows the secret can say: the body's signature, Gitee's of the time, and the secret itself.
///
/// # Panics
/// When a delivery is believed that proves nothing, or the other way round, or when more comes out of it than went in.
pub fn webhook(delivery: &[u8]) {
    let (headers, body) = apart(delivery);
    let (open, closed) = (Settings::default(), with_secret());
    assert!(signature::check(&open, &headers, body, NOW).is_err());
    let believed = signature::check(&closed, &headers, body, NOW).is_ok();
    assert_eq!(believed, is_proved(&headers, body));

    if let Ok(Some(pushed)) = parse(&headers, body, &closed) {
        check(&pushed, body, &closed);
    }
    let deliveries = Deliveries::default();
    let now = Instant::now();
    assert!(!deliveries.came_before(&headers, now));
    _ = deliveries.came_before(&headers, now);
}

fn with_secret() -> Settings {
    let host = ProviderSettings {
        secrets: Secret::new(SECRET).into_iter().collect(),
        ..ProviderSettings::default()
    };
    Settings {
        github: host.clone(),
        gitlab: host.clone(),
        bitbucket: host.clone(),
        gitea: host.clone(),
        gitee: host.clone(),
        gogs: host,
        ..Settings::default()
    }
}

fn apart(delivery: &[u8]) -> (HeaderMap, &[u8]) {
    let end = delivery.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = match end {
        Some(end) => (&delivery[..end], &delivery[end + 2..]),
        None => (delivery, &[][..]),
    };
    let (whole, time) = (
        hex(&signed(body)),
        STANDARD.encode(signed(time().as_bytes())),
    );
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n').take(100) {
        let line = String::from_utf8_lossy(line);
        let Some((name, value)) = line.split_once(": ") else {
            continue;
        };
        let value = value.replace("@HMAC@", &whole).replace("@TIME@", &time);
        let value = value.replace("@SECRET@", SECRET);
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    (headers, body)
}

/// What Gitee signs.
fn time() -> String {
    format!("{}\n{SECRET}", NOW.as_millis())
}

fn signed(message: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hmac::sign(&key, message).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the hosts' own pages say, word for word: a header that says what happened, and one with the proof.
fn is_proved(headers: &HeaderMap, body: &[u8]) -> bool {
    let plain = hex(&signed(body));
    let prefixed = format!("sha256={plain}");
    let proofs = [
        ("x-github-event", "x-hub-signature-256", &*prefixed),
        ("x-event-key", "x-hub-signature", &prefixed),
        ("x-gitea-event", "x-gitea-signature", &plain),
        ("x-gogs-event", "x-gogs-signature", &plain),
        ("x-gitlab-event", "x-gitlab-token", SECRET),
        ("x-git-oschina-event", "x-gitee-token", SECRET),
        ("x-gitee-event", "x-gitee-token", SECRET),
    ];
    let says = |(event, header, proof): (&str, &str, &str)| {
        headers.contains_key(event) && single(headers, header) == Some(proof)
    };
    proofs.into_iter().any(says) || gitee_signed(headers)
}

fn gitee_signed(headers: &HeaderMap) -> bool {
    let is_gitee =
        headers.contains_key("x-git-oschina-event") || headers.contains_key("x-gitee-event");
    let (Some(token), Some(stamp)) = (
        single(headers, "x-gitee-token"),
        single(headers, "x-gitee-timestamp"),
    ) else {
        return false;
    };
    let now = u64::try_from(NOW.as_millis()).unwrap_or_default();
    let is_fresh = stamp
        .parse::<u64>()
        .is_ok_and(|sent| sent.abs_diff(now) <= HOUR);
    let message = format!("{stamp}\n{SECRET}");
    is_gitee && is_fresh && token == STANDARD.encode(signed(message.as_bytes()))
}

fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values: Vec<_> = headers.get_all(name).iter().collect();
    match values[..] {
        [value] => value.to_str().ok(),
        _ => None,
    }
}

/// Nothing comes out that did not go in, and what is guessed from it is bounded.
fn check(pushed: &Pushed, body: &[u8], settings: &Settings) {
    // A byte of a form that is no UTF-8 becomes a character of three.
    let bytes: usize = pushed.paths.iter().map(String::len).sum();
    assert!(bytes <= body.len() * 3);
    let most = settings.max_paths * (settings.max_dashes + 1);
    assert!(pushed.guessed.len() <= most.max(1));
    let longest = pushed.paths.iter().map(String::len).max();
    for name in &pushed.guessed {
        assert!(name == "*" || Some(name.len()) <= longest);
        assert!(!name.contains(['/', '\\']));
    }
    if let Some(reference) = pushed.branch_or_tag() {
        assert!(reference.len() <= body.len() + "refs/heads/".len());
        assert!(reference.starts_with("refs/heads/") || reference.starts_with("refs/tags/"));
    }
}
