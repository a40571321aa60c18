//! Where confbus means to answer unlike Spring, and why.

use confbus_protocol::{InvalidName, Profiles};
use percent_encoding::percent_decode;
use serde_json::Value;

use super::{
    request::{Request, one_line},
    wire::Answer,
};

/// Why a repository's address stands in names without the credentials that Spring leaves in it.
pub(super) const NO_CREDENTIALS: &str = "credentials do not leave the server, not even in names";

/// Why these two answers may differ; `None` when they should not.
pub(super) fn reason(request: &Request, old: &Answer, new: &Answer) -> Option<String> {
    held(new)
        .or_else(|| broken_file(old, new))
        .or_else(|| containers_page(old, new))
        .or_else(|| known_answer(old, new))
        .or_else(|| nobodys_profile(request, old, new))
        .or_else(|| explained(old, new))
        .or_else(|| guarded_error(old, new))
}

/// A newer commit cannot be used, and the one before goes on answering.
fn held(new: &Answer) -> Option<String> {
    let held = new.header("x-config-held")?;
    let wanted = held.split(';').next().unwrap_or_default();
    Some(format!(
        "the commit {} cannot be used, so an earlier one answers",
        one_line(wanted)
    ))
}

/// A client takes 404 for "nothing is configured" and starts without its configuration.
fn broken_file(old: &Answer, new: &Answer) -> Option<String> {
    if !matches!(old.status, 404 | 500) || new.status != 500 {
        return None;
    }
    let body: Value = serde_json::from_slice(&new.body).ok()?;
    let message = body.get("message")?.as_str()?;
    // What follows the place may quote the file.
    let (place, _) = message.split_once(": ")?;
    let is_place = place
        .rsplit(':')
        .take(2)
        .all(|part| part.parse::<u32>().is_ok());
    is_place.then(|| {
        format!(
            "{} cannot be read, which confbus answers with 500 and the place, never with 404",
            one_line(place)
        )
    })
}

/// Tomcat's own pages name Tomcat.
fn containers_page(old: &Answer, new: &Answer) -> Option<String> {
    let title = |answer: &Answer| {
        let page = str::from_utf8(&answer.body).ok()?.split_once("<title>")?.1;
        let title = page.split_once("</title>")?.0;
        title.starts_with("HTTP Status ").then(|| title.to_owned())
    };
    let is_same = old.status == new.status && title(old)? == title(new)?;
    is_same.then(|| "the page of the servlet container, of which only the title is the same".into())
}

/// Spring sends the whole answer again.
fn known_answer(old: &Answer, new: &Answer) -> Option<String> {
    (old.status == 200 && new.status == 304)
        .then(|| "the request names the entity tag of what it already has".into())
}

/// Spring finds nothing in Git for a profile that no application can have, and fails over it in a directory.
fn nobodys_profile(request: &Request, old: &Answer, new: &Answer) -> Option<String> {
    let path = request.target.split(|byte| *byte == b'?').next()?;
    let segment = path.split(|byte| *byte == b'/').nth(2)?;
    let profiles = percent_decode(segment).decode_utf8().ok()?;
    let is_nobodys = Profiles::parse(&profiles) == Err(InvalidName::Profile);
    let is_failure = (old.status, new.status) == (500, 404);
    (is_nobodys && is_failure)
        .then(|| "no application can have this profile, which is no failure of the server".into())
}

/// Spring Security refuses without a word.
fn explained(old: &Answer, new: &Answer) -> Option<String> {
    let is_refusal = old.status == new.status && matches!(old.status, 401 | 403);
    let challenge = |answer: &Answer| answer.header("www-authenticate");
    let is_same = is_refusal && challenge(old) == challenge(new);
    (is_same && old.body.is_empty() && !new.body.is_empty())
        .then(|| "who is refused is told what is missing".into())
}

