use std::time::Duration;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

use super::*;

fn named(name: &str, password: &str) -> Named {
    Named {
        name: name.into(),
        password: Password::parse(password).unwrap(),
    }
}

fn basic(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

fn evidence(header: &str) -> Evidence<'_> {
    Evidence {
        address: Some("10.0.0.7".parse().unwrap()),
        authorization: (!header.is_empty()).then_some(header.as_bytes()),
        certificate: None,
    }
}

async fn ask(access: &Access, header: &str) -> Caller {
    access.identify(&evidence(header), || false).await
}

fn name(caller: &Caller) -> Option<&str> {
    caller.proved().map(Principal::name)
}

fn is_unknown(caller: &Caller, why: Unknown) -> bool {
    matches!(caller, Caller::Unknown(unknown) if *unknown == why)
}

#[tokio::test]
async fn each_way_leads_in() {
    let (access, keeper) = Access::new(Settings {
        users: vec![
            named("ana", "correct horse"),
            named("jo", &hash_token("battery staple").unwrap()),
        ],
        tokens: vec![named("ci", &hash_token("ci.0123456789abcdef").unwrap())],
        certificates: true,
        ..Settings::default()
    });
    assert!(keeper.is_none());
    for (header, expected) in [
        (basic("ana:correct horse"), Some("ana")),
        (basic("jo:battery staple"), Some("jo")),
        (basic("ana:battery staple"), None),
        (basic("eve:correct horse"), None),
        ("Bearer ci.0123456789abcdef".to_owned(), Some("ci")),
        ("Bearer ci.0123456789abcdee".to_owned(), None),
        ("Bearer correct".to_owned(), None),
        ("Digest x".to_owned(), None),
        (String::new(), None),
    ] {
        let surely = || access.surely_allows(&evidence(&header), || false, None);
        assert!(!surely(), "{header}");
        let caller = ask(&access, &header).await;
        assert_eq!(name(&caller), expected, "{header}");
        assert_eq!(surely(), expected.is_some(), "{header}");
        if expected.is_none() {
            let why = if header.is_empty() {
                Unknown::SaidNothing
            } else {
                Unknown::NotBelieved
            };
            assert!(is_unknown(&caller, why), "{caller:?}");
        }
    }
    let certificate = |authorization| Evidence {
        certificate: Some("orders.example"),
        authorization,
        ..Evidence::default()
    };
    let caller = access.identify(&certificate(None), || false).await;
    assert_eq!(name(&caller), Some("orders.example"));
    // Whoever says something wrong is not heard with something else.
    let caller = access
        .identify(&certificate(Some(b"Bearer x")), || false)
        .await;
    assert!(is_unknown(&caller, Unknown::NotBelieved));
}

#[tokio::test]
async fn a_header_is_no_certificate() {
    let (access, _) = Access::new(Settings {
        certificates: true,
        ..Settings::default()
    });
    let caller = ask(&access, "orders.example").await;
    assert!(is_unknown(&caller, Unknown::SaidNothing));
    let (access, _) = Access::new(Settings {
        users: vec![named("ana", "correct horse")],
        ..Settings::default()
    });
    let shown = Evidence {
        certificate: Some("ana"),
        ..Evidence::default()
    };
    let caller = access.identify(&shown, || true).await;
    assert!(is_unknown(&caller, Unknown::SaidNothing));
}

