use confbus_protocol::{Application, Destination, Label, Profiles};
use confbus_resolution::{EnvironmentRequest, RepoPath};
use serde_json::{Map, json};

use super::*;
use crate::access::Wanted;

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::new(text)).collect()
}

fn these(texts: &[&str]) -> Patterns {
    Patterns::These(patterns(texts))
}

fn rule(who: &str, allow: &[&str], applications: &[&str]) -> Rule {
    let allow = allow.iter().filter_map(|word| Kinds::named(word));
    Rule {
        principals: vec![Who::Named(Pattern::new(who))],
        allow: allow.fold(Kinds::default(), Kinds::and),
        applications: patterns(applications),
        profiles: Patterns::All,
        labels: Patterns::All,
        paths: Patterns::All,
    }
}

fn grants(rules: Vec<Rule>, who: &str) -> Grants {
    let rules = Arc::new(Rules::new(rules, vec!["main".into()]));
    rules.grants(Proof::Password, who, &Map::new())
}

/// `orders/dev` or `orders/dev/main`.
fn request(address: &str) -> EnvironmentRequest {
    let mut parts = address.splitn(3, '/');
    let mut part = || parts.next();
    EnvironmentRequest {
        application: Application::parse(part().unwrap()).unwrap(),
        profiles: Profiles::parse(part().unwrap()).unwrap(),
        label: part().map(|label| Label::parse(label).unwrap()),
    }
}

#[track_caller]
fn check(grants: &Grants, address: &str, expected: bool) {
    let wanted = Wanted::environment(&request(address));
    assert_eq!(grants.allow(&wanted), expected, "{address}");
}

#[test]
fn without_rules_everything_is_allowed_and_with_one_nothing_else() {
    check(&grants(Vec::new(), "ana"), "orders/dev", true);
    let one = || vec![rule("ana", &["read"], &["orders"])];
    check(&grants(one(), "ana"), "orders/dev", true);
    check(&grants(one(), "ana"), "billing/dev", false);
    check(&grants(one(), "jo"), "orders/dev", false);
    let file = Wanted::file(&request("orders/dev"), &RepoPath::parse("x").unwrap());
    assert!(!grants(one(), "ana").allow(&file));
    assert!(grants(one(), "ana").have(Kind::Read) && !grants(one(), "ana").have(Kind::Files));
}

#[test]
fn every_element_has_to_pass() {
    let rules = vec![
        Rule {
            profiles: these(&["dev", "qa-*"]),
            labels: these(&["main", "feature/*"]),
            ..rule("ana", &["read"], &["orders", "shop-*"])
        },
        Rule {
            profiles: these(&["prod"]),
            labels: these(&["main"]),
            ..rule("*", &["read"], &["orders"])
        },
    ];
    let grants = grants(rules, "ana");
    for (address, expected) in [
        ("orders/dev", true),
        ("orders/dev/main", true),
        ("orders/dev/v1", false),
        ("orders/dev/feature(_)x", true),
        ("orders/dev/main,v1", false),
        ("orders/dev/main,feature(_)x", true),
        ("orders/prod", true),
        // Each combination by a rule of its own.
        ("orders/dev,prod", true),
        ("orders/dev,prod/feature(_)x", false),
        ("orders,shop-eu/dev", true),
        ("orders,shop-eu/dev,prod", false),
        ("shop-eu,billing/dev", false),
        ("billing,shop-eu/dev", false),
        ("Orders/dev", false),
        ("orders/Dev", false),
    ] {
        check(&grants, address, expected);
    }
}

#[test]
fn applications_in_folders_are_named_as_such() {
    let some = grants(vec![rule("ana", &["read"], &["orders*", "shop/*"])], "ana");
    for (address, expected) in [
        ("orders/dev", true),
        ("orders(_)x/dev", false),
        ("orders-eu(_)x/dev", false),
        ("shop(_)x/dev", true),
        ("shop(_)x(_)y/dev", false),
        ("shop/dev", false),
    ] {
        check(&some, address, expected);
    }
    check(
        &grants(vec![rule("ana", &["read"], &["*"])], "ana"),
        "shop(_)x(_)y/dev",
        true,
    );
}

