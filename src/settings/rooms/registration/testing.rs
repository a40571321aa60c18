//! What the tests of all registries ask of their settings.

use crate::settings::reader::Reader;

/// What was read, what is wrong, and warnings.
pub(super) type Read<S> = (Option<Option<S>>, String, Vec<String>);

/// The settings, or what is wrong; warnings in both cases.
pub(super) fn read<S>(
    said: &[(&str, &str)],
    room: impl FnOnce(&mut Reader) -> Option<Option<S>>,
) -> Read<S> {
    let arguments = said.iter();
    let arguments = arguments.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let mut reader = Reader::of(arguments.collect(), Vec::new());
    let settings = room(&mut reader);
    let (problems, warnings) = reader.finish();
    let problems = problems.iter().map(ToString::to_string).collect();
    let warnings = warnings.iter().map(ToString::to_string);
    (settings, problems, warnings.collect())
}

/// Settings with which nothing is wrong.
pub(super) fn used<S>((settings, problems, warnings): Read<S>) -> Option<S> {
    assert_eq!((problems.as_str(), warnings.len()), ("", 0), "{warnings:?}");
    settings.expect("nothing is wrong with it")
}
