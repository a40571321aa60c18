//! The vocabulary of the tests.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use confbus_protocol::{Application, CommitId, Label, Profiles, Properties};

use crate::{Blob, BlobId, EnvironmentRequest, Layout, Places, RepoPath, Snapshot};

/// A snapshot with these files.
pub(crate) fn snapshot(files: &[(&str, &str)]) -> Snapshot {
    let blob = |content: &str| Arc::new(Blob::new(id(content), content.as_bytes()));
    let files = files
        .iter()
        .map(|(path, content)| (RepoPath::parse(path).unwrap(), blob(content)));
    Snapshot::new(
        CommitId::from_bytes([7; 20]),
        files.collect::<std::collections::BTreeMap<_, _>>(),
    )
}

fn id(content: &str) -> BlobId {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    let mut id = [0; 20];
    id[..8].copy_from_slice(&hasher.finish().to_be_bytes());
    BlobId(id)
}

/// `application/profiles` or `application/profiles/label`.
pub(crate) fn request(coordinates: &str) -> EnvironmentRequest {
    let mut parts = coordinates.split('/');
    EnvironmentRequest {
        application: Application::parse(parts.next().unwrap()).unwrap(),
        profiles: Profiles::parse(parts.next().unwrap()).unwrap(),
        label: parts.next().map(|label| Label::parse(label).unwrap()),
    }
}

pub(crate) fn layout(search_paths: &[&str]) -> Layout {
    let places = Places::Tree {
        uri: "repo".into(),
        checkout: "/clone".into(),
        search_paths: search_paths.iter().map(|path| (*path).to_owned()).collect(),
    };
    Layout {
        places,
        ..Layout::default()
    }
}

/// One `key = value @line:column` a line.
pub(crate) fn show(properties: &Properties) -> String {
    let line = |(key, property): (&String, &confbus_protocol::Property)| {
        let origin = property
            .origin
            .map(|position| format!(" @{position}"))
            .unwrap_or_default();
        format!("  {key} = {:?}{origin}\n", property.value)
    };
    properties.iter().map(line).collect()
}
