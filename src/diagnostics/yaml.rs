//! Mistakes in YAML by their cause, which is often not where a reader of YAML stops.

use confbus_protocol::Position;
use confbus_resolution::{Problem, YamlError};

use super::{
    Code, Said, Span,
    source::{Source, indent, key, value},
    span, span_of,
};

/// What is said where the parser stopped.
pub(super) fn say(
    problem: &Problem,
    kind: YamlError,
    start: Option<Position>,
    source: &Source,
) -> Said {
    let at = problem.origin.position;
    let here = span_of(source, at);
    match kind {
        YamlError::Placement | YamlError::MissingColon => misplaced(kind, at, source),
        YamlError::Tab => tab(at, source),
        YamlError::OpenQuote => open_quote(span_of_one(start.or(at))),
        YamlError::OpenBracket => open_bracket(at, source),
        YamlError::Sign => sign(at, source),
        YamlError::Escape => escape(at),
        YamlError::DuplicateKey => twice(at, source),
        YamlError::Alias => Said::new(
            Code::ANCHOR,
            alias(at, source).or(here),
            "this refers to an anchor that is not complete above it",
        )
        .help("put the text in quotes, or write the anchor, as in `&name`, above it"),
        YamlError::Merge => Said::new(
            Code::MERGE,
            here,
            "what stands behind `<<:` has no keys that could be merged",
        )
        .help("refer to a section: `<<: *name`, where `&name` stands behind its key"),
        YamlError::Tag => Said::new(
            Code::QUOTES,
            here,
            "a text that begins with `!` is taken for a type, which is not allowed here",
        )
        .help("put the text in quotes"),
        YamlError::Number => Said::new(
            Code::QUOTES,
            here,
            "this looks like a number, a date or Base64, and is none",
        )
        .help("put the text in quotes"),
        YamlError::Encoding => encoding(problem, at),
        YamlError::Limit => Said::new(Code::LIMIT, here, limit(problem))
            .help("split the file, or nest less in each other"),
        _ => Said::new(
            Code::QUOTES,
            here,
            format!(
                "the file cannot be read any further here: {}",
                problem.problem
            ),
        )
        .help("put the text in quotes"),
    }
}

/// Where the name of an alias cannot go on, its beginning is meant.
fn alias(at: Option<Position>, source: &Source) -> Option<Span> {
    let Position { line, column } = at?;
    let text = source.line(line)?;
    let before: Vec<char> = text.chars().take(column as usize).collect();
    let start = before.iter().rposition(|c| matches!(c, '*' | '&'))?;
    let column = u32::try_from(start + 1).ok()?;
    span_of(source, Some(Position { line, column }))
}

fn limit(problem: &Problem) -> String {
    let text = &problem.problem;
    format!("this is more than is read: {text}")
}

fn span_of_one(at: Option<Position>) -> Option<Span> {
    let Position { line, column } = at?;
    let start = column.max(1) as usize - 1;
    Some(span(line, start, start + 1))
}

fn encoding(problem: &Problem, at: Option<Position>) -> Said {
    if problem.problem.contains("control") {
        return Said::new(
            Code::ENCODING,
            span_of_one(at),
            "a character that nobody can see stands here",
        )
        .help("remove it, or write it as an escape in double quotes: \"\\x07\"");
    }
    Said::new(
        Code::ENCODING,
        span_of_one(at),
        "from here on the file is not UTF-8",
    )
    .help("save the file as UTF-8")
}

fn tab(at: Option<Position>, source: &Source) -> Said {
    let tabs = at.and_then(|at| {
        let line: Vec<char> = source.line(at.line)?.chars().collect();
        let start = (at.column as usize).saturating_sub(1);
        let count = line
            .get(start..)?
            .iter()
            .take_while(|c| **c == '\t')
            .count();
        Some(span(at.line, start, start + count.max(1)))
    });
    Said::new(
        Code::TAB,
        tabs,
        "a tab stands here; YAML is indented with spaces alone",
    )
    .help("replace the tab with spaces")
}

fn open_quote(at: Option<Span>) -> Said {
    Said::new(Code::OPEN, at, "this quote is never closed")
        .help("write the same quote at the end of the text")
}

