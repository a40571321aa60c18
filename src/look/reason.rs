//! Why a remote could not be asked, in one word: texts have no end, and labels of metrics must have one.

/// What texts of the remote, the network and libgit2 speak of; the first that fits.
const WORDS: [(&str, &[&str]); 5] = [
    (
        "hostkey",
        &[
            "showed the key",
            "host is not known",
            "host-key",
            "start SSH session",
        ],
    ),
    (
        "auth",
        &[
            "login",
            "forbidden",
            "authentic",
            "credential",
            "publickey",
            "Permission denied",
        ],
    ),
    (
        "dns",
        &[
            "lookup address",
            "resolve address",
            "Name or service",
            "name resolution",
            "dns error",
        ],
    ),
    ("timeout", &["in time", "too long", "timed out", "timeout"]),
    (
        "connect",
        &[
            "refused",
            "unreachable",
            "No route",
            "reset by peer",
            "failed to connect",
            "certificate",
            "broke",
        ],
    ),
];

/// The word for a text.
pub(super) fn reason_of(text: &str) -> &'static str {
    let fits = |words: &&[&str]| words.iter().any(|word| text.contains(word));
    let mut all = WORDS.iter();
    all.find(|(_, words)| fits(words))
        .map_or("protocol", |(reason, _)| reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_a_word() {
        for (text, expected) in [
            ("Connection refused (os error 111)", "connect"),
            ("the connection broke: unexpected end of file", "connect"),
            ("invalid peer certificate: UnknownIssuer", "connect"),
            (
                "failed to lookup address information: Name or service not known",
                "dns",
            ),
            ("the login was refused", "auth"),
            (
                "the remote asks for a login, and none is configured",
                "auth",
            ),
            ("access is forbidden (HTTP 403)", "auth"),
            (
                "there is no such repository, or not without a login (HTTP 404)",
                "auth",
            ),
            ("no connection in time", "timeout"),
            ("nothing came from it for too long", "timeout"),
            ("it was not done in time", "timeout"),
            (
                "git.example showed the key ab, and host-key is cd",
                "hostkey",
            ),
            ("it answered HTTP 500", "protocol"),
            ("it does not speak version 2 of Git's protocol", "protocol"),
        ] {
            assert_eq!(reason_of(text), expected, "{text}");
        }
    }
}
