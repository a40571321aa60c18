#![no_main]
//! A name that was accepted cannot climb, and reads back.

use confbus_protocol::{Application, CommitId, Destination, Label, Position, Profiles};
use confbus_resolution::RepoPath;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(application) = Application::parse(text) {
        assert!(!application.as_str().contains(".."));
        assert_eq!(Application::parse(application.as_str()).as_ref(), Ok(&application));
    }
    if let Ok(profiles) = Profiles::parse(text) {
        assert!(!profiles.as_str().contains(".."));
    }
    if let Ok(label) = Label::parse(text) {
        assert!(!label.as_str().contains(".."));
    }
    if let Some(path) = RepoPath::parse(text) {
        assert!(!path.as_str().starts_with('/'));
        assert!(path.as_str().split('/').all(|part| part != ".." && !part.is_empty()));
    }
    _ = CommitId::parse(text);
    _ = Position::parse(text);
    _ = Destination::complete(text).as_str().len();
});
