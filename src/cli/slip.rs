//! What was typed and makes no sense, told to programs as every other mistake is.

use std::env;

use clap::Error;

use crate::exit::{Complaint, Exit, Failure};

/// Ends the program where it is help, or no JSON is asked for: clap says it best to people.
///
/// # Errors
/// Always.
pub(super) fn failure<T>(error: Error) -> Result<T, Failure> {
    if !error.use_stderr() || !is_json_asked_for() {
        error.exit();
    }
    Err(Failure::of(Exit::Usage, vec![complaint(&error)]))
}

/// Whether it is typed anywhere, understood or not; what stands behind `--` is for another program.
pub(super) fn is_json_asked_for() -> bool {
    let mut typed = env::args_os().take_while(|argument| argument != "--");
    typed.any(|argument| argument == "--json")
}

/// clap writes paragraphs: what is wrong, tips, the usage, and where to read more.
fn complaint(error: &Error) -> Complaint {
    let text = error.render().to_string();
    let paragraphs = text.split("\n\n").map(one_line);
    let mut complaint = Complaint::default();
    for paragraph in paragraphs {
        if let Some(sentence) = paragraph.strip_prefix("error: ") {
            complaint.sentence = sentence.to_owned();
        } else if let Some(tip) = paragraph.strip_prefix("tip: ") {
            complaint.help.push(tip.to_owned());
        } else if paragraph.starts_with("Usage: ") {
            complaint.notes.push(paragraph);
        }
    }
    complaint
}

fn one_line(paragraph: &str) -> String {
    let words: Vec<_> = paragraph.split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{super::help::command, *};

    #[test]
    fn a_slip_is_one_sentence_with_its_tips() {
        let said = |arguments: &[&str]| {
            let typed = std::iter::once(&"confbus").chain(arguments);
            complaint(&command().try_get_matches_from(typed).unwrap_err())
        };
        let missing = said(&["get", "--json"]);
        assert_eq!(
            missing.sentence,
            "the following required arguments were not provided: <ADDRESS>"
        );
        assert!(missing.notes[0].starts_with("Usage: confbus get --json"));
        let unknown = said(&["get", "shop", "--jsn"]);
        assert_eq!(unknown.sentence, "unexpected argument '--jsn' found");
        assert_eq!(
            unknown.help,
            ["a similar argument exists: '--json'"],
            "{unknown:?}"
        );
        let wrong = said(&["get", "shop/"]);
        assert!(wrong.sentence.contains("'shop/'"), "{wrong:?}");
        assert!(wrong.sentence.contains("the profile is empty"));
    }
}
