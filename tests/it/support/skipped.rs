use std::env;

/// Says what a test is skipped for. What the tests of a passing run say nobody sees, so that with `CI=true`, where nothing may
/// be skipped that could be installed, it fails.
#[track_caller]
pub(crate) fn skipped_without(program: &str, package: &str) {
    skipped_without_typing(program, &format!("sudo apt-get install {package}"));
}

/// The same of a program that comes some other way.
#[track_caller]
pub(crate) fn skipped_without_typing(program: &str, command: &str) {
    let text = format!("there is no {program}; type: {command}");
    let in_ci = env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!in_ci, "{text}");
    eprintln!("skipped: {text}");
}
