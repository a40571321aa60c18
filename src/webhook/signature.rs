//! Who sent a delivery: each git host's own proof, checked over the bytes as they came.

use std::time::Duration;

use aws_lc_rs::{constant_time, digest, hmac};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Provider, Settings};

/// How far Gitee's clock and ours may be apart; its signature covers only the time and can be replayed within.
const GITEE_WINDOW: Duration = Duration::from_secs(3600);

/// A shared secret; what is held against it learns nothing by the time that takes.
#[derive(Debug, Clone)]
pub(crate) struct Secret(SecretString);

/// Why a delivery is not believed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Untrusted {
    /// No header of a git host that is switched on.
    #[error(
        "this delivery has no signature: send it with a user and a password, or set spring.cloud.config.server.monitor.validation-filter-enabled=false"
    )]
    Unsigned,
    /// Nothing to check its signature with.
    #[error("set spring.cloud.config.server.monitor.{}.webhook-secret here and the same secret in the webhook", .0.name())]
    NoSecret(Provider),
    /// The signature is missing, or made with another secret or for another body.
    #[error("the {} signature is missing or does not fit: check that both sides have the same secret", .0.name())]
    BadSignature(Provider),
}

impl Secret {
    /// A secret; `None` for empty text, which protects nothing.
    pub(crate) fn new(text: impl Into<SecretString>) -> Option<Self> {
        let text = text.into();
        (!text.expose_secret().is_empty()).then_some(Self(text))
    }

    /// Whether `given` is the same text; takes as long whatever they have in common.
    pub(crate) fn matches(&self, given: &str) -> bool {
        // Digests, so that not even the length shows.
        let digest = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
        constant_time::verify_slices_are_equal(
            digest(self.0.expose_secret()).as_ref(),
            digest(given).as_ref(),
        )
        .is_ok()
    }

    fn signed(&self, message: &[u8], tag: &[u8]) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose_secret().as_bytes());
        hmac::verify(&key, message, tag).is_ok()
    }
}

/// Whether a delivery may be believed: one of the hosts that it names vouches for it, or needs not.
///
/// `now` is the time since 1970.
pub(crate) fn check(
    settings: &Settings,
    headers: &HeaderMap,
    body: &[u8],
    now: Duration,
) -> Result<(), Untrusted> {
    if !settings.validation {
        return Ok(());
    }
    let mut why_not = Untrusted::Unsigned;
    for provider in Provider::ALL
        .into_iter()
        .filter(|provider| settings.of(*provider).enabled && names(headers, *provider))
    {
        let known = settings.of(provider);
        if !known.validation {
            return Ok(());
        }
        let signs = |secret| verify(provider, secret, headers, body, now);
        match known.secrets.as_slice() {
            [] if why_not == Untrusted::Unsigned => why_not = Untrusted::NoSecret(provider),
            [] => {}
            secrets if secrets.iter().any(signs) => return Ok(()),
            _ => why_not = Untrusted::BadSignature(provider),
        }
    }
    Err(why_not)
}

fn names(headers: &HeaderMap, provider: Provider) -> bool {
    headers.contains_key(provider.event_header())
        || (provider == Provider::Gitee && headers.contains_key("x-gitee-event"))
}

/// Whether the delivery was signed with this secret.
pub(crate) fn verify(
    provider: Provider,
    secret: &Secret,
    headers: &HeaderMap,
    body: &[u8],
    now: Duration,
) -> bool {
    let signed = |tag: Option<Vec<u8>>| tag.is_some_and(|tag| secret.signed(body, &tag));
    match provider {
        Provider::Github => signed(single(headers, "x-hub-signature-256").and_then(prefixed_hex)),
        Provider::Bitbucket => signed(single(headers, "x-hub-signature").and_then(prefixed_hex)),
        Provider::Gitea => signed(single(headers, "x-gitea-signature").and_then(hex)),
        Provider::Gogs => signed(single(headers, "x-gogs-signature").and_then(hex)),
        Provider::Gitlab => {
            single(headers, "x-gitlab-token").is_some_and(|token| secret.matches(token))
        }
        Provider::Gitee => single(headers, "x-gitee-token")
            .is_some_and(|token| secret.matches(token) || signs_time(secret, token, headers, now)),
    }
}

/// Gitee's signature: of its timestamp in milliseconds and the secret.
fn signs_time(secret: &Secret, token: &str, headers: &HeaderMap, now: Duration) -> bool {
    let Some(timestamp) = single(headers, "x-gitee-timestamp") else {
        return false;
    };
    let Ok(sent) = timestamp.parse().map(Duration::from_millis) else {
        return false;
    };
    let Ok(tag) = STANDARD.decode(token) else {
        return false;
    };
    let signed = format!("{timestamp}\n{}", secret.0.expose_secret());
    now.abs_diff(sent) <= GITEE_WINDOW && secret.signed(signed.as_bytes(), &tag)
}

/// The header's value when there is exactly one.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values
        .next()
        .is_none()
        .then(|| value.to_str().ok())
        .flatten()
}

