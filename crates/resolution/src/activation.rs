//! Profile expressions: `(dev & mysql) | !cloud`.

use std::slice::Iter;

/// How deeply parentheses and negations may nest.
const DEPTH_LIMIT: usize = 32;

/// A condition over profiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expression {
    Profile(String),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

type Problem = &'static str;

impl Expression {
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let tokens = tokens(text);
        parse(&mut tokens.iter(), Context::Top, 0)
    }

    /// Whether it holds when these profiles are active.
    pub(crate) fn holds(&self, profiles: &[String]) -> bool {
        match self {
            Self::Profile(name) => profiles.contains(name),
            Self::Not(inner) => !inner.holds(profiles),
            Self::All(parts) => parts.iter().all(|part| part.holds(profiles)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(profiles)),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Top,
    Negation,
    Parentheses,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    And,
    Or,
}

/// Names, and the signs `()&|!` by themselves.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['(', ')', '&', '|', '!']) {
        tokens.extend([rest[..at].trim(), &rest[at..=at]]);
        rest = &rest[at + 1..];
    }
    tokens.push(rest.trim());
    tokens.retain(|token| !token.is_empty());
    tokens
}

/// As Spring reads it, which forgives `dev &` and a lone `)`.
fn parse(
    tokens: &mut Iter<'_, &str>,
    context: Context,
    depth: usize,
) -> Result<Expression, Problem> {
    if depth > DEPTH_LIMIT {
        return Err("the expression nests too deeply");
    }
    let (mut parts, mut operator) = (Vec::new(), None);
    while let Some(token) = tokens.next() {
        let part = match *token {
            "&" => {
                operator = Some(same(operator, Operator::And)?);
                continue;
            }
            "|" => {
                operator = Some(same(operator, Operator::Or)?);
                continue;
            }
            ")" => {
                let merged = merge(std::mem::take(&mut parts), operator.take())?;
                if context == Context::Parentheses {
                    return Ok(merged);
                }
                parts.push(merged);
                continue;
            }
            "!" => Expression::Not(Box::new(parse(tokens, Context::Negation, depth + 1)?)),
            "(" => parse(tokens, Context::Parentheses, depth + 1)?,
            name => Expression::Profile(name.to_owned()),
        };
        if context == Context::Negation && *token != "!" {
            return Ok(part);
        }
        parts.push(part);
    }
    merge(parts, operator)
}

fn same(operator: Option<Operator>, next: Operator) -> Result<Operator, Problem> {
    if operator.is_none_or(|operator| operator == next) {
        Ok(next)
    } else {
        Err("`&` beside `|` needs parentheses")
    }
}

fn merge(mut parts: Vec<Expression>, operator: Option<Operator>) -> Result<Expression, Problem> {
    match (parts.len(), operator) {
        (0, _) => Err("expected a profile"),
        (1, _) => Ok(parts.remove(0)),
        (_, Some(Operator::And)) => Ok(Expression::All(parts)),
        _ => Ok(Expression::Any(parts)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, profiles: &str, expected: bool) {
        let profiles: Vec<String> = profiles.split(',').map(str::to_owned).collect();
        assert_eq!(
            Expression::parse(text).unwrap().holds(&profiles),
            expected,
            "{text} under {profiles:?}"
        );
    }

    #[test]
    fn expressions_hold_or_do_not() {
        check("dev & mysql", "dev,mysql", true);
        check("dev & mysql", "dev", false);
        check("dev | prod", "prod", true);
        check("(dev & mysql) | qa", "qa", true);
        check("!dev & !prod", "qa", true);
        check("!dev & !prod", "prod", false);
        check("!(dev | qa)", "x", true);
        check("!(dev | qa)", "qa", false);
        check("!!dev", "dev", true);
        check("!default", "default", false);
        check("dev &", "dev", true);
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in [
            "dev & mysql | qa",
            "",
            "()",
            "!",
            "a | (b & c | d)",
            &"(".repeat(100_000),
            &"!".repeat(100_000),
        ] {
            assert!(
                Expression::parse(text).is_err(),
                "{}",
                &text[..text.len().min(20)]
            );
        }
    }
}