#[tokio::test]
async fn who_fails_often_waits_and_who_is_known_does_not() {
    let (access, _) = Access::new(Settings {
        users: vec![named("ana", "correct horse")],
        ..Settings::default()
    });
    let right = basic("ana:correct horse");
    assert_eq!(name(&ask(&access, &right).await), Some("ana"));
    let mut waits = false;
    for number in 0..50 {
        let caller = ask(&access, &basic(&format!("ana:{number}"))).await;
        assert!(caller.may_enter().is_err());
        waits = matches!(caller, Caller::Unknown(Unknown::TooOften(wait)) if wait > Duration::ZERO);
    }
    assert!(waits);
    // As if it had been long ago.
    let (digest, _) = access.0.shown(&evidence(&right)).unwrap();
    let somebody = Principal::new("ana", Proof::Password, rules::Grants::Everything);
    let (now, none) = (Instant::now(), Some(Duration::ZERO));
    access
        .0
        .remembered
        .add(digest, Arc::new(somebody), now, none);
    assert!(access.0.known(&digest).is_none());
    assert_eq!(name(&ask(&access, &right).await), Some("ana"));
    let elsewhere = Evidence {
        address: Some("10.0.0.8".parse().unwrap()),
        ..evidence("Basic !")
    };
    let caller = access.identify(&elsewhere, || false).await;
    assert!(is_unknown(&caller, Unknown::NotBelieved));
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_keeps_its_turn_and_has_failed() {
    let (access, _) = Access::new(Settings {
        users: vec![named("jo", &hash_token("battery staple").unwrap())],
        ..Settings::default()
    });
    let free = access.0.turns.free();
    // One is left, and none comes back while the clock stands still.
    let attempt = access.0.attempts.of("10.0.0.7".parse().unwrap());
    (0..19).for_each(|_| _ = attempt.failed());
    let wrong = basic("jo:0");
    let mut asking = Box::pin(ask(&access, &wrong));
    // Once is enough for the check to begin.
    let hung_up = std::future::poll_fn(|context| {
        std::task::Poll::Ready(asking.as_mut().poll(context).is_pending())
    });
    assert!(hung_up.await);
    drop(asking);
    assert!(access.0.turns.free() < free);
    while access.0.turns.free() < free {
        tokio::task::yield_now().await;
    }
    let caller = ask(&access, &basic("jo:battery staple")).await;
    assert!(
        matches!(caller, Caller::Unknown(Unknown::TooOften(_))),
        "{caller:?}"
    );
}

#[tokio::test]
async fn an_open_server_knows_those_who_say_who_they_are() {
    let (access, _) = Access::new(Settings {
        mode_none: true,
        users: vec![named("ana", "correct horse")],
        ..Settings::default()
    });
    assert!(matches!(ask(&access, "").await, Caller::Anyone));
    assert!(matches!(
        ask(&access, &basic("ana:x")).await,
        Caller::Anyone
    ));
    assert_eq!(
        name(&ask(&access, &basic("ana:correct horse")).await),
        Some("ana")
    );
    assert!(access.surely_allows(&evidence(""), || false, None));
}

#[tokio::test]
async fn what_is_known_is_held_against_the_rules_each_time() {
    let read = Kinds::named("read").unwrap();
    let (access, _) = Access::new(Settings {
        users: vec![named("ana", "correct horse")],
        rules: vec![Rule {
            principals: vec![Who::Anybody],
            allow: read,
            applications: vec![Pattern::new("orders")],
            profiles: Patterns::All,
            labels: Patterns::All,
            paths: Patterns::All,
        }],
        ..Settings::default()
    });
    let header = basic("ana:correct horse");
    ask(&access, &header).await;
    let allows = |application: &str| {
        let wanted = Wanted::cipher(Kind::Read, application, "dev");
        access.surely_allows(&evidence(&header), || false, Some(&wanted))
    };
    assert!(allows("orders") && !allows("billing"));
    // No machine is trusted where there is somebody to be.
    let caller = access.identify(&evidence(""), || true).await;
    assert!(is_unknown(&caller, Unknown::SaidNothing));
}

#[tokio::test]
async fn nobody_fails_whose_key_the_issuer_could_not_be_asked_for() {
    let (access, _keeper) = Access::new(Settings {
        jwt: Some(JwtSettings {
            issuer: "https://idp.example".into(),
            place: Place::Keys("https://idp.example/keys".parse().unwrap()),
            audiences: vec!["confbus".to_owned()],
            algorithms: Algorithms::all(),
            principal_claim: "sub".into(),
        }),
        ..Settings::default()
    });
    let keys = &access.0.jwt.as_ref().unwrap().keys;
    keys.ends(Some(jwt::Set::empty()));
    keys.ends(None);
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","kid":"rotated"}"#);
    let token = format!("Bearer {header}.e30.x");
    for _ in 0..40 {
        let caller = ask(&access, &token).await;
        assert!(is_unknown(&caller, Unknown::NotChecked), "{caller:?}");
    }
    // An issuer that answers has no such key.
    keys.ends(Some(jwt::Set::empty()));
    assert!(is_unknown(&ask(&access, &token).await, Unknown::NoSuchKey));
}