/// What Spring Security takes for an attack becomes 400, whose page takes a login that nobody has checked yet.
fn guarded_error(old: &Answer, new: &Answer) -> Option<String> {
    ((old.status, new.status) == (401, 400))
        .then(|| "a path that could be an attack is refused before anybody logs in".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(old: &Answer, new: &Answer) -> Option<String> {
        super::reason(&Request::parse(b"/orders/dev").unwrap(), old, new)
    }

    fn message(text: &str) -> Answer {
        Answer::of(
            500,
            &[],
            &serde_json::json!({ "status": 500, "message": text }).to_string(),
        )
    }

    #[test]
    fn broken_files_are_named_without_what_stands_in_them() {
        let old = || Answer::of(404, &[], "{}");
        let told = reason(
            &old(),
            &message("orders.yml:14:9: expected a value, found `s3cret`"),
        )
        .unwrap();
        assert!(told.starts_with("orders.yml:14:9 cannot be read"), "{told}");
        assert_eq!(reason(&old(), &message("the disk is full: no")), None);
        assert_eq!(
            reason(&Answer::of(200, &[], ""), &message("orders.yml:14:9: x")),
            None
        );
        assert_eq!(reason(&old(), &Answer::of(500, &[], "{}")), None);
    }

    #[test]
    fn a_held_commit_is_named() {
        let new = Answer::of(
            200,
            &[("x-config-held", "3f9c1e2; orders.yml:14:9: s3cret")],
            "",
        );
        assert_eq!(
            reason(&Answer::of(404, &[], ""), &new).as_deref(),
            Some("the commit 3f9c1e2 cannot be used, so an earlier one answers")
        );
    }

    #[test]
    fn a_containers_page_has_its_title() {
        let page = |status, title: &str| {
            Answer::of(
                status,
                &[],
                &format!("<html><title>{title}</title>{status}"),
            )
        };
        let title = "HTTP Status 400 – Bad Request";
        assert!(
            reason(
                &page(400, title),
                &Answer::of(400, &[], &format!("<title>{title}</title>"))
            )
            .is_some()
        );
        assert_eq!(
            reason(&page(400, title), &page(400, "HTTP Status 404")),
            None
        );
        assert_eq!(reason(&page(400, title), &page(404, title)), None);
        assert_eq!(reason(&page(400, "Orders"), &page(400, "Orders")), None);
    }

    #[test]
    fn a_known_answer_is_not_sent_again() {
        assert!(reason(&Answer::of(200, &[], "x"), &Answer::of(304, &[], "")).is_some());
        assert_eq!(
            reason(&Answer::of(304, &[], ""), &Answer::of(200, &[], "x")),
            None
        );
    }

    #[test]
    fn a_profile_that_cannot_be_is_not_found() {
        let [failed, missing] = [500, 404].map(|status| Answer::of(status, &[], "{}"));
        let told = |target: &str, old, new| {
            let request = Request::parse(target.as_bytes()).unwrap();
            super::reason(&request, old, new).is_some()
        };
        for (target, expected) in [
            ("/orders/-dev", true),
            ("/orders/dev,,x/main?y", true),
            ("/orders/%7Bdev%7D", true),
            ("/orders/dev", false),
            ("/-orders/dev", false),
            ("/orders", false),
        ] {
            assert_eq!(told(target, &failed, &missing), expected, "{target}");
        }
        assert!(!told("/orders/-dev", &missing, &failed));
    }

    #[test]
    fn a_refusal_may_say_why() {
        let asks = |realm: &str, body| Answer::of(401, &[("www-authenticate", realm)], body);
        let silent = asks("Basic", "");
        assert!(reason(&silent, &asks("Basic", "{}")).is_some());
        assert_eq!(reason(&silent, &asks("Bearer", "{}")), None);
        assert_eq!(reason(&asks("Basic", "{}"), &silent), None);
        assert_eq!(reason(&silent, &Answer::of(403, &[], "{}")), None);
    }

    #[test]
    fn a_path_is_refused_before_a_login() {
        let [bare, bad, fine] = [401, 400, 200].map(|status| Answer::of(status, &[], ""));
        assert!(reason(&bare, &bad).is_some());
        assert_eq!(reason(&bad, &bare), None);
        assert_eq!(reason(&bare, &fine), None);
    }
}
