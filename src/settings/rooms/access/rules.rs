use std::collections::BTreeSet;

use crate::{
    access::{Kind, Kinds, Pattern, Patterns, Rule, Who},
    settings::reader::Reader,
};

const RULES: &str = "confbus.security.rules";
/// Each read looks at all that are for its caller.
const MOST: usize = 500;
/// What a pattern of applications must not hold: destinations of events have patterns of their own, in which it means something.
const OF_DESTINATIONS: [char; 4] = ['?', '{', '}', ':'];

/// What a rule is made of.
const MEMBERS: [&str; 6] = [
    "principals",
    "applications",
    "profiles",
    "labels",
    "paths",
    "allow",
];

/// Members that would restrict nothing if they were empty.
const RESTRICTIONS: [&str; 4] = ["applications", "profiles", "labels", "paths"];

/// All rules, in no order: one that allows is enough.
pub(super) fn rules(reader: &mut Reader) -> Vec<Rule> {
    let indices: BTreeSet<usize> = reader.indices(RULES).into_iter().collect();
    if indices.len() > MOST {
        reader.refuse(RULES, format!("there are more than {MOST} rules"), None);
    }
    let rule = |index| rule(reader, &format!("{RULES}[{index}]"));
    indices.into_iter().filter_map(rule).collect()
}

fn rule(reader: &mut Reader, at: &str) -> Option<Rule> {
    let key = |name: &str| format!("{at}.{name}");
    let principals = reader.list(&key("principals"));
    let principals = principals
        .iter()
        .map(|text| who(text))
        .collect::<Option<Vec<_>>>();
    let principals = principals.filter(|principals| !principals.is_empty());
    if principals.is_none() {
        reader.refuse(
            &first_of(reader, at),
            format!("`{at}` is for nobody: `principals` is missing, or one of them is nobody's name"),
            Some("write names of users and tokens, jwt:NAME, certificate:NAME, claim:groups=ops, or * for everyone who is known"),
        );
    }
    check_members(reader, at);
    check_restrictions(reader, at);
    let allow = allow(reader, &key("allow"));
    let applications = patterns(reader, &key("applications"));
    let rule = Rule {
        principals: principals?,
        allow: allow?,
        profiles: all_or(patterns(reader, &key("profiles"))),
        labels: all_or(patterns(reader, &key("labels"))),
        paths: all_or(patterns(reader, &key("paths"))),
        applications,
    };
    check_applications(reader, at, &rule);
    check_decrypt(reader, at, &rule);
    Some(rule)
}

/// A list that is misspelt would make the rule wider than was meant.
fn check_members(reader: &mut Reader, at: &str) {
    for (member, _) in reader.below(&format!("{at}.")) {
        let name = member.split('[').next().unwrap_or_default();
        if !MEMBERS.contains(&name) {
            let problem = format!("`{member}` is nothing that a rule has");
            let hint = format!("write some of {}", MEMBERS.join(", "));
            reader.refuse(&format!("{at}.{member}"), problem, Some(&hint));
        }
    }
}

/// A restriction that is there has to restrict something, in each of its places.
fn check_restrictions(reader: &mut Reader, at: &str) {
    let below = reader.below(&format!("{at}."));
    for member in RESTRICTIONS {
        let said: Vec<_> = below
            .iter()
            .filter(|(key, _)| key.split('[').next() == Some(member))
            .collect();
        let elements = said.iter().filter(|(key, _)| key != member).count();
        let is_element = |key: &str| (0..elements).any(|index| key == format!("{member}[{index}]"));
        let is_whole = |(key, text): &&(String, String)| {
            let mut items = text.split(',').map(str::trim);
            items.all(|item| !item.is_empty()) && (key == member || is_element(key))
        };
        if let Some((key, _)) = said.iter().find(|one| !is_whole(one)) {
            reader.refuse(
                &format!("{at}.{key}"),
                format!("`{at}.{member}` names nothing in some place of its list"),
                Some("write a name, or leave the member out where all are meant"),
            );
        }
    }
}

/// All applications have the same keys, so whoever has texts decrypted has those of all.
fn check_decrypt(reader: &mut Reader, at: &str, rule: &Rule) {
    let is_of_all = rule.applications.iter().any(Pattern::is_all)
        && rule.profiles == Patterns::All
        && rule.labels == Patterns::All;
    if rule.allow.has(Kind::Decrypt) && !is_of_all {
        reader.refuse(
            &format!("{at}.allow"),
            format!("`{at}` allows `decrypt`, which shows the secrets of all applications, to whom not all are open"),
            Some("take a rule of its own with applications: \"*\" and neither profiles nor labels, and write what else is allowed instead of `all`"),
        );
    }
}

/// The place to show for a rule that lacks something.
fn first_of(reader: &Reader, at: &str) -> String {
    let below = reader.below(&format!("{at}."));
    below
        .first()
        .map_or_else(|| at.to_owned(), |(rest, _)| format!("{at}.{rest}"))
}

fn who(text: &str) -> Option<Who> {
    let pattern = |text: &str| (!text.is_empty()).then(|| Pattern::new(text));
    if text == "*" {
        return Some(Who::Anybody);
    }
    match text.split_once(':') {
        None => pattern(text).map(Who::Named),
        Some(("jwt", name)) => pattern(name).map(Who::Issued),
        Some(("certificate", name)) => pattern(name).map(Who::Certified),
        Some(("claim", said)) => {
            let (name, value) = said.rsplit_once('=')?;
            (!name.is_empty()).then_some(())?;
            let value = pattern(value)?;
            Some(Who::Claim {
                name: name.into(),
                value,
            })
        }
        Some(_) => None,
    }
}

fn allow(reader: &mut Reader, key: &str) -> Option<Kinds> {
    let words = reader.list(key);
    let unknown = words
        .iter()
        .find(|word| Kinds::named(word).is_none())
        .cloned();
    if words.is_empty() || unknown.is_some() {
        let problem = unknown.map_or_else(
            || format!("`{key}` says nothing, so the rule allows nothing"),
            |word| format!("`{word}` in `{key}` is no kind of request"),
        );
        let names: Vec<_> = Kinds::named("all")?.names().collect();
        reader.refuse(
            key,
            problem,
            Some(&format!("write some of {}, or all", names.join(", "))),
        );
        return None;
    }
    let kinds = words.iter().filter_map(|word| Kinds::named(word));
    Some(kinds.fold(Kinds::default(), Kinds::and))
}

fn patterns(reader: &Reader, key: &str) -> Vec<Pattern> {
    let patterns = reader.list(key);
    patterns
        .iter()
        .map(|pattern| Pattern::new(pattern))
        .collect()
}

fn all_or(patterns: Vec<Pattern>) -> Patterns {
    if patterns.is_empty() {
        Patterns::All
    } else {
        Patterns::These(patterns)
    }
}

fn check_applications(reader: &mut Reader, at: &str, rule: &Rule) {
    let key = format!("{at}.applications");
    let texts = || rule.applications.iter().map(Pattern::as_str);
    if rule.applications.is_empty() && rule.allow.are_of_applications() {
        let hint = format!("write `{key}: \"*\"` if it is for all");
        reader.refuse(
            &format!("{at}.allow"),
            format!("`{at}` names no applications"),
            Some(&hint),
        );
    }
    if texts().any(|text| text.contains(OF_DESTINATIONS)) {
        reader.refuse(
            &key,
            format!("a pattern in `{key}` holds one of `?{{}}:`"),
            Some("only * stands for others"),
        );
    }
}