fn sign(at: Option<Position>, source: &Source) -> Said {
    let character = at.and_then(|at| {
        let line = source.line(at.line)?;
        line.chars().nth(at.column as usize - 1)
    });
    let message = match character {
        Some(sign) => format!("a text cannot begin with `{sign}`"),
        None => "a text cannot begin so".to_owned(),
    };
    Said::new(Code::QUOTES, span_of_one(at), message).help("put the text in quotes")
}

fn escape(at: Option<Position>) -> Said {
    let at = at.map(|Position { line, column }| {
        let start = (column as usize).saturating_sub(2);
        span(line, start, start + 2)
    });
    Said::new(
        Code::ESCAPE,
        at,
        "this backslash begins nothing that double quotes know",
    )
    .help("write the backslash twice, or use single quotes")
}

fn twice(at: Option<Position>, source: &Source) -> Said {
    let found = at.and_then(|at| Some((at, source.line(at.line)?)));
    let name = found.and_then(|(_, line)| key(line));
    let message = match name {
        Some(name) => format!("the key `{name}` stands here for the second time"),
        None => "this key stands here for the second time".to_owned(),
    };
    let here = at.map(|Position { line, column }| {
        let start = column.max(1) as usize - 1;
        span(
            line,
            start,
            start + name.map_or(1, |name| name.chars().count()),
        )
    });
    let first = found.and_then(|(at, line)| first(at.line, line, source));
    let said = Said::new(Code::TWICE, here, message);
    let said = match first {
        Some(number) => said.note(format!("it stands in line {number} already")),
        None => said,
    };
    said.help("remove one of the two")
}

/// The line with the same key beside this one.
fn first(number: u32, line: &str, source: &Source) -> Option<u32> {
    let beside = source
        .above(number)
        .take_while(|(_, above)| indent(above) >= indent(line));
    let mut same = beside.filter(|(_, above)| indent(above) == indent(line));
    same.find(|(_, above)| key(above) == key(line))
        .map(|(number, _)| number)
}

/// A key, a value or an entry where none may stand: seldom is the place itself to blame.
fn misplaced(kind: YamlError, at: Option<Position>, source: &Source) -> Said {
    let Some((at, line)) = at.and_then(|at| Some((at, source.line(at.line)?))) else {
        return Said::new(Code::INDENTATION, None, "a line stands where none may");
    };
    let column = at.column.max(1) as usize - 1;
    let before: String = line.chars().take(column).collect();
    let leading = line.len() - line.trim_start().len();
    if let Some(tab_at) = line[..leading].find('\t') {
        let column = u32::try_from(tab_at + 1).unwrap_or(1);
        return tab(
            Some(Position {
                line: at.line,
                column,
            }),
            source,
        );
    }
    if let Some(quote) = before
        .trim_end()
        .chars()
        .last()
        .filter(|c| "'\"".contains(*c))
    {
        return behind_quote(quote, at, &before, source);
    }
    if before.contains(": ") && line.chars().nth(column) == Some(':') {
        return Said::new(
            Code::QUOTES,
            span_of_one(Some(at)),
            "a second `: ` stands in this line, which would make another key of the text",
        )
        .help("put the text behind the first `: ` in quotes");
    }
    if kind == YamlError::MissingColon {
        return missing_colon(at.line, line);
    }
    indented(at.line, line, source)
}

/// Something follows a closing quote: either it belongs to the text, or the quote closes one that was left open above.
fn behind_quote(quote: char, at: Position, before: &str, source: &Source) -> Said {
    let is_odd = |line: &str| line.matches(quote).count() % 2 == 1;
    let opened = source.above(at.line).find(|(_, line)| is_odd(line));
    if let Some((number, line)) = opened.filter(|_| is_odd(before)) {
        let place = line.rfind(quote).unwrap_or_default();
        let start = line[..place].chars().count();
        return open_quote(Some(span(number, start, start + 1)));
    }
    Said::new(
        Code::QUOTES,
        span_of(source, Some(at)),
        "text stands behind the closing quote",
    )
    .help("put all of the text in quotes; a single quote within single quotes is written twice")
}

fn missing_colon(number: u32, line: &str) -> Said {
    let start = indent(line);
    let text = &line[start..];
    let word = text.split([' ', ':', '=']).next().unwrap_or(text);
    let end = start + word.chars().count();
    if text[word.len()..].starts_with(':') {
        return Said::new(
            Code::QUOTES,
            Some(span(number, end, end + 1)),
            "a space is missing behind this `:`",
        )
        .help("write a space between the `:` and the value");
    }
    Said::new(
        Code::QUOTES,
        Some(span(number, start, end)),
        "this line is no key with a value, and no part of the text above it",
    )
    .help("write `: ` between key and value, or indent the line if it belongs to the text above")
}

