use axum::body::Body;
use http::{HeaderMap, StatusCode, header};
use url::form_urlencoded;

use crate::{
    http::{
        Services, Settings,
        access::Asking,
        body::{content_type, read},
        error::Failure,
        pages::token::cookie_of,
    },
    pins::one_line,
};

/// Several times what a form needs.
const LONGEST_BODY: usize = 16 * 1024;
/// Characters of somebody's name.
const LONGEST_NAME: usize = 80;

/// What somebody filled in.
#[derive(Debug, Default)]
pub(super) struct Form {
    values: Vec<(String, String)>,
}

impl Form {
    pub(super) fn of(values: Vec<(String, String)>) -> Self {
        Self { values }
    }

    /// Reads a form that a page of this server sent.
    ///
    /// # Errors
    /// When it is no form, or another site made a browser send it.
    pub(super) async fn read(
        settings: &Settings,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Self, Failure> {
        if content_type(headers) != "application/x-www-form-urlencoded" {
            let failure = Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE);
            return Err(failure.explained("this takes the form of its page"));
        }
        if !is_of_this_site(headers) {
            let failure = Failure::new(StatusCode::FORBIDDEN);
            return Err(failure.explained("another site sent this form"));
        }
        let body = read(body, LONGEST_BODY, &settings.limits).await?;
        let pairs = form_urlencoded::parse(&body);
        Ok(Self::of(pairs.into_owned().collect()))
    }

    /// What was said under this name; the empty text when nothing was.
    pub(super) fn text(&self, name: &str) -> String {
        let mut values = self.values.iter();
        let found = values.find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// Who sends it, if it is a form that was made for this caller, and says why.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn signed(
        &self,
        services: &Services,
        asking: &Asking,
        headers: &HeaderMap,
        action: &str,
    ) -> Result<String, Failure> {
        let wrong = |text: &str| Failure::bad_request().explained(text);
        let cookie = cookie_of(headers).unwrap_or_default();
        let tokens = &services.tokens;
        if cookie.is_empty()
            || !tokens.is_good(&self.text("token"), &cookie, &asking.name(), action)
        {
            return Err(wrong(
                "this form is too old, or was made by another server; nothing was done: look at it and send it again",
            ));
        }
        match one_line(&self.text("reason")) {
            Ok(Some(_)) => {}
            Ok(None) => return Err(wrong("a reason is needed")),
            Err(problem) => return Err(wrong(&problem)),
        }
        if asking.caller.proved().is_some() {
            return Ok(asking.name());
        }
        match one_line(&self.text("name")) {
            Ok(Some(name)) if name.chars().count() <= LONGEST_NAME => {
                Ok(format!("{name} (not proved)"))
            }
            _ => Err(wrong("a name is needed, in one short line")),
        }
    }
}

/// Browsers say where a form comes from; what says nothing is no browser of these days, and has to show the token alone.
fn is_of_this_site(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let origin = origin.to_str().ok().and_then(|text| text.split_once("://"));
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    matches!((origin, host), (Some((_, origin)), Some(host)) if origin.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_come_from_this_site() {
        for (headers, expected) in [
            (&[][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (
                &[("origin", "http://config:8888"), ("host", "config:8888")],
                true,
            ),
            (&[("origin", "http://evil"), ("host", "config:8888")], false),
            (&[("origin", "null"), ("host", "config:8888")], false),
        ] {
            let all = headers.iter().map(|(name, value)| {
                let name = http::HeaderName::from_static(name);
                (name, value.parse().unwrap())
            });
            assert_eq!(is_of_this_site(&all.collect()), expected, "{headers:?}");
        }
    }
}
