use super::*;

/// The settings, and what is wrong with them.
fn read(settings: &[(&str, &str)], is_reachable: bool) -> (Settings, String, String) {
    let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let mut reader = Reader::of(settings.iter().map(own).collect(), Vec::new());
    let settings = access(&mut reader, is_reachable);
    let (problems, warnings) = reader.finish();
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    (settings, problems.join("\n"), warnings.join("\n"))
}

#[track_caller]
fn refused(settings: &[(&str, &str)], is_reachable: bool, expected: &str) {
    let (_, problems, _) = read(settings, is_reachable);
    assert!(problems.contains(expected), "{settings:?}: {problems}");
}

const TOKEN: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$1bXfGHhzLuFFhU0w7h7S6jMVKG6HBcDTrXTEYXQYXPQ";

#[test]
fn all_identities_and_rules_are_read() {
    let (settings, problems, warnings) = read(
        &[
            ("spring.security.user.password", "correct horse"),
            (
                "confbus.security.users.ana.password",
                "{noop}battery staple",
            ),
            ("confbus.security.tokens.ci.hash", TOKEN),
            (
                "spring.security.oauth2.resourceserver.jwt.issuer-uri",
                "https://idp.example/x",
            ),
            (
                "spring.security.oauth2.resourceserver.jwt.audiences",
                "confbus",
            ),
            (
                "spring.security.oauth2.resourceserver.jwt.jws-algorithms",
                "ES256,RS256",
            ),
            ("confbus.security.rules[0].principals", "ana,jwt:orders-*"),
            ("confbus.security.rules[0].applications", "orders"),
            ("confbus.security.rules[0].allow", "read"),
            (
                "confbus.security.rules[1].principals[0]",
                "claim:groups=ops",
            ),
            ("confbus.security.rules[1].allow[0]", "fleet"),
            ("confbus.security.rules[1].allow[1]", "health"),
        ],
        true,
    );
    assert_eq!((problems.as_str(), warnings.as_str()), ("", ""));
    let names: Vec<_> = settings.users.iter().map(|user| &*user.name).collect();
    assert_eq!(names, ["user", "ana"]);
    assert_eq!((settings.tokens.len(), settings.rules.len()), (1, 2));
    assert!(settings.jwt.is_some() && settings.weak_secrets.is_empty());
}

#[test]
fn what_would_open_more_than_was_meant_is_refused() {
    let rule = |member: &'static str, value: &'static str| {
        let mut rule = vec![
            ("confbus.security.rules[0].principals", "ana"),
            ("confbus.security.rules[0].applications", "orders"),
            ("confbus.security.rules[0].allow", "read"),
        ];
        rule.retain(|(key, _)| *key != member);
        rule.push((member, value));
        rule
    };
    for (member, value, expected) in [
        (
            "confbus.security.rules[0].profile",
            "dev",
            "`profile` is nothing that a rule has",
        ),
        ("confbus.security.rules[0].principals", "", "is for nobody"),
        (
            "confbus.security.rules[0].principals",
            "cert:x",
            "is for nobody",
        ),
        (
            "confbus.security.rules[0].principals",
            "claim:groups",
            "is for nobody",
        ),
        ("confbus.security.rules[0].allow", "write", "`write` in"),
        ("confbus.security.rules[0].allow", "", "allows nothing"),
        (
            "confbus.security.rules[0].applications",
            "",
            "names no applications",
        ),
        (
            "confbus.security.rules[0].applications",
            "order?",
            "holds one of",
        ),
        ("confbus.security.rules[0].profiles", "", "names nothing"),
        ("confbus.security.rules[0].labels", ",", "names nothing"),
        (
            "confbus.security.rules[0].labels",
            "main,,x",
            "names nothing",
        ),
        ("confbus.security.rules[0].paths[0]", " ", "names nothing"),
        ("confbus.security.rules[0].paths[1]", "x", "names nothing"),
        ("confbus.security.rules[0].paths[0].x", "x", "names nothing"),
        ("confbus.security.rules[0].allow", "all", "secrets of all"),
        (
            "confbus.security.rules[0].allow",
            "decrypt",
            "secrets of all",
        ),
        ("confbus.security.rules.team.principals", "x", "are a list"),
        ("confbus.security.rules[x].principals", "x", "are a list"),
        ("confbus.security.rules", "", "are a list"),
        ("confbus.security.rule[0].allow", "read", "its spelling"),
        ("confbus.security.weak-secret", "true", "its spelling"),
        ("confbus.security.mode", "none", "what rules are to keep"),
    ] {
        refused(&rule(member, value), false, expected);
    }
    let jwt = "spring.security.oauth2.resourceserver.jwt";
    let (issuer, keys) = (format!("{jwt}.issuer-uri"), format!("{jwt}.jwk-set-uri"));
    let (audiences, algorithms) = (format!("{jwt}.audiences"), format!("{jwt}.jws-algorithms"));
    let good = (issuer.as_str(), "https://idp.example");
    let audience = (audiences.as_str(), "confbus");
    refused(&[good], false, "issued for others");
    refused(
        &[(&issuer, "http://idp.example"), audience],
        false,
        "behind https",
    );
    refused(
        &[(&issuer, "https://u:p@idp.example"), audience],
        false,
        "without a password",
    );
    refused(
        &[(&keys, "https://idp.example/keys"), audience],
        false,
        "none is named",
    );
    refused(
        &[good, audience, (&algorithms, "HS256")],
        false,
        "`HS256` is no algorithm",
    );
    refused(
        &[("confbus.security.tokens.ci.hash", "secret")],
        false,
        "hash-token",
    );
    refused(
        &[("confbus.security.users.ana.pass", "x")],
        false,
        "`ana` has no password",
    );
    refused(
        &[("confbus.security.users.ana.password", "{md5}x")],
        false,
        "is no password",
    );
}

#[test]
fn nothing_is_open_to_a_network_by_one_word() {
    let mode = ("confbus.security.mode", "none");
    refused(&[mode], true, "confbus.security.open-to-network=true");
    let (settings, problems, warnings) = read(&[mode], false);
    assert!(settings.mode_none && problems.is_empty());
    assert!(
        warnings.contains("every program on this machine"),
        "{warnings}"
    );
    let (settings, problems, warnings) =
        read(&[mode, ("confbus.security.open-to-network", "true")], true);
    assert!(settings.mode_none && problems.is_empty(), "{problems}");
    assert!(warnings.contains("the whole network"), "{warnings}");
}

#[test]
fn secrets_that_are_guessed_do_not_face_a_network() {
    let weak = [
        ("spring.security.user.password", "s3cret"),
        ("encrypt.key", "changeme"),
    ];
    refused(
        &weak,
        true,
        "`encrypt.key` is a secret that is quickly guessed",
    );
    refused(&weak, true, "`spring.security.user.password` is a secret");
    let previous = ("confbus.monitor.previous-secrets.github", "s3cret");
    refused(&[previous], true, "previous-secrets.github` is a secret");
    let keys = ["spring.security.user.password", "encrypt.key"];
    let (settings, problems, _) = read(&weak, false);
    assert_eq!(
        (settings.weak_secrets, problems.as_str()),
        (keys.map(str::to_owned).into(), "")
    );
    let meant = [weak[0], weak[1], ("confbus.security.weak-secrets", "true")];
    let (_, problems, warnings) = read(&meant, true);
    assert_eq!(problems, "");
    assert!(warnings.contains("lets it pass"), "{warnings}");
}
