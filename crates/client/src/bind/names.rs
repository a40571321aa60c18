//! Keys as Spring reads them: `a.b[0].c`, where `max-open`, `maxOpen`, `max_open` and `MAX_OPEN` are one name.

/// One step from a section to what lies in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// A name, compared in its [`canonical`] form.
    Name(&'a str),
    /// A name in brackets (`[org.example]`), taken as it stands.
    Literal(&'a str),
    /// An element of a list.
    Element(usize),
}

/// The form in which two spellings of a name are equal: small letters, no dashes, no underscores.
pub(crate) fn canonical(name: &str) -> String {
    let form: String = name
        .chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect();
    if form.is_empty() {
        name.to_owned()
    } else {
        form
    }
}

/// The steps of a key; brackets that do not close belong to the name they stand in.
pub(crate) fn steps(key: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut rest = key;
    while !rest.is_empty() {
        let (step, after) = bracket(rest).unwrap_or_else(|| name(rest));
        steps.extend(step);
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    steps
}

fn bracket(text: &str) -> Option<(Option<Step<'_>>, &str)> {
    let (inner, after) = text.strip_prefix('[')?.split_once(']')?;
    let is_index = !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_digit());
    let step = match inner.parse() {
        Ok(index) if is_index => Step::Element(index),
        _ => Step::Literal(inner),
    };
    Some((Some(step), after))
}

fn name(text: &str) -> (Option<Step<'_>>, &str) {
    // The first character is skipped so that a bracket which does not close cannot be met for ever.
    let skipped = text.chars().next().map_or(0, char::len_utf8);
    let end = if text.starts_with('.') {
        0
    } else {
        text[skipped..]
            .find(['.', '['])
            .map_or(text.len(), |at| at + skipped)
    };
    let (name, after) = text.split_at(end);
    ((!name.is_empty()).then_some(Step::Name(name)), after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Step::{Element, Literal, Name};

    #[test]
    fn keys_are_taken_apart() {
        for (key, expected) in [
            ("a.b", vec![Name("a"), Name("b")]),
            (
                "a[0].b[1]",
                vec![Name("a"), Element(0), Name("b"), Element(1)],
            ),
            ("a[0][12]", vec![Name("a"), Element(0), Element(12)]),
            (
                "logging.level.[org.example]",
                vec![Name("logging"), Name("level"), Literal("org.example")],
            ),
            ("map[a.b].c", vec![Name("map"), Literal("a.b"), Name("c")]),
            ("map[+1]", vec![Name("map"), Literal("+1")]),
            ("a..b.", vec![Name("a"), Name("b")]),
            ("a[", vec![Name("a"), Name("[")]),
            ("[x", vec![Name("[x")]),
            ("", vec![]),
        ] {
            assert_eq!(steps(key), expected, "{key}");
        }
    }

    #[test]
    fn spellings_meet() {
        for spelling in [
            "max-open", "maxOpen", "max_open", "MAX_OPEN", "MaxOpen", "maxopen",
        ] {
            assert_eq!(canonical(spelling), "maxopen");
        }
        assert_eq!(canonical("_"), "_");
    }
}
