//! Mistakes that are not of YAML and not against a schema.

use confbus_resolution::{Cause, Problem};

use super::{
    Code, Said,
    source::{Source, key},
    span, span_of,
};

pub(super) fn say(problem: &Problem, source: &Source) -> Said {
    let at = problem.origin.position;
    let here = span_of(source, at);
    let text = problem.problem.clone();
    let said = match problem.cause {
        Cause::Xml => Said::new(Code::XML, here, format!("this XML holds no properties: {text}"))
            .help("write <entry key=\"name\">value</entry> within <properties>"),
        Cause::Escape => escape(problem, source),
        Cause::Key => Said::new(Code::KEY, here, text).help("quote the key, or write another one"),
        Cause::Profiles => Said::new(Code::PROFILES, here, text)
            .help("a condition looks like `prod & (eu | us)`; profiles are chosen in files without one"),
        Cause::Limit => Said::new(Code::LIMIT, here, text).help("split the file"),
        Cause::Pointer => Said::new(Code::POINTER, None, text),
        Cause::Clash => Said::new(Code::CLASH, here, clash(problem))
            .help("remove one of the two"),
        Cause::NoSchema => Said::new(Code::NO_SCHEMA, here, text)
            .help("write a JSON Schema, `{}` allows everything"),
        Cause::Circle => Said::new(Code::CIRCLE, here, text)
            .help("write a value for one of the keys of the circle"),
        Cause::Placeholder => Said::new(Code::PLACEHOLDER, here, text).help(
            "write the key, give the placeholder a default as in `${name:default}`, or list it in confbus.acceptance.known-placeholders",
        ),
        Cause::ClearText => Said::new(Code::CLEAR_TEXT, here, text),
        Cause::Cipher => Said::new(Code::CIPHER, here, text)
            .help("encrypt the value again with the key of the server: confbus encrypt"),
        _ => Said::new(Code::QUOTES, here, text),
    };
    match &problem.hint {
        Some(hint) => Said {
            help: vec![hint.clone()],
            ..said
        },
        None => said,
    }
}

/// Counted as Java counts, where an escape is one column: the backslash is looked for.
fn escape(problem: &Problem, source: &Source) -> Said {
    let at = problem.origin.position;
    let place = at.and_then(|at| {
        let line: Vec<char> = source.line(at.line)?.chars().collect();
        let is_start = |at: &usize| {
            let digits = line.get(at + 2..at + 6);
            let is_good = digits.is_some_and(|digits| digits.iter().all(char::is_ascii_hexdigit));
            line[*at] == '\\' && line.get(at + 1) == Some(&'u') && !is_good
        };
        let start = (0..line.len()).find(is_start)?;
        Some(span(at.line, start, (start + 6).min(line.len())))
    });
    let name = at.and_then(|at| key(source.line(at.line)?));
    let message = match name {
        Some(name) => format!("`\\u` in the value of `{name}` lacks its four hex digits"),
        None => "`\\u` lacks its four hex digits".to_owned(),
    };
    Said::new(Code::ESCAPE, place.or_else(|| span_of(source, at)), message)
        .help("write a backslash as `\\\\`, or four hex digits behind `\\u`")
}

fn clash(problem: &Problem) -> String {
    match problem.problem.split('`').nth(1) {
        Some(key) => {
            let list = key.split('[').next().unwrap_or(key);
            format!("`{list}` is a list in one place, and a value or a section in another")
        }
        None => problem.problem.clone(),
    }
}