#[test]
fn a_file_that_another_application_is_named_for_is_its_own() {
    let rules = || {
        vec![
            rule("ana", &["read", "files"], &["orders"]),
            rule("jo", &["read"], &["orders-eu"]),
        ]
    };
    let ana = grants(rules(), "ana");
    check(&ana, "orders/prod", true);
    check(&ana, "orders/eu", false);
    check(&ana, "orders/eu-prod", false);
    check(&ana, "orders/dev,eu", false);
    check(&grants(rules(), "jo"), "orders-eu/prod", true);
    check(&grants(rules(), "jo"), "orders/eu", false);
    let file = |path| {
        let path = RepoPath::parse(path).unwrap();
        ana.allow(&Wanted::file(&request("orders/dev"), &path))
    };
    assert!(file("nginx.conf") && file("orders.yml"));
    assert!(!file("orders-eu.yml") && !file("orders-eu/nginx.conf"));
}

#[test]
fn a_plain_file_is_whose_it_was_found_to_be() {
    let rules = vec![
        rule("ana", &["files"], &["orders"]),
        rule("jo", &["read"], &["billing", "orders-eu"]),
    ];
    let ana = grants(rules, "ana");
    for (address, path, found, expected) in [
        ("orders/dev", "x", "x-dev", true),
        ("orders/dev", "x", "orders/x", true),
        ("orders/dev", "tls.key", "billing/tls.key", false),
        ("orders/prod.yml", "billing", "billing-prod.yml", false),
        // Its placeholders stand for what `orders-eu` says.
        ("orders/eu", "x", "x", false),
    ] {
        let path = RepoPath::parse(path).unwrap();
        let wanted = Wanted::file(&request(address), &path).found_at(found);
        assert_eq!(ana.allow(&wanted), expected, "{address} {found}");
    }
}

#[test]
fn too_many_combinations_are_nobodys_question() {
    let many = |name: &str, count: usize| -> String {
        let names: Vec<_> = (0..count).map(|number| format!("{name}{number}")).collect();
        names.join(",")
    };
    let grants = grants(vec![rule("ana", &["read"], &["*"])], "ana");
    check(
        &grants,
        &format!("{}/{}", many("a", 32), many("p", 32)),
        true,
    );
    check(
        &grants,
        &format!("{}/{}", many("a", 33), many("p", 32)),
        false,
    );
}

#[test]
fn destinations_are_covered_by_what_is_as_wide() {
    let some = grants(
        vec![rule("ana", &["refresh"], &["orders", "shop-*"])],
        "ana",
    );
    for (destination, expected) in [
        ("orders", true),
        ("orders:dev:**", true),
        ("shop-eu:8080", true),
        ("shop-*:**", true),
        ("shop-?", true),
        ("shop*", false),
        ("order?", false),
        ("orders*", false),
        ("{x}", false),
        ("*", false),
        ("**", false),
        ("**:8080", false),
        ("", false),
        ("billing", false),
    ] {
        let wanted = Wanted::destination(Kind::Refresh, &Destination::from_wire(destination));
        assert_eq!(some.allow(&wanted), expected, "{destination}");
    }
    let all = grants(vec![rule("ana", &["refresh"], &["*"])], "ana");
    assert!(all.allow(&Wanted::destination(
        Kind::Refresh,
        &Destination::everyone()
    )));
}

#[test]
fn an_address_without_a_profile_is_that_of_all() {
    let only_dev = Rule {
        profiles: these(&["dev"]),
        ..rule("ana", &["operate"], &["orders"])
    };
    let grants = grants(vec![only_dev], "ana");
    assert!(grants.allow(&Wanted::address(Kind::Operate, "orders", Some("dev"), None)));
    assert!(!grants.allow(&Wanted::address(Kind::Operate, "orders", None, None)));
    assert!(!grants.allow(&Wanted::address(
        Kind::Operate,
        "orders",
        Some("prod"),
        None
    )));
}

