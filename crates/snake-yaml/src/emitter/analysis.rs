//! Which styles a text can be written in.

/// The styles in which a text would read back unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Analysis {
    pub(super) multiline: bool,
    pub(super) plain: bool,
    pub(super) single_quoted: bool,
    pub(super) block: bool,
}

/// What SnakeYAML takes for a line break when writing.
pub(super) fn is_break(character: char) -> bool {
    matches!(character, '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

pub(super) fn utf_16_length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

impl Analysis {
    pub(super) fn of(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let [first, .., last] = characters[..] else {
            return Self::of_short(&characters);
        };
        Self::new(&characters, first, last)
    }

    fn of_short(characters: &[char]) -> Self {
        match characters {
            [only] => Self::new(characters, *only, *only),
            _ => Self {
                multiline: false,
                plain: true,
                single_quoted: true,
                block: false,
            },
        }
    }

    fn new(characters: &[char], first: char, last: char) -> Self {
        let pair = |before: fn(char) -> bool, after: fn(char) -> bool| {
            characters
                .windows(2)
                .any(|pair| before(pair[0]) && after(pair[1]))
        };
        let break_before_space = pair(is_break, is_space);
        let unquotable = pair(is_space, is_break) || characters.iter().any(|c| is_special(*c));
        let blank_edge = [first, last]
            .into_iter()
            .any(|c| is_space(c) || is_break(c));
        let plain = !blank_edge && !has_leading_zero(characters) && !has_indicators(characters);
        Self {
            multiline: characters.iter().any(|c| is_break(*c)),
            plain: plain && !break_before_space && !unquotable,
            single_quoted: !break_before_space && !unquotable,
            block: !is_space(last) && !unquotable,
        }
    }
}

fn is_space(character: char) -> bool {
    character == ' '
}

/// What only double quotes can hold: a tab and a carriage return, for the rest is written in Base64.
fn is_special(character: char) -> bool {
    matches!(character, '\t' | '\r')
}

/// Such numbers are read differently by YAML 1.1 and 1.2.
fn has_leading_zero(characters: &[char]) -> bool {
    match characters {
        ['0', rest @ ..] => {
            !rest.is_empty() && rest.iter().all(|c| c.is_ascii_digit() || *c == '_')
        }
        _ => false,
    }
}

/// Characters that mean something at the place where they stand.
fn has_indicators(characters: &[char]) -> bool {
    if matches!(characters, ['-', '-', '-', ..] | ['.', '.', '.', ..]) {
        return true;
    }
    characters
        .iter()
        .enumerate()
        .any(|(index, character)| match character {
            '#' => index == 0 || is_blank(characters[index - 1]),
            ':' => is_followed_by_blank(characters, index),
            '?' | '-' => index == 0 && is_followed_by_blank(characters, index),
            ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@'
            | '`' => index == 0,
            _ => false,
        })
}

fn is_followed_by_blank(characters: &[char], index: usize) -> bool {
    match characters.get(index + 1) {
        None => true,
        // Only behind the first character does SnakeYAML look for line breaks; further on it looks at the one before.
        Some(next) if index == 0 => is_blank(*next),
        Some(next) => matches!(next, ' ' | '\t') || is_break(characters[index - 1]),
    }
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t') || is_break(character)
}
