//! What the files say: a function of their number and revision alone.

use std::fmt::Write as _;

use super::application;

/// Every hundredth file is large.
const LARGE: usize = 64 * 1024;

/// Three files for each application: its own, for `dev`, for `prod`.
pub(super) fn path(number: u32) -> String {
    let name = application(number / 3);
    let profile = ["", "-dev", "-prod"][number as usize % 3];
    let extension = if is_properties(number) {
        "properties"
    } else {
        "yml"
    };
    format!("{name}{profile}.{extension}")
}

pub(super) fn text(number: u32, revision: u32) -> String {
    if is_properties(number) {
        return properties(number, revision);
    }
    let mut text = yaml(number, revision);
    if number % 100 == 99 {
        text.push_str("table:\n");
        for row in 0.. {
            if text.len() >= LARGE {
                break;
            }
            line(
                &mut text,
                format_args!("  row{row:05}: value-{number:05}-{row:05}"),
            );
        }
    }
    text
}

/// One file in twenty.
fn is_properties(number: u32) -> bool {
    number % 20 == 7
}

/// 18 properties, two of them in a list and one with a placeholder, in 561 bytes.
fn yaml(number: u32, revision: u32) -> String {
    let name = application(number / 3);
    let mut text = format!("service:\n  name: {name}\n  revision: {revision}\n  feature:\n");
    for key in 0..12 {
        line(
            &mut text,
            format_args!("    key{key:03}: value-{number:05}-{key:03}"),
        );
    }
    let pool = 10 + number % 20;
    line(
        &mut text,
        format_args!(
            "spring:\n  datasource:\n    url: jdbc:mysql://db{number:05}/${{service.name}}"
        ),
    );
    line(
        &mut text,
        format_args!("    hikari:\n      maximum-pool-size: {pool}"),
    );
    line(
        &mut text,
        format_args!(
            "endpoints:\n  - http://a-{number:05}.internal\n  - http://b-{number:05}.internal"
        ),
    );
    text
}

fn properties(number: u32, revision: u32) -> String {
    let name = application(number / 3);
    let mut text = format!("service.name={name}\nservice.revision={revision}\n");
    for key in 0..16 {
        line(
            &mut text,
            format_args!("service.feature.key{key:02}=value-{number:05}-{key:03}"),
        );
    }
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_file_has_561_bytes() {
        assert_eq!(text(3, 0).len(), 561, "{}", text(3, 0));
    }

    #[test]
    fn one_file_of_a_hundred_is_large_and_five_are_properties() {
        let large = (0..100).filter(|&number| text(number, 0).len() >= LARGE);
        assert_eq!(large.count(), 1);
        let properties = (0..100).filter(|&number| path(number).ends_with(".properties"));
        assert_eq!(properties.count(), 5);
    }
}
