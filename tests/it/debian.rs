//! The Debian package: what it is made of is there, and the settings that it lays down start nothing by themselves.

use std::{fs, path::Path, process::Command};

use regex::Regex;

use crate::support::Ran;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// Files and folders of the repository that the package names.
fn sources(manifest: &str) -> Vec<&str> {
    let (_, package) = manifest.split_once("[package.metadata.deb]").unwrap();
    let (package, _) = package.split_once("\n\n").unwrap();
    let source = Regex::new(r#""((?:packaging|[A-Z]+\.md)[^"]*)""#).unwrap();
    let found = source.captures_iter(package);
    found.map(|found| found.get(1).unwrap().as_str()).collect()
}

#[test]
fn everything_that_the_package_names_is_there() {
    let manifest = read("Cargo.toml");
    let sources = sources(&manifest);
    assert!(sources.len() > 6, "{sources:?}");
    for source in sources {
        assert!(root().join(source).exists(), "{source}");
    }
    let newest = format!("confbus ({}-1) ", env!("CARGO_PKG_VERSION"));
    let changelog = read("packaging/debian/changelog");
    assert!(changelog.starts_with(&newest), "{changelog}");
}

#[test]
fn its_scripts_are_scripts() {
    for script in ["postinst", "postrm"] {
        let file = root().join("packaging/debian").join(script);
        let output = Command::new("sh").arg("-n").arg(&file).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains("\n#DEBHELPER#\n"), "{script}");
    }
}

#[test]
fn a_purge_leaves_no_settings() {
    let unit = read("packaging/confbus.service");
    let (_, rest) = unit.split_once("\nEnvironmentFile=-").unwrap();
    let variables = rest.lines().next().unwrap();
    let script = read("packaging/debian/postrm");
    let (_, purge) = script.split_once("= purge").unwrap();
    assert!(purge.contains(&format!("rm -f {variables}\n")), "{purge}");
}

#[test]
fn the_settings_that_it_lays_down_name_no_repository() {
    let file = root().join("packaging/application.yml");
    let file = file.display().to_string();
    let arguments = ["serve", "--config", &file, "--print-settings"];
    let ran = Ran::with(&arguments, &[], "");
    assert_eq!(ran.code, Some(78), "{ran:?}");
    assert!(ran.stderr.contains("CB1001"), "{ran:?}");
}

#[test]
fn every_example_in_its_settings_is_a_setting() {
    let text = read("packaging/application.yml");
    let example = Regex::new(r"(?m)^#((?:  )?[a-z][a-z.-]*:)").unwrap();
    let said = example.replace_all(&text, "$1");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("application.yml");
    fs::write(&file, &*said).unwrap();
    let file = file.display().to_string();
    let arguments = ["serve", "--config", &file, "--print-settings"];
    let ran = Ran::with(&arguments, &[], "");
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
    // The others are defaults.
    let said = ran.stdout.lines().filter(|line| line.contains(&file));
    assert_eq!(said.count(), 12, "{ran:?}");
}
