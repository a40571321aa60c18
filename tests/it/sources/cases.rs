use serde_json::Value;

use super::{Keeps, Source, said, serve};
use crate::support::{Answer, TestServer, eventually, expect_that};

/// Makes the tests of one source: `$start` gives one, or nothing where its program is not installed.
macro_rules! keeps_the_promises {
    ($start:expr) => {
        #[test]
        fn it_is_answered_from() {
            if let Some(mut source) = $start {
                $crate::sources::cases::is_answered_from(&mut source);
            }
        }

        #[test]
        fn labels_are_told_apart() {
            if let Some(mut source) = $start {
                $crate::sources::cases::labels_are_told_apart(&mut source);
            }
        }

        #[test]
        fn a_refresh_sees_what_changed() {
            if let Some(mut source) = $start {
                $crate::sources::cases::a_refresh_sees_what_changed(&mut source);
            }
        }

        #[test]
        fn its_end_takes_nothing_away() {
            if let Some(mut source) = $start {
                $crate::sources::cases::its_end_takes_nothing_away(&mut source);
            }
        }
    };
}
pub(super) use keeps_the_promises;

/// Reads until the source was reached for the first time.
fn read(server: &TestServer, path: &str) -> Answer {
    eventually(&format!("an answer to {path}"), || {
        let answer = server.get(path);
        expect_that(answer.status != 503, &answer).map(|()| answer)
    })
}

/// Found, missing, order of profiles, the profile `default`, and the version.
pub(super) fn is_answered_from(source: &mut dyn Source) {
    source.put("orders", None, "who", "orders");
    source.put("orders", Some("dev"), "who", "dev");
    source.put("orders", Some("qa"), "who", "qa");
    source.put("orders", None, "text", "a = 'b', \"c\"");
    let server = serve(source);
    let check = |path: &str, expected: &[(Option<&str>, &str)]| {
        let answer = read(&server, path);
        let found = said(&answer, "who");
        let values: Vec<_> = found.iter().map(|(_, value)| value.clone()).collect();
        let wanted: Vec<_> = expected
            .iter()
            .map(|(_, value)| Value::from(*value))
            .collect();
        assert_eq!(values, wanted, "{path}: {answer:?}");
        for ((name, _), (profile, _)) in found.iter().zip(expected) {
            let ending = source.name("orders", *profile);
            assert!(name.ends_with(&ending), "{name} does not end in {ending}");
        }
        answer
    };
    check("/orders/default", &[(None, "orders")]);
    check("/orders/dev", &[(Some("dev"), "dev"), (None, "orders")]);
    let both = source.of_dev_and_qa().into_iter();
    let both: Vec<_> = both
        .map(|profile| (profile, profile.unwrap_or("orders")))
        .collect();
    let answer = check("/orders/dev,qa", &both).json();
    assert_eq!(answer["name"], "orders");
    assert_eq!(answer["profiles"], Value::from(vec!["dev,qa"]));
    assert_eq!(answer["label"], Value::Null);
    assert_eq!(answer["version"].is_string(), source.has_versions());
    check("/nobody/dev,qa", &[]);
    assert_eq!(server.value("/orders/default", "text"), "a = 'b', \"c\"");
    let text = read(&server, "/orders-dev.properties").body;
    assert!(text.contains("who: dev"), "{text}");
}

pub(super) fn labels_are_told_apart(source: &mut dyn Source) {
    source.put("orders", None, "who", "default");
    let has_labels = source.put_at_v1("orders", "who", "v1");
    let server = serve(source);
    let strongest = |path: &str| {
        let answer = read(&server, path);
        said(&answer, "who").first().map(|(_, value)| value.clone())
    };
    assert_eq!(strongest("/orders/default"), Some("default".into()));
    let at_v1 = if has_labels { "v1" } else { "default" };
    assert_eq!(strongest("/orders/default/v1"), Some(at_v1.into()));
    let answer = read(&server, "/orders/default/v1").json();
    assert_eq!(answer["label"], "v1");
}

pub(super) fn a_refresh_sees_what_changed(source: &mut dyn Source) {
    source.put("orders", None, "n", "1");
    let server = serve(source);
    read(&server, "/orders/dev");
    assert_eq!(server.value("/orders/dev", "n"), "1");
    source.put("orders", None, "n", "2");
    source.put("orders", Some("dev"), "new", "x");
    assert_eq!(server.post("/actuator/busrefresh").status, 204);
    assert_eq!(server.value("/orders/dev", "n"), "2");
    assert_eq!(server.value("/orders/dev", "new"), "x");
}

/// What was answered is answered, what was not is never answered with less, and what changed meanwhile is seen.
pub(super) fn its_end_takes_nothing_away(source: &mut dyn Source) {
    source.put("orders", None, "n", "1");
    source.put("billing", None, "n", "1");
    let server = serve(source);
    let before = read(&server, "/orders/dev");
    source.stop();
    // The server looks, in vain.
    server.post("/actuator/busrefresh");
    let after = server.get("/orders/dev");
    let unasked = server.get("/billing/dev");
    match source.keeps() {
        Keeps::Everything => {
            assert_eq!((after.status, &after.body), (200, &before.body));
            assert_eq!(server.value("/billing/dev", "n"), "1");
        }
        #[cfg(any(feature = "awss3", feature = "jdbc", feature = "redis"))]
        Keeps::Answers => {
            assert_eq!((after.status, &after.body), (200, &before.body));
            assert_eq!(unasked.status, 503, "{unasked:?}");
            assert_eq!(unasked.header("retry-after"), Some("1"));
        }
        Keeps::Nothing => {
            assert_eq!(after.status, 500, "{after:?}");
            assert_eq!(unasked.status, 500, "{unasked:?}");
        }
    }
    source.go_on();
    source.put("orders", None, "n", "2");
    eventually("what changed", || {
        server.post("/actuator/busrefresh");
        let answer = server.get("/orders/dev");
        expect_that(answer.body.contains("\"2\""), &answer)
    });
    read(&server, "/billing/dev");
    assert_eq!(server.value("/billing/dev", "n"), "1");
}
