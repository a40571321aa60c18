use std::iter::once;

use crate::{
    EnvironmentRequest, Layout, Places, Snapshot, candidates::Candidates, contributors::Group,
    imports::Target, locations, resolve::names,
};

/// Names, profiles and locations of a request, multiplied: with more, to add up takes as long as to read.
const MOST: usize = 32;

/// The bytes of all files that a request reads, without a look into any of them: what they import or include is not counted.
///
/// `None` where it would take long to tell: with wildcards in search paths, and for long lists of names.
///
/// ```
/// use std::sync::Arc;
/// use confbus_protocol::{Application, CommitId, Profiles};
/// use confbus_resolution::{Blob, BlobId, EnvironmentRequest, Files, Layout, RepoPath, Snapshot, bytes_to_read};
/// let path = RepoPath::parse("orders.yml").expect("a path inside");
/// let blob = Arc::new(Blob::new(BlobId([1; 20]), *b"limit: 7"));
/// let files = Files::default().with([(path, Some(blob))]);
/// let snapshot = Snapshot::new(CommitId::from_bytes([1; 20]), files);
/// let request = EnvironmentRequest {
///     application: Application::parse("orders").expect("a name"),
///     profiles: Profiles::parse("dev").expect("a name"),
///     label: None,
/// };
/// assert_eq!(bytes_to_read(&snapshot, &Layout::default(), &request), Some(8));
/// ```
#[must_use]
pub fn bytes_to_read(
    snapshot: &Snapshot,
    layout: &Layout,
    request: &EnvironmentRequest,
) -> Option<u64> {
    let names = names(request);
    let variants = names.len() * (1 + request.profiles.names().count());
    if variants > MOST || has_wildcards(layout) {
        return None;
    }
    let locations = locations::of_request(snapshot, layout, request).ok()?;
    if variants * locations.len() > MOST {
        return None;
    }
    let directory = |location: locations::Location| {
        let directory = Target::Directory(location.directory);
        (location.written.into(), directory)
    };
    let group: Group = locations.into_iter().map(directory).collect();
    let mut candidates = Candidates::new(snapshot, &names);
    for profile in once(None).chain(request.profiles.names().map(Some)) {
        candidates.search(&group, profile);
    }
    let sizes = candidates.found.iter().map(|found| found.blob.size());
    Some(sizes.sum())
}

/// A wildcard is compared with every directory.
fn has_wildcards(layout: &Layout) -> bool {
    match &layout.places {
        Places::Tree { search_paths, .. } => search_paths.iter().any(|path| path.contains('*')),
        Places::Directories { locations, .. } => {
            let mut paths = locations.iter().map(|location| &location.path);
            paths.any(|path| path.contains('*'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{layout, request, snapshot};

    #[track_caller]
    fn check(search_paths: &[&str], coordinates: &str, expected: Option<u64>) {
        let files = [
            ("application.yml", "1"),
            ("application-dev.yml", "22"),
            ("foo.properties", "333"),
            ("foo-dev.yml", "4444"),
            ("foo-qa.yml", "55555"),
            ("sub/foo.yaml", "666666"),
            ("bar.yml", "7777777"),
        ];
        let bytes = bytes_to_read(
            &snapshot(&files),
            &layout(search_paths),
            &request(coordinates),
        );
        assert_eq!(bytes, expected, "{coordinates} in {search_paths:?}");
    }

    #[test]
    fn all_files_count_that_names_and_profiles_lead_to() {
        check(&[], "foo/dev", Some(1 + 2 + 3 + 4));
        check(&["sub"], "foo/qa", Some(1 + 3 + 5 + 6));
        check(&[], "nothing/prod", Some(1));
    }

    #[test]
    fn what_takes_long_to_tell_is_not_told() {
        check(&["*"], "foo/dev", None);
        check(&[], "a,b,c,d,e,f/1,2,3,4,5,6", None);
    }
}
