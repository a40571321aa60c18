use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::{check, document};

/// A folder for each mistake: what is broken, what mends it, and what is said.
fn fixtures() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/check");
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    found
}

/// Out of our own repository, as a directory by itself.
fn copied(from: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    folder
}

fn arguments(fixture: &Path) -> Vec<String> {
    let settings = fixture.join("settings.properties");
    if !settings.exists() {
        return Vec::new();
    }
    vec!["--config".into(), settings.to_str().unwrap().into()]
}

#[test]
fn every_mistake_is_told_once_where_it_is_and_in_words_of_the_file() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 25, "{}", fixtures.len());
    for fixture in &fixtures {
        let arguments = arguments(fixture);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let broken = copied(&fixture.join("broken"));
        let ran = check(broken.path(), &arguments);
        assert_eq!(ran.code, Some(1), "{fixture:?}: {ran:?}");
        // All but the last line, which has a time in it.
        let told = ran.stdout.trim_end().rsplit_once('\n').unwrap().0;
        let expected = fixture.join("expected.txt");
        if env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&expected, told).unwrap();
        }
        assert_eq!(told, fs::read_to_string(&expected).unwrap(), "{fixture:?}");
        let document = document(broken.path(), &arguments);
        assert_eq!(document["errors"], 1, "{fixture:?}: {told}");
        let help = &document["diagnostics"][0]["help"];
        assert!(!help.as_array().unwrap().is_empty(), "{fixture:?}");
    }
}

#[test]
fn what_was_mended_passes() {
    for fixture in fixtures() {
        let arguments = arguments(&fixture);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let fixed = copied(&fixture.join("fixed"));
        let ran = check(fixed.path(), &arguments);
        assert_eq!(ran.code, Some(0), "{fixture:?}: {}", ran.stdout);
    }
}
