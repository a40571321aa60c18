//! Addresses of pages, below the path where they begin.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;

pub(super) use crate::ledger::short;

/// What stands for itself in a segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b',')
    .remove(b'@');

/// A page below another one.
pub(super) fn below(place: &str, segment: &str) -> String {
    format!("{place}/{}", utf8_percent_encode(segment, SEGMENT))
}

/// The page of an application under its profiles.
pub(super) fn app(application: &str, profiles: &str) -> String {
    below(&below("/apps", application), profiles)
}

/// A page with what it is asked for; what is empty is left out.
pub(super) fn with_query(place: &str, query: &[(&str, &str)]) -> String {
    let mut serializer = form_urlencoded::Serializer::new(String::new());
    let said = query.iter().filter(|(_, value)| !value.is_empty());
    serializer.extend_pairs(said);
    match serializer.finish() {
        query if query.is_empty() => place.to_owned(),
        query => format!("{place}?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_place() {
        assert_eq!(
            below("/instances", "a:b/c?\"<"),
            "/instances/a:b%2Fc%3F%22%3C"
        );
        assert_eq!(
            with_query("/instances", &[("q", "a&b=c"), ("state", "")]),
            "/instances?q=a%26b%3Dc"
        );
        assert_eq!(with_query("/instances", &[("q", "")]), "/instances");
    }
}
