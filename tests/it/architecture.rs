//! ARCHITECTURE.md is a map: what it names exists, and what exists is on it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn map() -> String {
    fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap()
}

/// What stands between backticks outside of fenced blocks.
fn quoted(text: &str) -> BTreeSet<String> {
    let prose: String = text.split("```").step_by(2).collect();
    prose
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

#[test]
fn every_path_it_names_exists() {
    let folders = ["src/", "crates/", "xtask", "tests/", "sample-repo"];
    let missing: Vec<_> = quoted(&map())
        .into_iter()
        .filter(|name| {
            folders.iter().any(|folder| name.starts_with(folder)) && !root().join(name).exists()
        })
        .collect();
    assert!(missing.is_empty(), "not there: {missing:?}");
}

/// Whether the text stands there and the word does not go on.
fn holds_word(code: &str, text: &str) -> bool {
    code.match_indices(text).any(|(at, _)| {
        let next = code[at + text.len()..].chars().next();
        next.is_none_or(|next| !next.is_alphanumeric() && next != '_')
    })
}

#[test]
fn every_type_and_function_it_names_exists() {
    let code: String = ["src", "crates", "xtask", "tests/chaos"]
        .iter()
        .flat_map(|folder| sources(&root().join(folder)))
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let is_name =
        |name: &str| name.chars().all(|c| c.is_alphanumeric() || c == '_') && name.len() > 2;
    let defined = |name: &str| {
        let (owner, name) = name
            .rsplit_once("::")
            .map_or(("", name), |(owner, name)| (owner, name));
        let name = name.trim_end_matches("()");
        let is_defined = |name: &str| {
            ["struct", "enum", "trait", "type", "fn", "mod"]
                .iter()
                .any(|kind| holds_word(&code, &format!("{kind} {name}")))
        };
        // A variant stands on a line of its own.
        let is_variant = || {
            ["(", " {", ","]
                .iter()
                .any(|end| code.contains(&format!("\n    {name}{end}")))
        };
        if owner.is_empty() {
            is_defined(name)
        } else {
            is_defined(owner) && (is_defined(name) || is_variant())
        }
    };
    let names = quoted(&map()).into_iter().filter(|name| {
        let plain = name.replace("::", "").replace("()", "");
        is_name(&plain) && (plain.chars().next().unwrap().is_uppercase() || name.ends_with("()"))
    });
    let missing: Vec<_> = names.filter(|name| !defined(name)).collect();
    assert!(missing.is_empty(), "not in the code: {missing:?}");
}

#[test]
fn every_room_is_on_it() {
    let crates = fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| format!("crates/{}", entry.unwrap().file_name().display()));
    let rooms = fs::read_dir(root().join("src"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file());
    let rooms = rooms.map(|path| format!("src/{}", path.file_name().unwrap().display()));
    let named = quoted(&map());
    let missing: Vec<_> = crates
        .chain(rooms)
        .filter(|room| !named.contains(room))
        .collect();
    assert!(missing.is_empty(), "not on the map: {missing:?}");
}

/// A text that nobody wipes and anybody may print is no place for a secret: `secrecy` has types that are.
#[test]
fn no_field_holds_a_secret_as_plain_text() {
    let plain = r"(String|Box<str>|Arc<str>|Box<\[u8\]>|Vec<u8>)";
    let field = format!(
        r"(?m)^\s*(pub(\([a-z: ]+\))? )?([a-z_0-9]+_)?(password|secret|token|passphrase|private_key|credential): (Option<{plain}>|{plain}),"
    );
    let field = Regex::new(&field).unwrap();
    assert!(field.is_match("    pub(crate) webhook_secret: Option<String>,"));
    let found: Vec<_> = ["src", "crates"]
        .iter()
        .flat_map(|folder| sources(&root().join(folder)))
        .flat_map(|file| {
            let code = fs::read_to_string(&file).unwrap();
            let fields = field.find_iter(&code);
            let fields =
                fields.map(|found| format!("{}: {}", file.display(), found.as_str().trim()));
            fields.collect::<Vec<_>>()
        })
        .collect();
    assert!(
        found.is_empty(),
        "not wiped, and shown by `{{:?}}`: {found:#?}"
    );
}

/// Each target of the fuzzer has a row that says what it is for, a seed to begin with, and a place in the manifest.
#[test]
fn every_fuzz_target_is_in_its_table() {
    let fuzz = root().join("fuzz");
    let targets = sources(&fuzz.join("fuzz_targets"));
    let targets: BTreeSet<_> = targets
        .iter()
        .map(|file| file.file_stem().unwrap().display().to_string())
        .collect();
    let read = |name: &str| fs::read_to_string(fuzz.join(name)).unwrap();
    let row = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    let name = |line: &str| {
        Some(
            line.strip_prefix("name = \"")?
                .trim_end_matches('"')
                .to_owned(),
        )
    };
    let rows: BTreeSet<_> = read("README.md").lines().filter_map(row).collect();
    let mut built: BTreeSet<_> = read("Cargo.toml").lines().filter_map(name).collect();
    built.remove("confbus-fuzz");
    assert_eq!(rows, targets);
    assert_eq!(built, targets);
    for target in targets {
        let seeds = fs::read_dir(fuzz.join("seeds").join(&target));
        assert!(
            seeds.is_ok_and(|mut seeds| seeds.next().is_some()),
            "{target}"
        );
    }
}
