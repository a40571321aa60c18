use std::{
    fs::{self, Permissions},
    path::Path,
};

use super::*;

fn coordinates(profiles: &str) -> Coordinates {
    Coordinates {
        application: "orders".into(),
        profiles: profiles.into(),
        labels: vec![Some("feature/x".into())],
    }
}

fn last_good(directory: &Path, coordinates: &Coordinates) -> LastGood {
    LastGood::new(&LastGoodFile::new(directory), coordinates)
}

fn environment() -> Environment {
    serde_json::from_str(
            r#"{"name":"orders","profiles":["dev"],"version":"9f2c1ab","propertySources":[{"name":"orders.yml","source":{"a":{"value":1,"origin":"1:4"}}}]}"#,
        )
        .unwrap()
}

#[test]
fn what_was_saved_is_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let file = last_good(directory.path(), &coordinates("dev"));
    assert!(matches!(file.load(), Err(LastGoodError::Missing { .. })));
    file.save(&environment()).unwrap();
    file.save(&environment()).unwrap();
    let saved = file.load().unwrap();
    assert_eq!(saved.environment, environment());
    assert!(saved.at.elapsed().unwrap() < Duration::from_secs(60));
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        1,
        "nothing temporary is left"
    );
    assert!(
        last_good(directory.path(), &coordinates("prod"))
            .load()
            .is_err()
    );
}

#[test]
fn a_file_that_is_torn_or_changed_anywhere_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = last_good(directory.path(), &coordinates("dev"));
    let whole = file.content(&environment(), 1_700_000_000).unwrap();
    assert!(file.parse(&whole).is_ok());
    for end in 0..whole.len() {
        assert!(file.parse(&whole[..end]).is_err(), "cut at {end}");
        let mut changed = whole.clone();
        changed[end] ^= 1;
        assert!(file.parse(&changed).is_err(), "changed at {end}");
    }
}

#[test]
fn a_file_of_other_coordinates_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (dev, prod) = (
        last_good(directory.path(), &coordinates("dev")),
        last_good(directory.path(), &coordinates("prod")),
    );
    dev.save(&environment()).unwrap();
    fs::rename(&dev.path, &prod.path).unwrap();
    assert!(
        prod.load()
            .err()
            .unwrap()
            .to_string()
            .contains("other coordinates")
    );
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_and_writes_it() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let file = last_good(directory.path(), &coordinates("dev"));
    file.save(&environment()).unwrap();
    let mode = || fs::metadata(&file.path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);

    fs::set_permissions(&file.path, Permissions::from_mode(0o644)).unwrap();
    assert!(file.load().is_ok());
    assert_eq!(mode(), 0o600);

    fs::set_permissions(&file.path, Permissions::from_mode(0o666)).unwrap();
    assert!(file.load().is_err());

    let real = directory.path().join("real");
    fs::rename(&file.path, &real).unwrap();
    std::os::unix::fs::symlink(&real, &file.path).unwrap();
    assert!(file.load().is_err());
}

fn with_secrets() -> Environment {
    serde_json::from_str(
            r#"{"name":"orders","profiles":["dev"],"propertySources":[
                {"name":"a.yml","source":{"db.password":{"value":"hunter2","origin":"3:4"},"pool":1}},
                {"name":"b.yml","source":{"db.password":"hunter3","db.url":"jdbc:x://a:hunter4@h"}}]}"#,
        )
        .unwrap()
}

#[test]
fn secrets_are_on_disk_only_as_was_asked_for() {
    let key = LastGoodKey::new([7; 32]);
    for (secrets, on_disk, whole) in [
        (Secrets::LeaveOut, false, false),
        (Secrets::Encrypt(key), false, true),
        (Secrets::Keep, true, true),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let settings = LastGoodFile::new(directory.path()).secrets(secrets);
        let file = LastGood::new(&settings, &coordinates("dev"));
        file.save(&with_secrets()).unwrap();
        let bytes = fs::read(&file.path).unwrap();
        let shown = String::from_utf8_lossy(&bytes);
        assert_eq!(shown.contains("hunter"), on_disk, "{settings:?}");
        let saved = file.load().unwrap();
        assert_eq!(saved.environment == with_secrets(), whole, "{settings:?}");
        assert_eq!(saved.left_out.is_empty(), whole);
    }
}

#[test]
fn a_file_is_opened_only_with_what_it_was_written_with() {
    let directory = tempfile::tempdir().unwrap();
    let with = |secrets| {
        let settings = LastGoodFile::new(directory.path()).secrets(secrets);
        LastGood::new(&settings, &coordinates("dev"))
    };
    let problem = |file: LastGood| file.load().err().unwrap().to_string();
    let key = |byte| Secrets::Encrypt(LastGoodKey::new([byte; 32]));
    with(key(1)).save(&environment()).unwrap();
    assert!(problem(with(Secrets::Keep)).contains("it is encrypted; give its key"));
    assert!(problem(with(key(2))).contains("another key"));
    with(Secrets::Keep).save(&environment()).unwrap();
    assert!(problem(with(key(1))).contains("it is not encrypted"));
    assert!(with(Secrets::LeaveOut).load().is_ok());
}
