use std::{borrow::Cow, sync::Arc};

use confbus_protocol::{Environment, PlaceholderError, PropertyValue, resolve_placeholders};
use indexmap::IndexSet;

use crate::{Blob, EnvironmentRequest, Layout, RepoPath, Snapshot, locations};

/// Finds a plain file for a request.
///
/// In each search location, the root first, the variants of the profiles come before the file itself: for `dev`,
/// `nginx-dev.conf` before `nginx.conf`. Returns the path of what was found.
#[must_use]
pub fn find_resource<'a>(
    snapshot: &'a Snapshot,
    layout: &Layout,
    request: &EnvironmentRequest,
    path: &RepoPath,
) -> Option<(RepoPath, &'a Arc<Blob>)> {
    let mut locations = locations::of_request(snapshot, layout, request).ok()?;
    if layout.reverse_location_order {
        locations.reverse();
    }
    let variants = variants(request, path);
    let mut paths = locations.iter().flat_map(|location| {
        variants
            .iter()
            .map(move |variant| format!("{}{variant}", location.directory))
    });
    let (found, blob) = paths.find_map(|path| snapshot.find(&path))?;
    Some((found.clone(), blob))
}

/// The names a file may have, the preferred first; for the profile `default` that is its own.
fn variants(request: &EnvironmentRequest, path: &RepoPath) -> IndexSet<String> {
    let path = path.as_str();
    let name_start = path.rfind('/').map_or(0, |slash| slash + 1);
    let (stem, extension) = path.split_at(
        path[name_start..]
            .rfind('.')
            .map_or(path.len(), |dot| name_start + dot),
    );
    let variant = |profile| {
        if profile == "default" {
            path.to_owned()
        } else {
            format!("{stem}-{profile}{extension}")
        }
    };
    request
        .profiles
        .names()
        .map(variant)
        .chain([path.to_owned()])
        .collect()
}

/// Replaces the placeholders of a text by an environment's values; unknown ones stay, `\${x}` becomes `${x}`.
///
/// # Errors
/// [`PlaceholderError`] when a value refers to itself, or the values add too much.
pub fn resolve_text(text: &str, environment: &Environment) -> Result<String, PlaceholderError> {
    resolve_placeholders(text, &|key| lookup(environment, key))
}

/// The value of the strongest source that has the key.
fn lookup<'e>(environment: &'e Environment, key: &str) -> Option<Cow<'e, str>> {
    let property = environment
        .property_sources
        .iter()
        .find_map(|source| source.source.get(key))?;
    match &property.value {
        PropertyValue::Null => None,
        PropertyValue::Text(text) => Some(Cow::Borrowed(text)),
        PropertyValue::Bytes(bytes) => Some(Cow::Owned(bytes.to_elements())),
        value => Some(Cow::Owned(value.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{layout, request, snapshot};

    #[track_caller]
    fn check(coordinates: &str, path: &str, expected: Option<&str>) {
        let files = [
            "x.txt",
            "sub/x.txt",
            "sub/x-dev.txt",
            "y-qa.txt",
            "y-dev.txt",
            "conf.tar-dev.gz",
            "README-dev",
            "README",
            "dir.d/z",
            "dir.d/z-dev",
            "d-default.txt",
            "d.txt",
        ];
        let snapshot = snapshot(&files.map(|path| (path, path)));
        let found = find_resource(
            &snapshot,
            &layout(&["sub"]),
            &request(coordinates),
            &RepoPath::parse(path).unwrap(),
        );
        assert_eq!(
            found.map(|(path, _)| path.to_string()).as_deref(),
            expected,
            "{coordinates} {path}"
        );
    }

    #[test]
    fn the_variant_of_a_profile_comes_first_in_each_location() {
        check("foo/dev", "x.txt", Some("x.txt"));
        check("foo/dev", "sub/x.txt", Some("sub/x-dev.txt"));
        check("foo/dev,qa", "y.txt", Some("y-dev.txt"));
        check("foo/qa,dev", "y.txt", Some("y-qa.txt"));
        check("foo/dev", "conf.tar.gz", Some("conf.tar-dev.gz"));
        check("foo/dev", "README", Some("README-dev"));
        check("foo/x", "README", Some("README"));
        check("foo/dev", "dir.d/z", Some("dir.d/z-dev"));
        check("foo/default", "d.txt", Some("d.txt"));
        check("foo/dev", "nothing.txt", None);
        check("foo/dev", "sub", None);
    }

    #[test]
    fn the_last_location_may_be_searched_first() {
        let layout = Layout {
            reverse_location_order: true,
            ..layout(&["sub"])
        };
        let snapshot = snapshot(&[("x.txt", "root"), ("sub/x.txt", "sub")]);
        let (path, blob) = find_resource(
            &snapshot,
            &layout,
            &request("foo/dev"),
            &RepoPath::parse("x.txt").unwrap(),
        )
        .unwrap();
        assert_eq!(
            (path.as_str(), blob.bytes()),
            ("sub/x.txt", Some(&b"sub"[..]))
        );
    }

    #[test]
    fn a_text_sees_the_strongest_value() {
        let snapshot = snapshot(&[
            ("application.yml", "who: low\nport: 1.50"),
            ("foo.yml", "who: high"),
        ]);
        let environment = crate::resolve(&snapshot, &layout(&[]), &request("foo/dev")).unwrap();
        assert_eq!(
            resolve_text(r"${who} ${port} ${none} \${who}", &environment).unwrap(),
            "high 1.5 ${none} ${who}"
        );
    }
}
