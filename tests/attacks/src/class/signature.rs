//! What a webhook's headers prove, made with the secret or without it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::canaries::Canaries;

/// What a script may write into a header for a body: the proof in several spellings, and those that prove nothing.
pub(super) fn of(body: &[u8], canaries: &Canaries, name: &str) -> Option<String> {
    let secret = canaries.of("webhook");
    let tag = || signed(secret.as_bytes(), body);
    let now = || {
        let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since_1970.map_or(0, |time| time.as_millis())
    };
    Some(match name {
        "hmac" => hex(&tag()),
        "HMAC" => hex(&tag()).to_uppercase(),
        "hmac-base64" => STANDARD.encode(tag()),
        "hmac-short" => hex(&tag())[..63].to_owned(),
        "hmac-of-nothing" => hex(&signed(secret.as_bytes(), b"")),
        "hmac-without-secret" => hex(&signed(b"", body)),
        "hmac-wrong" => hex(&signed(b"secret", body)),
        "now" => now().to_string(),
        "two-hours-ago" => now().saturating_sub(7_200_000).to_string(),
        "in-two-hours" => (now() + 7_200_000).to_string(),
        "gitee-now" | "gitee-old" => {
            let time = now() - if name == "gitee-now" { 0 } else { 7_200_000 };
            let tag = signed(secret.as_bytes(), format!("{time}\n{secret}").as_bytes());
            format!("{}\r\nX-Gitee-Timestamp: {time}", STANDARD.encode(tag))
        }
        "webhook" => secret,
        _ => return None,
    })
}

fn signed(secret: &[u8], body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length is a key");
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that GitHub publishes.
    #[test]
    fn bodies_are_signed_as_github_signs() {
        let tag = signed(b"It's a Secret to Everybody", b"Hello, World!");
        let expected = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert_eq!(hex(&tag), expected);
    }
}
