//! Any request target: what is asked for stays where it belongs, reads back, and is what the rules are asked about.

use confbus_protocol::Label;
use confbus_resolution::{EnvironmentRequest, Format};
use http::{HeaderMap, Method, Uri};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    super::{
        encryption::endpoint,
        settings::Limits,
        target::{is_refused, segments},
    },
    Ask, Query, route,
};
use crate::{
    access::{Wanted, Which},
    environment_repository::split_labels,
};

/// The bytes between the method and the version of a request.
///
/// # Panics
/// When something climbs, does not read back, or is used without the rules being asked.
pub fn path(target: &[u8]) {
    let Ok(uri) = Uri::try_from(target) else {
        return;
    };
    if target.len() > Limits::default().target || is_refused(uri.path(), uri.query()) {
        return;
    }
    let asked = segments(uri.path());
    for segment in &asked {
        assert!(!segment.contains(['/', '\\', '\0']), "{segment:?}");
    }
    for method in [Method::GET, Method::POST] {
        let endpoint = endpoint(&asked, &method);
        _ = endpoint.and_then(|endpoint| endpoint.wanted(&asked));
    }
    let Some(ask) = asked_for(uri.path(), uri.query()) else {
        return;
    };
    stays_inside(&ask);
    asks_the_rules(&ask);
    let printed = printed(&ask);
    assert!(!is_refused(&printed, uri.query()), "{printed}");
    assert_eq!(asked_for(&printed, uri.query()), Some(ask), "{printed}");
}

fn asked_for(path: &str, query: Option<&str>) -> Option<Ask> {
    let query = Query::parse(query);
    let route = route(&segments(path), &query)?;
    let ask = route.ask(&query, &HeaderMap::new(), &Limits::default());
    ask.ok()
}

fn stays_inside(ask: &Ask) {
    let request = ask.request();
    let label = request.label.as_ref().map(Label::as_str);
    for name in [request.application.as_str(), request.profiles.as_str()]
        .into_iter()
        .chain(label)
    {
        assert!(!name.contains("..") && !name.starts_with('/'), "{name:?}");
    }
    if let Ask::Resource { path, .. } = ask {
        let parts: Vec<_> = path.as_str().split('/').collect();
        assert!(parts.len() <= Limits::default().path_segments);
        assert!(
            parts
                .iter()
                .all(|part| !part.is_empty() && !part.contains("..")),
            "{path}"
        );
    }
}

/// Every name that the answer may be made of is one that the rules are asked about.
fn asks_the_rules(ask: &Ask) {
    let wanted = ask.wanted();
    let request = ask.request();
    covers(&wanted.applications, request.application.names());
    covers(&wanted.profiles, request.profiles.names());
    match (ask, &request.label) {
        (_, None) => assert_eq!(wanted.labels, Which::Default),
        (Ask::Resource { .. }, Some(label)) => covers(&wanted.labels, [label.as_str()].into_iter()),
        (_, Some(label)) => {
            let labels = split_labels(label).unwrap_or_default();
            covers(&wanted.labels, labels.iter().map(Label::as_str));
        }
    }
    if let Ask::Resource { path, .. } = ask {
        assert_eq!(wanted.path.as_deref(), Some(path.as_str()));
        assert_eq!(wanted, Wanted::file(request, path));
    }
}

fn covers<'n>(which: &Which, names: impl Iterator<Item = &'n str>) {
    let Which::These(these) = which else {
        panic!("{which:?}");
    };
    assert!(!these.is_empty());
    for name in names {
        assert!(these.iter().any(|one| **one == *name), "{name:?} {which:?}");
    }
}

/// The path that one would write to ask for it.
fn printed(ask: &Ask) -> String {
    let EnvironmentRequest {
        application,
        profiles,
        label,
    } = ask.request();
    let mut parts = Vec::new();
    let label = label.as_ref().map(|label| escaped(label.as_str()));
    let application = application.as_str();
    if let Ask::Converted { format, .. } = ask {
        let extension = match format {
            Format::Yaml => "yml",
            Format::Properties => "properties",
            Format::Json => "json",
        };
        parts.extend(label);
        parts.push(escaped(&format!("{application}-{profiles}.{extension}")));
    } else {
        parts.extend([escaped(application), escaped(profiles.as_str())]);
        parts.extend(label);
    }
    if let Ask::Resource { path, .. } = ask {
        parts.extend(path.as_str().split('/').map(escaped));
    }
    format!("/{}", parts.join("/"))
}

fn escaped(segment: &str) -> String {
    utf8_percent_encode(&segment.replace('/', "(_)"), NON_ALPHANUMERIC).to_string()
}
