//! Flattened keys as nested maps and lists, as Spring Cloud Config Server nests them.

use confbus_protocol::{Properties, PropertyValue};
use indexmap::IndexMap;

use super::ConvertError;

/// The largest list that is made; a key such as `a[999999999]` would take all memory.
const INDEX_LIMIT: usize = 10_000;

/// How many gaps in lists are filled with nothing, in all lists together.
const GAP_LIMIT: usize = 100_000;

/// How many names and indices one key may hold.
const DEPTH_LIMIT: usize = 200;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Null,
    Value(PropertyValue),
    List(Vec<Self>),
    Map(Map),
}

pub(super) type Map = IndexMap<String, Tree>;

/// Nests keys in the order given.
pub(super) fn nest(properties: &Properties) -> Result<Map, ConvertError> {
    let mut root = Map::new();
    let mut gaps = 0;
    for (key, property) in properties {
        let steps = steps(key)?;
        let mut nester = Nester {
            key,
            prefix: String::new(),
            gaps: &mut gaps,
        };
        nester.set(&mut root, &steps, &property.value)?;
    }
    Ok(root)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step<'k> {
    Name(&'k str),
    Index(usize),
    /// No name, or no index, though one must stand there. Found out only on the way: a clash before it comes first.
    NoName,
    NoIndex,
}

/// Splits `a.b[0].c` into names and indices; brackets that hold no integer belong to the name.
fn steps(key: &str) -> Result<Vec<Step<'_>>, ConvertError> {
    let mut steps = Vec::new();
    let mut rest = key;
    loop {
        let end = name_end(rest);
        if end == 0 && !rest.is_empty() {
            steps.push(Step::NoName);
            return Ok(steps);
        }
        steps.push(Step::Name(&rest[..end]));
        rest = &rest[end..];
        while let Some(bracket) = rest.strip_prefix('[') {
            let (step, after) = index_step(bracket)?;
            steps.push(step);
            if step == Step::NoIndex {
                return Ok(steps);
            }
            rest = after;
        }
        if steps.len() > DEPTH_LIMIT {
            return Err(ConvertError::TooLarge {
                problem: format!("a key with more than {DEPTH_LIMIT} parts"),
            });
        }
        match rest.strip_prefix('.') {
            Some(after) => rest = after,
            None => return Ok(steps),
        }
    }
}

/// Up to a dot, or a bracket with an integer in it.
fn name_end(text: &str) -> usize {
    let is_end =
        |(at, c): &(usize, char)| *c == '.' || (*c == '[' && holds_integer(&text[at + 1..]));
    text.char_indices()
        .find(is_end)
        .map_or(text.len(), |(at, _)| at)
}

/// Looks no further than an integer may reach, or many brackets would take for ever.
fn holds_integer(after_bracket: &str) -> bool {
    let end = after_bracket.bytes().take(24).position(|byte| byte == b']');
    end.is_some_and(|end| after_bracket[..end].parse::<i32>().is_ok())
}

/// What stands in a bracket, and the text behind it.
///
/// An index has digits only, though a sign makes an integer too; behind it come another step or the end.
fn index_step(bracket: &str) -> Result<(Step<'_>, &str), ConvertError> {
    let Some((digits, after)) = bracket.split_once(']') else {
        return Ok((Step::NoIndex, ""));
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let ends = after.is_empty() || after.starts_with(['.', '[']);
    match digits.parse() {
        Ok(index) if is_number && ends && index < INDEX_LIMIT => Ok((Step::Index(index), after)),
        Ok(index) if is_number && ends => Err(ConvertError::TooLarge {
            problem: format!("the list index {index}"),
        }),
        _ => Ok((Step::NoIndex, "")),
    }
}

struct Nester<'k, 'g> {
    key: &'k str,
    /// Below a value there is no map: `a.b` beside a value `a` becomes a key of its own.
    prefix: String,
    gaps: &'g mut usize,
}

impl<'k> Nester<'k, '_> {
    fn set(
        &mut self,
        map: &mut Map,
        steps: &[Step<'k>],
        value: &PropertyValue,
    ) -> Result<(), ConvertError> {
        match steps {
            [Step::Name(name)] => {
                map.insert(format!("{}{name}", self.prefix), leaf(value));
                Ok(())
            }
            [Step::Name(name), rest @ ..] if matches!(rest, [Step::Name(_) | Step::NoName, ..]) => {
                let child = map.entry((*name).to_owned()).or_insert(Tree::Null);
                if *child == Tree::Null {
                    *child = Tree::Map(Map::new());
                }
                if let Tree::Map(child) = child {
                    return self.set(child, rest, value);
                }
                self.prefix = format!("{name}.");
                self.set(map, rest, value)
            }
            [Step::Name(name), rest @ ..] => self.set_element(
                map.entry((*name).to_owned()).or_insert(Tree::Null),
                rest,
                value,
            ),
            _ => Err(self.invalid()),
        }
    }

    /// `steps` begin with an index into the list that `target` is or becomes.
    fn set_element(
        &mut self,
        target: &mut Tree,
        steps: &[Step<'k>],
        value: &PropertyValue,
    ) -> Result<(), ConvertError> {
        if *target == Tree::Null {
            *target = Tree::List(Vec::new());
        }
        let Tree::List(list) = target else {
            return Err(self.clash());
        };
        let [Step::Index(index), rest @ ..] = steps else {
            return Err(self.invalid());
        };
        self.fill(list, *index)?;
        let element = &mut list[*index];
        match rest {
            [] => *element = leaf(value),
            [Step::Index(_) | Step::NoIndex, ..] => {
                return self.set_element(element, rest, value);
            }
            [Step::Name(_) | Step::NoName, ..] => {
                if *element == Tree::Null {
                    *element = Tree::Map(Map::new());
                }
                let Tree::Map(map) = element else {
                    return Err(self.clash());
                };
                return self.set(map, rest, value);
            }
        }
        Ok(())
    }

    fn fill(&mut self, list: &mut Vec<Tree>, index: usize) -> Result<(), ConvertError> {
        if index >= list.len() {
            *self.gaps += index - list.len();
            if *self.gaps > GAP_LIMIT {
                return Err(ConvertError::TooLarge {
                    problem: "the gaps in the lists".into(),
                });
            }
            list.resize(index + 1, Tree::Null);
        }
        Ok(())
    }

    fn invalid(&self) -> ConvertError {
        ConvertError::Key {
            key: self.key.to_owned(),
        }
    }

    fn clash(&self) -> ConvertError {
        ConvertError::Clash {
            key: self.key.to_owned(),
        }
    }
}

fn leaf(value: &PropertyValue) -> Tree {
    match value {
        PropertyValue::Null => Tree::Null,
        value => Tree::Value(value.clone()),
    }
}
