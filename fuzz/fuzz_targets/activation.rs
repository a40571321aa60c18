#![no_main]
//! A document with any condition counts, does not count, or is refused.

use std::sync::Arc;

use confbus_protocol::{Application, CommitId, Profiles};
use confbus_resolution::{Blob, BlobId, EnvironmentRequest, Layout, RepoPath, Snapshot, resolve};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let condition = text.replace(['\r', '\n', '\\'], " ");
    let file = format!("a=1\n#---\nspring.config.activate.on-profile={condition}\nb=2\n");
    let path = RepoPath::parse("foo.properties").expect("a plain name");
    let blob = Arc::new(Blob::new(BlobId([0; 20]), file.into_bytes()));
    let snapshot = Snapshot::new(CommitId::from_bytes([0; 20]), [(path, blob)].into());
    let request = EnvironmentRequest {
        application: Application::parse("foo").expect("a plain name"),
        profiles: Profiles::parse("dev,qa").expect("two plain names"),
        label: None,
    };
    if let Ok(environment) = resolve(&snapshot, &Layout::default(), &request) {
        assert!(!environment.property_sources.is_empty());
    }
});
