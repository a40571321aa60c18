use proptest::prelude::*;

use super::*;
use crate::{
    Comparison, resolve,
    testing::{layout, request, snapshot},
};

/// The keys that change for `foo/dev`, as `+added`, `-removed` and `changed`.
#[track_caller]
fn check(old: &[(&str, &str)], new: &[(&str, &str)], expected: &[&str]) {
    let (old, new, layout) = (snapshot(old), snapshot(new), layout(&[]));
    let mut comparison = Comparison::new(&old, &new, &layout);
    let request = request("foo/dev");
    let in_short = comparison.effect_on(&request, Detail::Files);
    let (keys, in_short) = match (comparison.effect_on(&request, Detail::Keys), in_short) {
        (Effect::Changed { keys, .. }, Effect::Changed { keys: few, .. }) => (keys, few),
        effects => {
            assert_eq!(effects, (Effect::Same, Effect::Same));
            Default::default()
        }
    };
    assert!(in_short.is_empty());
    let shown = keys.into_iter().map(|(key, change)| match change {
        KeyChange::Added => format!("+{key}"),
        KeyChange::Removed => format!("-{key}"),
        KeyChange::Changed => key,
    });
    assert_eq!(shown.collect::<Vec<_>>(), expected);
}

#[test]
fn keys_come_go_and_change() {
    check(
        &[("foo.yml", "a: 1\nb: 1\nc: 1\nl: [1, 2]")],
        &[("foo.yml", "d: 1\nb: 2\nc: 1\nl: [1, 3, 4]")],
        &["-a", "b", "+d", "l[1]", "+l[2]"],
    );
}

#[test]
fn only_effective_values_count() {
    let hidden = ("foo-dev.yml", "a: 0");
    check(
        &[("foo.yml", "a: 1\nb: 1"), hidden],
        &[("foo.yml", "a: 2\nc: 1"), hidden],
        &["-b", "+c"],
    );
    // A key comes into sight, and one moves with its value.
    check(
        &[("foo.yml", "a: 1\nb: 1"), hidden],
        &[("foo.yml", "a: 1"), ("application.yml", "b: 1")],
        &["a"],
    );
}

#[test]
fn documents_come_and_go() {
    let (shared, own) = (("application.yml", "a: 1\nb: 1"), ("foo.yml", "c: 1\nd: 1"));
    let of_profile = ("foo-dev.yml", "b: 2\nc: 1\ne: 1");
    check(&[shared, own], &[shared, own, of_profile], &["b", "+e"]);
    check(&[shared, own, of_profile], &[own, of_profile], &["-a"]);
    check(&[shared, own], &[own], &["-a", "-b"]);
    check(&[own], &[shared], &["+a", "+b", "-c", "-d"]);
}

#[test]
fn a_list_is_one_value() {
    let shared = ("foo.yml", "l: [a, b]");
    // The element that both have is the same, the other one is lost.
    check(&[shared], &[shared, ("foo-dev.yml", "l: [a]")], &["-l[1]"]);
    check(&[shared, ("foo-dev.yml", "l: [a]")], &[shared], &["+l[1]"]);
    let named = ("foo.yml", "l: [{a: 1, b: 1}, {a: 2}]");
    let own = |text| [named, ("foo-dev.yml", text)];
    check(
        &own("x: 1"),
        &own("x: 1\nl: [{a: 1}]"),
        &["-l[0].b", "-l[1].a"],
    );
    // What single keys find is different and somebody is told, though no list is.
    check(&own("l: [{a: 1}]"), &[("foo-dev.yml", "l: [{a: 1}]")], &[]);
}

#[test]
fn what_is_written_need_not_be_what_is_answered() {
    let old = snapshot(&[("foo.yml", "a: x\nb: x\nl: [x]")]);
    let new = snapshot(&[("foo.yml", "a: X\nb: y\nl: [X]")]);
    let layout = layout(&[]);
    let mut comparison = Comparison::new(&old, &new, &layout);
    let lower = |value: &PropertyValue| value.to_string().to_lowercase();
    let are_same = |one: &PropertyValue, other: &PropertyValue| lower(one) == lower(other);
    let effect = comparison.effect_where(&request("foo/dev"), Detail::Keys, &are_same);
    let Effect::Changed { keys, .. } = effect else {
        panic!("{effect:?}");
    };
    assert_eq!(keys, [("b".to_owned(), KeyChange::Changed)].into());
}

/// The weakest first, each with its text where it is there.
type Texts = [Option<String>; 3];

fn files(texts: &Texts) -> Vec<(&str, &str)> {
    let paths = ["application.yml", "foo.yml", "foo-dev.yml"];
    let files = paths.into_iter().zip(texts);
    files
        .filter_map(|(path, text)| Some((path, text.as_deref()?)))
        .collect()
}

/// What wins under single keys, and what is merged.
fn both_views(texts: &Texts) -> [BTreeMap<String, PropertyValue>; 2] {
    let snapshot = snapshot(&files(texts));
    let environment = resolve(&snapshot, &layout(&[]), &request("foo/dev")).unwrap();
    let values = |(key, property): (&String, &confbus_protocol::Property)| {
        (key.clone(), property.value.clone())
    };
    let weakest_first = environment.property_sources.iter().rev();
    let single = weakest_first.flat_map(|source| source.source.iter().map(values));
    [
        single.collect(),
        environment.merged().iter().map(values).collect(),
    ]
}

/// A file with two short lists of few values, or none.
fn text() -> impl Strategy<Value = Option<String>> {
    let list = || prop::option::of(prop::collection::vec(0..2_u8, 1..4));
    let text = (list(), list()).prop_map(|lists| {
        let line = |name: &str, list: Option<Vec<u8>>| {
            list.map_or_else(String::new, |list| format!("{name}: {list:?}\n"))
        };
        format!("{}{}x: 1\n", line("l", lists.0), line("m", lists.1))
    });
    prop::option::of(text)
}

proptest! {
    #[test]
    fn whoever_sees_a_difference_is_told(
        old in prop::array::uniform3(text()),
        place in 0..3_usize,
        text in text(),
    ) {
        let mut new = old.clone();
        new[place] = text;
        let is_same = both_views(&old) == both_views(&new);
        let (old, new, layout) = (snapshot(&files(&old)), snapshot(&files(&new)), layout(&[]));
        let mut comparison = Comparison::new(&old, &new, &layout);
        let effect = comparison.effect_on(&request("foo/dev"), Detail::Keys);
        prop_assert_eq!(effect == Effect::Same, is_same);
    }
}

#[test]
fn nobody_knows_the_keys_of_a_broken_file() {
    check(&[("foo.yml", "a: 1")], &[("foo.yml", "a: [")], &[]);
}