fn prefixed_hex(text: &str) -> Option<Vec<u8>> {
    hex(text.strip_prefix("sha256=")?)
}

/// 64 lower-case digits, the only form the hosts send.
fn hex(text: &str) -> Option<Vec<u8>> {
    let is_usual = text.len() == 64 && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    is_usual.then(|| crate::hex::decoded(text)).flatten()
}

#[cfg(test)]
mod timing;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_millis(1_795_273_145_892);
    const BODY: &[u8] = b"Hello, World!";
    /// GitHub's published example for [`BODY`] and this secret.
    const SECRET: &str = "It's a Secret to Everybody";
    const HEX: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn verified(provider: Provider, pairs: &[(&'static str, &str)]) -> bool {
        verify(
            provider,
            &Secret::new(SECRET).unwrap(),
            &headers(pairs),
            BODY,
            NOW,
        )
    }

    #[test]
    fn each_host_signs_its_own_way() {
        let prefixed = format!("sha256={HEX}");
        assert!(verified(
            Provider::Github,
            &[("x-hub-signature-256", &prefixed)]
        ));
        assert!(verified(
            Provider::Bitbucket,
            &[("x-hub-signature", &prefixed)]
        ));
        assert!(verified(Provider::Gitea, &[("x-gitea-signature", HEX)]));
        assert!(verified(Provider::Gogs, &[("x-gogs-signature", HEX)]));
        assert!(verified(Provider::Gitlab, &[("x-gitlab-token", SECRET)]));
        assert!(verified(Provider::Gitee, &[("x-gitee-token", SECRET)]));
    }

    #[test]
    fn everything_else_is_refused() {
        let prefixed = format!("sha256={HEX}");
        for signature in [
            HEX,
            "",
            "sha256=",
            &prefixed.to_uppercase(),
            &format!("sha256={}", HEX.to_uppercase()),
            &prefixed[..70],
            &format!("{prefixed}0"),
            &prefixed.replace('7', "8"),
        ] {
            assert!(
                !verified(Provider::Github, &[("x-hub-signature-256", signature)]),
                "{signature}"
            );
        }
        assert!(!verified(
            Provider::Github,
            &[("x-hub-signature", &prefixed)]
        ));
        assert!(!verified(
            Provider::Github,
            &[
                ("x-hub-signature-256", &prefixed),
                ("x-hub-signature-256", &prefixed)
            ]
        ));
        assert!(!verified(
            Provider::Gitlab,
            &[("x-gitlab-token", "another")]
        ));
        assert!(!verified(Provider::Gitlab, &[]));
    }

    #[test]
    fn gitee_signs_the_time_for_an_hour() {
        let secret = Secret::new(SECRET).unwrap();
        let sign = |timestamp: &str| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
            STANDARD.encode(hmac::sign(
                &key,
                format!("{timestamp}\n{SECRET}").as_bytes(),
            ))
        };
        for (timestamp, expected) in [
            ("1795273145892", true),
            ("1795269600000", true),
            ("1795269500000", false),
            ("1795280000000", false),
            ("soon", false),
        ] {
            let headers = headers(&[
                ("x-gitee-timestamp", timestamp),
                ("x-gitee-token", &sign(timestamp)),
            ]);
            assert_eq!(
                verify(Provider::Gitee, &secret, &headers, BODY, NOW),
                expected,
                "{timestamp}"
            );
        }
    }

    #[test]
    fn a_delivery_is_believed_when_one_host_vouches_for_it() {
        let both = headers(&[
            ("x-github-event", "push"),
            ("x-gitea-event", "push"),
            ("x-gitea-signature", HEX),
        ]);
        let mut settings = Settings::default();
        assert_eq!(
            check(&settings, &both, BODY, NOW),
            Err(Untrusted::NoSecret(Provider::Github))
        );
        assert_eq!(
            check(&settings, &HeaderMap::new(), BODY, NOW),
            Err(Untrusted::Unsigned)
        );

        settings.gitea.secrets = ["another", SECRET]
            .into_iter()
            .filter_map(Secret::new)
            .collect();
        assert_eq!(check(&settings, &both, BODY, NOW), Ok(()));
        assert_eq!(
            check(&settings, &both, b"another body", NOW),
            Err(Untrusted::BadSignature(Provider::Gitea))
        );
        settings.gitea.enabled = false;
        assert_eq!(
            check(&settings, &both, BODY, NOW),
            Err(Untrusted::NoSecret(Provider::Github))
        );

        settings.github.validation = false;
        assert_eq!(check(&settings, &both, BODY, NOW), Ok(()));
        assert!(check(&settings, &HeaderMap::new(), BODY, NOW).is_err());
        settings.validation = false;
        assert_eq!(check(&settings, &HeaderMap::new(), BODY, NOW), Ok(()));
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = format!("{:?}", Secret::new(SECRET));
        assert!(!shown.contains("Everybody"), "{shown}");
        assert!(Secret::new("").is_none());
    }
}
