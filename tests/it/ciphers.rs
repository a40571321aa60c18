//! `confbus encrypt`, `decrypt` and `rotate`.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use crate::support::{ConfigRepo, Ran, TestServer};

const SECRET: &str = "{brace} first, größe last";

/// A settings file with a pass phrase, and nothing else.
fn keys(folder: &Path, name: &str, phrase: &str) -> String {
    let file = folder.join(name);
    fs::write(&file, format!("encrypt.key: {phrase}\n")).unwrap();
    file.display().to_string()
}

fn run(arguments: &[&str], input: &str) -> Ran {
    Ran::with(arguments, &[], input)
}

/// The value for a text.
fn encrypted(config: &str, text: &str) -> String {
    let ran = run(&["encrypt", "--config", config], text);
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""));
    let value = ran.stdout.trim_end().to_owned();
    assert!(
        value.starts_with("{cipher}") && !value.contains(text),
        "{value}"
    );
    value
}

fn decrypted(config: &str, value: &str) -> Ran {
    run(&["decrypt", "--config", config], value)
}

#[test]
fn what_is_encrypted_here_is_decrypted_here() {
    let folder = tempfile::tempdir().unwrap();
    let config = keys(folder.path(), "keys.yml", "a-phrase-of-this-test");
    let value = encrypted(&config, "{plain}{brace} first, größe last\n");
    let ran = decrypted(&config, &format!("'{value}'\n"));
    assert_eq!((ran.code, ran.stdout.trim_end()), (Some(0), SECRET));

    let other = keys(folder.path(), "other.yml", "another-phrase-of-it");
    let ran = decrypted(&other, &value);
    assert_eq!((ran.code, &*ran.stdout), (Some(1), ""));
    assert!(
        ran.stderr.contains("not encrypted with this key"),
        "{ran:?}"
    );

    let key = ("ENCRYPT_KEY", "a-phrase-of-this-test");
    let ran = Ran::with(&["decrypt", "--offline"], &[key], &value);
    assert_eq!(ran.stdout.trim_end(), SECRET);
    assert_eq!(run(&["encrypt", "--offline"], "").code, Some(2));
    let ran = run(&["encrypt", "--offline"], "x");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("no key is configured"), "{ran:?}");
}

#[test]
fn a_server_encrypts_and_decrypts_with_its_own_key() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let server = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", &uri),
        ("encrypt.key", "a-phrase-of-this-server"),
    ])
    .ready();
    let url = server.url();
    let ran = run(&["encrypt", "--server", &url], "s3cret\n");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let value = ran.stdout.trim_end();
    let ran = run(&["decrypt", "--server", &url], value);
    assert_eq!((ran.code, ran.stdout.trim_end()), (Some(0), "s3cret"));
    let ran = run(&["decrypt", "--server", &url], &"00".repeat(48));
    assert_eq!((ran.code, &*ran.stdout), (Some(1), ""), "{ran:?}");
}

#[test]
fn rotation_changes_ciphers_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let old = keys(folder.path(), "old.yml", "the-phrase-until-now");
    let new = keys(folder.path(), "new.yml", "the-phrase-from-now-on");
    let [one, two] = ["one", "{plain}{two}"].map(|text| encrypted(&old, text));
    let checkout = folder.path().join("config");
    fs::create_dir_all(checkout.join("a/.git")).unwrap();
    let text = |one: &str, two: &str| {
        format!("a: '{one}' # keep\r\nb: \"{two}\"\nc: '{{cipher}}'\nd:   x\u{a0}")
    };
    let file = checkout.join("a/orders.yml");
    fs::write(&file, text(&one, &two)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    fs::write(checkout.join("a/.git/packed"), &one).unwrap();
    fs::write(checkout.join("binary"), [0xff, 0xfe, b'{']).unwrap();
    let checkout = checkout.display().to_string();
    let arguments = ["rotate", &*checkout, "--old-config", &old, "--config", &new];

    let ran = run(&[&arguments[..], &["--dry-run"]].concat(), "");
    assert_eq!((ran.code, &*ran.stdout), (Some(0), "a/orders.yml  2\n"));
    assert!(
        ran.stderr.contains("2 values in 1 files would be"),
        "{ran:?}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), text(&one, &two));

    let ran = run(&arguments, "");
    assert_eq!((ran.code, &*ran.stdout), (Some(0), "a/orders.yml  2\n"));
    let written = fs::read_to_string(&file).unwrap();
    let values: Vec<_> = written
        .match_indices("{cipher}")
        .map(|(at, _)| written[at..].split(['\'', '"']).next().unwrap())
        .collect();
    assert_eq!(written, text(values[0], values[1]));
    for (value, plain) in [(values[0], "one"), (values[1], "{two}")] {
        assert_eq!(decrypted(&new, value).stdout.trim_end(), plain);
        assert_eq!(decrypted(&old, value).code, Some(1));
    }
    let rights = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(rights, 0o640);
}

#[test]
fn what_cannot_be_decrypted_leaves_all_files_alone() {
    let folder = tempfile::tempdir().unwrap();
    let old = keys(folder.path(), "old.yml", "the-phrase-until-now");
    let new = keys(folder.path(), "new.yml", "the-phrase-from-now-on");
    let checkout = folder.path().join("config");
    fs::create_dir(&checkout).unwrap();
    let good = format!("a: '{}'\n", encrypted(&old, "one"));
    fs::write(checkout.join("a.yml"), &good).unwrap();
    let foreign = encrypted(&new, "one");
    fs::write(checkout.join("b.yml"), format!("x: 1\nb: '{foreign}'\n")).unwrap();
    let ran = run(
        &[
            "rotate",
            &checkout.display().to_string(),
            "--old-config",
            &old,
            "--config",
            &new,
        ],
        "",
    );
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stderr
            .contains("error[CB7001]: a value cannot be decrypted"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("--> b.yml:2"), "{ran:?}");
    assert_eq!(fs::read_to_string(checkout.join("a.yml")).unwrap(), good);
}

#[test]
fn values_that_cannot_be_written_anew_leave_all_files_alone() {
    let folder = tempfile::tempdir().unwrap();
    let old = keys(folder.path(), "old.yml", "the-phrase-until-now");
    let new = keys(folder.path(), "new.yml", "the-phrase-from-now-on");
    let checkout = folder.path().join("config");
    fs::create_dir(&checkout).unwrap();
    let value = encrypted(&old, "one");
    let good = format!("a: '{value}'\n");
    fs::write(checkout.join("a.yml"), &good).unwrap();
    let latin = [format!("b={value}\nc=").as_bytes(), &[0xe4]].concat();
    fs::write(checkout.join("b.properties"), latin).unwrap();
    let large = format!("{}{good}", "# padding\n".repeat(900_000));
    fs::write(checkout.join("c.yml"), large).unwrap();
    fs::write(checkout.join("picture"), vec![0xff; 9 << 20]).unwrap();
    let checkout_text = checkout.display().to_string();
    let arguments = [
        "rotate",
        &checkout_text,
        "--old-config",
        &old,
        "--config",
        &new,
    ];
    let ran = run(&arguments, "");
    assert_eq!((ran.code, &*ran.stdout), (Some(1), ""), "{ran:?}");
    for text in [
        "the file is not UTF-8\n  --> b.properties",
        "the file is larger than 8 MiB\n  --> c.yml",
    ] {
        assert!(ran.stderr.contains(text), "{ran:?}");
    }
    assert!(!ran.stderr.contains("picture"), "{ran:?}");
    assert_eq!(fs::read_to_string(checkout.join("a.yml")).unwrap(), good);
}