/// A line that its indentation puts where it cannot be.
fn indented(number: u32, line: &str, source: &Source) -> Said {
    let depth = indent(line);
    let name = key(line);
    let width = name.map_or_else(|| line.trim().chars().count(), |name| name.chars().count());
    let here = Some(span(number, depth, depth + width.max(1)));
    let said = |message: String| Said::new(Code::INDENTATION, here, message);
    let Some((above_number, above)) = source.above(number).next() else {
        return said("this line stands where none may".to_owned()).help("indent it like the first");
    };
    if key(above).is_none() && !above.trim_start().starts_with("- ") && indent(above) <= depth {
        return missing_colon(above_number, above);
    }
    if depth > indent(above) {
        let owner = key(above).unwrap_or_default();
        return said(format!(
            "this line is indented as if it belonged to `{owner}:`, but `{owner}:` already has a value"
        ))
        .help(format!(
            "indent it like `{owner}:`, or remove what stands behind `{owner}:`"
        ));
    }
    let is_entry = |line: &str| line.trim_start().starts_with('-');
    if is_entry(line) != is_entry(above) && depth == indent(above) {
        return said("a key and an entry of a list, `- `, stand side by side".to_owned())
            .help("indent the line if it belongs to the entry above, or move it out of the list");
    }
    said(format!(
        "this line is indented by {depth} spaces, and no line above it that it could stand beside is"
    ))
    .help(fitting(number, depth, source))
}

/// The depths at which the line could stand.
fn fitting(number: u32, depth: usize, source: &Source) -> String {
    let mut depths: Vec<usize> = Vec::new();
    for (_, above) in source.above(number) {
        let other = indent(above);
        if depths.last().is_none_or(|last| other < *last) && value(above).is_some() || other < depth
        {
            depths.push(other);
        }
        if other < depth {
            break;
        }
    }
    depths.sort_unstable();
    depths.dedup();
    let depths: Vec<_> = depths.iter().map(ToString::to_string).collect();
    format!("indent it by {} spaces", depths.join(" or "))
}

/// A bracket that is not closed, one too many, or a comma that is missing.
fn open_bracket(at: Option<Position>, source: &Source) -> Said {
    let Some(at) = at else {
        return Said::new(Code::OPEN, None, "a bracket is never closed");
    };
    let closed_later = source.line(at.line).is_some_and(|line| {
        let rest: String = line.chars().skip(at.column.max(1) as usize - 1).collect();
        rest.contains([']', '}'])
    });
    match last_open(at, source) {
        Some((place, sign)) if !(closed_later && place.line == at.line) => Said::new(
            Code::OPEN,
            Some(place),
            format!("this `{sign}` is never closed"),
        )
        .help(format!(
            "write `{}` behind the last element",
            if sign == '[' { ']' } else { '}' }
        )),
        Some(_) => Said::new(
            Code::OPEN,
            span_of(source, Some(at)),
            "a comma is missing before this",
        )
        .help("write `, ` between the elements"),
        None => Said::new(
            Code::OPEN,
            span_of_one(Some(at)),
            "nothing opens what this closes",
        )
        .help("remove it, or put the text in quotes"),
    }
}

/// The innermost bracket that is open at a place; what is in quotes or behind `#` does not count.
fn last_open(end: Position, source: &Source) -> Option<(Span, char)> {
    let mut open = Vec::new();
    let mut quote = None;
    for number in 1..=end.line {
        let Some(line) = source.line(number) else {
            break;
        };
        let mut previous = ' ';
        for (column, sign) in line.chars().enumerate() {
            if number == end.line && column + 1 >= end.column as usize {
                break;
            }
            match (quote, sign) {
                (Some(opened), _) if sign == opened => quote = None,
                (Some(_), _) => {}
                (None, '#') if previous == ' ' => break,
                // In the middle of a text it is an apostrophe.
                (None, '"' | '\'') if " [{,:".contains(previous) => quote = Some(sign),
                (None, '[' | '{') if !open.is_empty() || " :-".contains(previous) => {
                    open.push((span(number, column, column + 1), sign));
                }
                (None, ']' | '}') => _ = open.pop(),
                _ => {}
            }
            previous = sign;
        }
    }
    open.pop()
}