#[test]
fn profiles_and_labels_restrict_refreshes_and_reports() {
    let some = Rule {
        profiles: these(&["dev"]),
        labels: these(&["main"]),
        ..rule("ana", &["refresh", "report"], &["orders"])
    };
    let grants = grants(vec![some], "ana");
    // Whoever acts on it may have any profile.
    assert!(!grants.allow(&Wanted::destination(
        Kind::Refresh,
        &Destination::from_wire("orders")
    )));
    for (profiles, label, expected) in [
        ("dev", "main", true),
        ("dev,prod", "main", false),
        ("dev", "main,v1", false),
        ("prod", "main", false),
    ] {
        let report = json!({
            "instance": "orders:1", "application": "orders",
            "profiles": profiles, "label": label, "outcome": "applied",
        });
        let report = confbus_protocol::Report::from_json(report.to_string().as_bytes()).unwrap();
        let allowed = grants.allow(&Wanted::report(&report));
        assert_eq!(allowed, expected, "{profiles} {label}");
    }
}

#[test]
fn who_reports_is_an_instance_of_what_it_may_report_about() {
    let grants = grants(vec![rule("ana", &["report"], &["orders", "shop-*"])], "ana");
    for (instance, application, expected) in [
        ("orders:1", "orders", true),
        ("orders:dev:8081:x", "shop-eu", true),
        ("shop-eu:dev:8081:x", "orders,shop-us", true),
        ("billing:dev:8081:x", "orders", false),
        ("billing", "orders", false),
        ("orders:1", "billing", false),
        ("orders:1", "orders,billing", false),
        ("orders,billing:1", "orders", false),
    ] {
        let report = json!({
            "instance": instance, "application": application, "profiles": "dev", "outcome": "applied",
        });
        let report = confbus_protocol::Report::from_json(report.to_string().as_bytes()).unwrap();
        let allowed = grants.allow(&Wanted::report(&report));
        assert_eq!(allowed, expected, "{instance} {application}");
    }
}

#[test]
fn a_name_counts_only_with_its_proof() {
    let claims = json!({ "groups": ["ops"] });
    let claims = claims.as_object().unwrap();
    let claim = Who::Claim {
        name: "groups".into(),
        value: Pattern::new("ops"),
    };
    let name = || Pattern::new("ana");
    for (who, expected) in [
        (Who::Anybody, [true, true, true, true]),
        (Who::Named(name()), [true, true, false, false]),
        (Who::Issued(name()), [false, false, true, false]),
        (Who::Certified(name()), [false, false, false, true]),
        (claim, [false, false, true, false]),
    ] {
        let proofs = [
            Proof::Password,
            Proof::Token,
            Proof::Jwt,
            Proof::Certificate,
        ];
        for (proof, expected) in proofs.into_iter().zip(expected) {
            let nothing = Map::new();
            let claims = if proof == Proof::Jwt {
                claims
            } else {
                &nothing
            };
            assert_eq!(who.is(proof, "ana", claims), expected, "{who:?} {proof:?}");
        }
    }
}

#[test]
fn a_label_that_is_not_named_is_that_of_every_repository() {
    let rule = Rule {
        labels: these(&["main"]),
        ..rule("ana", &["read"], &["*"])
    };
    let wanted = Wanted::environment(&request("orders/dev"));
    for (labels, expected) in [
        (&["main"][..], true),
        (&["main", "master"], false),
        (&[], false),
    ] {
        let labels = labels.iter().map(|label| (*label).into()).collect();
        let rules = Arc::new(Rules::new(vec![rule.clone()], labels));
        let grants = rules.grants(Proof::Password, "ana", &Map::new());
        assert_eq!(grants.allow(&wanted), expected);
    }
}
