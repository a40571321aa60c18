/// A text in which `*` stands for any characters, be there none; everything else stands for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Box<str>);

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is everything.
    pub(crate) fn is_all(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte == b'*')
    }

    /// The one text that it stands for.
    pub(crate) fn literal(&self) -> Option<&str> {
        (!self.0.contains('*')).then_some(&*self.0)
    }

    /// The same for the name of an application, of which only `*` alone stands for any that holds a slash.
    pub(crate) fn matches_application(&self, name: &str) -> bool {
        // Nearly all patterns are names.
        if *self.0 == *name || self.is_all() {
            return true;
        }
        let (mut patterns, mut parts) = (self.0.split('/'), name.split('/'));
        loop {
            match (patterns.next(), parts.next()) {
                (None, None) => return true,
                (Some(pattern), Some(part)) if matches(pattern, part) => {}
                _ => return false,
            }
        }
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        matches(&self.0, text)
    }
}

/// Walks with one point of return, so that time is bounded by the product of both lengths.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut seen, mut back) = (0, 0, None);
    while seen < text.len() {
        match (pattern.get(at), back) {
            (Some(b'*'), _) => {
                at += 1;
                back = Some((at, seen));
            }
            (Some(byte), _) if *byte == text[seen] => (at, seen) = (at + 1, seen + 1),
            (_, Some((after, from))) => {
                back = Some((after, from + 1));
                (at, seen) = (after, from + 1);
            }
            (_, None) => return false,
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// One step of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Any characters, be there none; of our own patterns, but a slash.
    Run,
    /// Any one.
    One,
    This(char),
}

/// What a part of a destination may be as long as, so that it is held against a pattern.
const LONGEST_PART: usize = 512;

impl Pattern {
    /// Whether there is a text that both this pattern and a part of a destination stand for, in which `*` and `{name}` are any
    /// characters and `?` is one.
    pub(crate) fn meets(&self, part: &str) -> bool {
        if self.is_all() || !part.contains(['*', '?', '{']) {
            return self.matches_application(part);
        }
        if part.len() > LONGEST_PART {
            return false;
        }
        let own: Vec<_> = self.0.chars().map(own_step).collect();
        meet(&own, &steps_of(part))
    }
}

fn own_step(c: char) -> Step {
    if c == '*' { Step::Run } else { Step::This(c) }
}

fn steps_of(part: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = part.chars();
    while let Some(c) = rest.next() {
        let variable = rest.as_str().split_once('}').filter(|_| c == '{');
        steps.push(match (c, variable) {
            ('{', Some((name, after))) if !name.is_empty() => {
                rest = after.chars();
                Step::Run
            }
            ('*', _) => Step::Run,
            ('?', _) => Step::One,
            (c, _) => Step::This(c),
        });
    }
    steps
}

/// Goes through one pattern and keeps where the other one may stand meanwhile, so that time is bounded by the product of both
/// lengths.
fn meet(one: &[Step], other: &[Step]) -> bool {
    let mut stands = vec![false; other.len() + 1];
    stands[0] = true;
    pass_runs(&mut stands, other);
    for step in one {
        stands = after(*step, &stands, other);
        pass_runs(&mut stands, other);
    }
    stands[other.len()]
}

/// Where the other pattern may stand after one step of the first.
fn after(step: Step, stands: &[bool], other: &[Step]) -> Vec<bool> {
    let mut next = vec![false; stands.len()];
    if step == Step::Run {
        let mut is_reached = false;
        for (at, next) in next.iter_mut().enumerate() {
            is_reached |= stands[at];
            *next = is_reached;
            is_reached &= other.get(at) != Some(&Step::This('/'));
        }
        return next;
    }
    for at in (0..stands.len()).filter(|at| stands[*at]) {
        match other.get(at) {
            Some(Step::Run) => next[at] = true,
            Some(theirs) if step == *theirs || *theirs == Step::One => next[at + 1] = true,
            _ => {}
        }
    }
    next
}

/// A run may also be nothing.
fn pass_runs(stands: &mut [bool], steps: &[Step]) {
    for (at, step) in steps.iter().enumerate() {
        if stands[at] && *step == Step::Run {
            stands[at + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_meet_where_a_text_fits_both() {
        for (pattern, part, expected) in [
            ("orders", "orders", true),
            ("orders", "ord*", true),
            ("orders", "*ers", true),
            ("orders", "order?", true),
            ("orders", "orders?", false),
            ("orders", "{x}", true),
            ("orders", "{}", false),
            ("orders-*", "*-eu", true),
            ("orders-*", "orders", false),
            ("orders-*", "orders*", true),
            ("orders-*", "o?ders-{region}-1", true),
            ("orders-*", "billing-*", false),
            ("a*b*c", "*x*", true),
            ("a*b*c", "a?c", true),
            ("a*b*c", "a?d", false),
            ("*", "??", true),
            ("", "*", true),
            ("", "?", false),
            ("ä*", "?ö", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).meets(part),
                expected,
                "{pattern} {part}"
            );
        }
        assert!(!Pattern::new("a*").meets(&"*".repeat(LONGEST_PART + 1)));
    }

    #[test]
    fn the_star_of_an_application_stops_at_a_slash() {
        for (pattern, name, expected) in [
            ("orders*", "orders-eu", true),
            ("orders*", "orders/x", false),
            ("orders*", "orders/../billing", false),
            ("orders/*", "orders/x", true),
            ("orders/*", "orders/x/y", false),
            ("orders/*", "orders", false),
            ("*/x", "orders/x", true),
            ("*x", "orders/x", false),
            ("*", "orders/x", true),
            ("**", "orders/x", true),
        ] {
            let matches = Pattern::new(pattern).matches_application(name);
            assert_eq!(matches, expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_star_is_any_characters() {
        for (pattern, text, expected) in [
            ("orders", "orders", true),
            ("orders", "Orders", false),
            ("orders", "orders ", false),
            ("orders", "", false),
            ("orders-*", "orders-eu", true),
            ("orders-*", "orders-", true),
            ("orders-*", "orders", false),
            ("*-eu", "orders-eu-eu", true),
            ("*-eu", "orders-eu-us", false),
            ("a*b*c", "a/b/b/c", true),
            ("a*b*c", "acb", false),
            ("*", "", true),
            ("**", "x", true),
            ("", "", true),
            ("", "x", false),
            ("ä*", "äö", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(text),
                expected,
                "{pattern} {text}"
            );
        }
        assert!(Pattern::new("*").is_all() && !Pattern::new("").is_all());
        assert_eq!(Pattern::new("a*").literal(), None);
    }

    #[test]
    fn a_hard_pattern_takes_no_longer_than_its_size() {
        let pattern = Pattern::new(&"*a".repeat(500));
        assert!(
            !pattern.matches(&"a".repeat(20_000).replace("aa", "ab")[..9_000].replace('a', "b"))
        );
    }
}
