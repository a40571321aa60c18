//! Secrets that are the first ones to be tried.

/// What stands in examples and on every list of passwords; shorter ones need not be listed.
const USUAL: [&str; 20] = [
    "admin123",
    "administrator",
    "change-me",
    "change_me",
    "changeit",
    "changeme",
    "confbus-demo",
    "letmein1",
    "mysecret",
    "mysecretkey",
    "password",
    "password1",
    "password123",
    "s3cr3t123",
    "secret123",
    "secretkey",
    "test1234",
    "topsecret",
    "12345678",
    "123456789",
];
/// Characters below which trying all is no work.
const SHORTEST: usize = 8;

/// Whether a secret keeps nobody out.
pub(crate) fn is_weak(secret: &str) -> bool {
    let lower = secret.to_lowercase();
    let is_one_character = |text: &str| text.chars().all(|c| text.starts_with(c));
    secret.chars().count() < SHORTEST || is_one_character(&lower) || USUAL.contains(&&*lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_to_be_tried_are_weak() {
        for (secret, expected) in [
            ("foo", true),
            ("s3cr3t", true),
            ("ChangeMe", true),
            ("change-me", true),
            ("aaaaaaaaaaaa", true),
            ("pässwör", true),
            ("correct horse", false),
            ("b1946ac92492d234", false),
        ] {
            assert_eq!(is_weak(secret), expected, "{secret}");
        }
    }
}
