use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{hmac, rand};
use http::{HeaderMap, header};

/// The cookie that a form belongs to.
const COOKIE: &str = "confbus-form";
/// A form is good for that long, and for as long again at most.
const SECONDS: u64 = 3600;
/// Digits of a cookie.
const DIGITS: usize = 32;

/// Makes tokens that show that a form came from a page of this server, for this browser, this caller and this address.
#[derive(Clone)]
pub(in super::super) struct Tokens {
    key: Arc<hmac::Key>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

impl Default for Tokens {
    fn default() -> Self {
        let rng = rand::SystemRandom::new();
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &rng);
        Self {
            key: Arc::new(key.expect("the system gives random bytes")),
        }
    }
}

impl Tokens {
    /// For a form that goes to this address.
    pub(super) fn issue(&self, cookie: &str, caller: &str, action: &str) -> String {
        self.of(cookie, caller, action, hour())
    }

    pub(super) fn is_good(&self, token: &str, cookie: &str, caller: &str, action: &str) -> bool {
        let Some(given) = crate::hex::decoded(token) else {
            return false;
        };
        let hour = hour();
        [hour, hour.saturating_sub(1)].into_iter().any(|hour| {
            let message = message(cookie, caller, action, hour);
            hmac::verify(&self.key, &message, &given).is_ok()
        })
    }

    fn of(&self, cookie: &str, caller: &str, action: &str, hour: u64) -> String {
        let tag = hmac::sign(&self.key, &message(cookie, caller, action, hour));
        crate::hex::encoded(tag.as_ref())
    }
}

/// No part can end where another begins: a line break is in none of them.
fn message(cookie: &str, caller: &str, action: &str, hour: u64) -> Vec<u8> {
    format!("{cookie}\n{hour}\n{action}\n{caller}").into_bytes()
}

fn hour() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs() / SECONDS)
}

/// The cookie of a browser that has one.
pub(super) fn cookie_of(headers: &HeaderMap) -> Option<String> {
    let texts = headers.get_all(header::COOKIE).iter();
    let mut pairs = texts
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    let value = pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
    let is_ours = value.len() == DIGITS && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_ours.then(|| value.to_owned())
}

/// One that nobody can guess.
pub(super) fn new_cookie() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// For `Set-Cookie`: pages alone get it, and only from a page of the same site.
pub(super) fn set_cookie(value: &str, base: &str, is_tls: bool) -> String {
    let secure = if is_tls { "; Secure" } else { "" };
    format!("{COOKIE}={value}; Path={base}; HttpOnly; SameSite=Strict{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_what_it_was_made_for() {
        let (tokens, others) = (Tokens::default(), Tokens::default());
        let token = tokens.issue("c", "ana", "/pin");
        assert!(tokens.is_good(&token, "c", "ana", "/pin"));
        assert!(!tokens.is_good(&token, "d", "ana", "/pin"));
        assert!(!tokens.is_good(&token, "c", "jo", "/pin"));
        assert!(!tokens.is_good(&token, "c", "ana", "/refresh"));
        assert!(!others.is_good(&token, "c", "ana", "/pin"));
        assert!(!tokens.is_good("", "c", "ana", "/pin"));
        let old = tokens.of("c", "ana", "/pin", hour() - 2);
        assert!(!tokens.is_good(&old, "c", "ana", "/pin"));
    }

    #[test]
    fn only_cookies_of_ours_are_believed() {
        let of = |text: &str| {
            let headers = [(header::COOKIE, text.parse().unwrap())];
            cookie_of(&headers.into_iter().collect())
        };
        let ours = new_cookie();
        assert_eq!(of(&format!("a=b; confbus-form={ours}")), Some(ours));
        assert_eq!(of("confbus-form=x"), None);
        assert_eq!(of("a=b"), None);
    }
}
