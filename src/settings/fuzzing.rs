//! Any settings: read, or refused with a place for each mistake, and with no secret in what is said.

use std::{fs, path::PathBuf, process, sync::LazyLock};

use super::{
    Settings, Sources,
    layers::{Layers, Setting, uniform},
};

/// Stands in inputs where a secret may stand.
const CANARY: &str = "kq7canary";
/// What keys of secrets end with.
const SECRETS: [&str; 8] = [
    "password",
    "passphrase",
    "secret",
    "token",
    "privatekey",
    "hash",
    "encrypt.key",
    "salt",
];

/// A folder for one file, outside of which nothing is written.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("confbus-fuzz-{}", process::id()));
    fs::create_dir_all(&folder).expect("a folder for temporary files");
    folder
});

/// `yml` or `properties`, then a line each of `NAME=value`, or `--key=value`, an empty line, and the file.
///
/// # Panics
/// When a mistake has no place, or a message shows a secret.
pub fn settings(input: &[u8]) {
    let Some((head, file)) = apart(input) else {
        return;
    };
    let mut lines = head.lines();
    let extension = match lines.next() {
        Some("properties") => "properties",
        _ => "yml",
    };
    let path = FOLDER.join("application").with_extension(extension);
    fs::write(&path, file).expect("a temporary file");
    let mut sources = Sources {
        file: Some(path),
        ..Sources::default()
    };
    for (name, value) in lines.filter_map(|line| line.split_once('=')) {
        let (list, name) = match name.strip_prefix("--") {
            Some(key) => (&mut sources.arguments, key),
            None => (&mut sources.variables, name),
        };
        list.push((name.to_owned(), value.to_owned()));
    }
    let said = match Settings::load(&sources) {
        Ok(settings) => settings.warnings.iter().map(ToString::to_string).collect(),
        Err(error) => {
            assert!(!error.problems().is_empty());
            for problem in error.problems() {
                has_a_place(&problem.place, &sources, file);
            }
            vec![error.to_string()]
        }
    };
    if hides_canary(&sources, file) {
        for text in said {
            assert!(!text.contains(CANARY), "{text}");
        }
    }
}

/// The lines before the first empty one, and what follows it.
fn apart(input: &[u8]) -> Option<(&str, &[u8])> {
    let end = input.windows(2).position(|pair| pair == b"\n\n")?;
    Some((str::from_utf8(&input[..end]).ok()?, &input[end + 2..]))
}

/// A line and a column of the file, a variable, an argument, or none where nothing was said.
fn has_a_place(place: &str, sources: &Sources, file: &[u8]) {
    let path = sources.file.as_deref().expect("there always is one");
    let inside = place.strip_prefix(&*path.to_string_lossy());
    if let Some(position) = inside.and_then(|rest| rest.strip_prefix(':')) {
        let numbers: Vec<usize> = position
            .split(':')
            .map(|number| number.parse().expect("a number"))
            .collect();
        let text = String::from_utf8_lossy(file);
        let breaks = |c: char| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
        assert!(numbers.len() == 2 && numbers[0] >= 1, "{place}");
        // As in Spring, a value that is empty stands behind its line, be it the last one.
        assert!(numbers[0] <= text.matches(breaks).count() + 2, "{place}");
        assert!(numbers[1] <= text.chars().count() + 2, "{place}");
        return;
    }
    let is_argument = |(key, _): &(String, String)| place == format!("--{key}");
    let is_known = place.is_empty()
        || inside == Some("")
        || sources.variables.iter().any(|(name, _)| name == place)
        || sources.arguments.iter().any(is_argument);
    assert!(is_known, "{place}");
}

/// Whether the canary stands nowhere but in values of secrets.
fn hides_canary(sources: &Sources, file: &[u8]) -> bool {
    let Ok(layers) = Layers::read(sources) else {
        let said = sources.variables.iter().chain(&sources.arguments);
        let is_said = said.flat_map(|(name, value)| [name, value]);
        return !is_said.into_iter().any(|text| text.contains(CANARY)) && is_after_secrets(file);
    };
    let is_hidden = |setting: &Setting| {
        let is_named = setting.key.contains(CANARY) || setting.place.contains(CANARY);
        !is_named && (is_secret(&setting.key) || !setting.value.contains(CANARY))
    };
    layers.all().all(is_hidden)
}

/// Likewise in a file that cannot be read: the canary is the last on its line, behind the key of a secret.
fn is_after_secrets(file: &[u8]) -> bool {
    let text = String::from_utf8_lossy(file);
    let mut lines = text
        .split(['\n', '\r'])
        .filter(|line| line.contains(CANARY));
    !text.contains("${")
        && lines.all(|line| {
            let (before, after) = line.split_once(CANARY).expect("it stands there");
            let key = before.trim_start().split([':', '=']).next();
            key.is_some_and(|key| key.len() < before.len() && is_secret(key))
                && !after.contains([':', '=', '?', ',', '{', '\\'])
        })
}

fn is_secret(key: &str) -> bool {
    let key = uniform(key);
    SECRETS.iter().any(|end| key.ends_with(end))
        || key.starts_with("confbus.monitor.previoussecrets.")
}
