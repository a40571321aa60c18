use expect_test::{Expect, expect};

use super::*;
use crate::testing::{layout, request, snapshot};
use crate::{Places, Root, SearchLocation};

type Files<'f> = &'f [(&'f str, &'f str)];

fn check_in(layout: &Layout, files: Files<'_>, coordinates: &str, expected: Expect) {
    let shown = match resolve(&snapshot(files), layout, &request(coordinates)) {
        Ok(environment) => environment.property_sources.iter().map(show).collect(),
        Err(error) => error
            .problems()
            .iter()
            .map(|problem| format!("{problem}\n"))
            .collect::<String>(),
    };
    expected.assert_eq(&shown);
}

fn check(files: Files<'_>, coordinates: &str, expected: Expect) {
    check_in(&layout(&[]), files, coordinates, expected);
}

/// The source's name without the repository, and its `who`.
fn show(source: &PropertySource) -> String {
    let who = source.source.get("who").map(|who| who.value.to_string());
    format!(
        "{} {}\n",
        source.name.trim_start_matches("repo/"),
        who.unwrap_or_default()
    )
}

#[test]
fn an_environment_shows_what_was_asked_for() {
    let files = [("foo.yml", "limit: 7\nlist: [a]\nempty: {}")];
    let environment = resolve(
        &snapshot(&files),
        &layout(&[]),
        &request("foo,bar/dev,qa/main"),
    )
    .unwrap();
    let json =
        String::from_utf8(environment.to_json(confbus_protocol::Representation::V2)).unwrap();
    expect![[r#"{"name":"foo,bar","profiles":["dev,qa"],"label":"main","version":"0707070707070707070707070707070707070707","state":"","propertySources":[{"name":"repo/foo.yml","source":{"limit":{"value":7,"origin":"1:8"},"list[0]":{"value":"a","origin":"2:8"}}}]}"#]].assert_eq(&json);
}

#[test]
fn profiles_rank_before_locations_names_extensions_and_documents() {
    let files = [
        ("application.yml", "who: 1\n---\nwho: 2"),
        ("application-dev.yml", "who: 3"),
        ("foo.yaml", "who: 4"),
        ("foo.yml", "who: 5"),
        (
            "foo.xml",
            "<!DOCTYPE properties><properties><entry key=\"who\">6</entry></properties>",
        ),
        ("foo.properties", "who=7"),
        ("foo.json", "{\"who\": 8}"),
        ("foo-dev.yml", "who: 9"),
        ("bar.yml", "who: 10"),
        ("sub/foo.yml", "who: 11"),
        ("foo-qa.yml", "who: 12"),
    ];
    check_in(
        &layout(&["sub"]),
        &files,
        "foo,bar/dev,qa",
        expect![[r#"
        foo-qa.yml 12
        foo-dev.yml 9
        application-dev.yml 3
        sub/foo.yml 11
        bar.yml 10
        foo.properties 7
        foo.xml 6
        foo.yml 5
        foo.yaml 4
        Config resource 'file [/clone/application.yml' via location '' (document #1) 2
        Config resource 'file [/clone/application.yml' via location '' (document #0) 1
    "#]],
    );
}

#[test]
fn files_of_the_same_name_may_be_many() {
    let others = ('a'..='z').map(|letter| format!("foo.x{letter}/z.txt"));
    let others: Vec<_> = others.collect();
    let mut files = vec![
        ("foo.yml", "who: yml"),
        ("foo.properties", "who=properties"),
    ];
    files.extend(others.iter().map(|path| (path.as_str(), "")));
    check(
        &files,
        "foo/dev",
        expect![[r#"
            foo.properties properties
            foo.yml yml
        "#]],
    );
}

#[test]
fn search_paths_have_placeholders_and_wildcards() {
    let files = [
        ("foo.yml", "who: root"),
        ("foo/dev/foo.yml", "who: foo/dev"),
        ("bar/config/foo.yml", "who: bar/config"),
        ("foo/config/foo.yml", "who: foo/config"),
        ("main/foo.yml", "who: main"),
        ("x1/foo.yml", "who: x1"),
    ];
    let layout = Layout {
        default_label: Some(confbus_protocol::Label::parse("main").unwrap()),
        ..layout(&[
            "{application}/{profile}",
            "*/config",
            "x?",
            "{label}",
            "../out",
            "/main/",
        ])
    };
    check_in(
        &layout,
        &files,
        "foo/dev",
        expect![[r#"
        main/foo.yml main
        foo/config/foo.yml foo/config
        bar/config/foo.yml bar/config
        foo/dev/foo.yml foo/dev
        foo.yml root
    "#]],
    );
}

#[test]
fn documents_count_under_their_profiles() {
    let files = [(
        "foo.yml",
        "who: 0\n---\n---\nspring.config.activate.on-profile: dev & mysql\nwho: 1\n---\nspring.config.activate.onProfile: [qa, dev]\nwho: 2\n---\nspring.config.activate.on-profile: ''\nwho: 3\n---\nspring.config.activate.on-cloud-platform: kubernetes\nwho: 4\n---\nspring.config.activate.on-cloud-platform: none\nwho: 5",
    )];
    check(
        &files,
        "foo/dev",
        expect![[r#"
        Config resource 'file [/clone/foo.yml' via location '' (document #5) 5
        Config resource 'file [/clone/foo.yml' via location '' (document #3) 3
        Config resource 'file [/clone/foo.yml' via location '' (document #2) 2
        Config resource 'file [/clone/foo.yml' via location '' (document #0) 0
    "#]],
    );
}

#[test]
fn files_add_profiles() {
    let files = [
        (
            "application.yml",
            "spring.profiles.include: common\nspring.profiles.group.dev: [g1, g2]\nspring.profiles.group.g2: deep",
        ),
        ("foo-common.yml", "who: common"),
        ("foo-dev.yml", "who: dev"),
        ("foo-g1.yml", "who: g1"),
        ("foo-g2.yml", "who: g2"),
        ("foo-deep.yml", "who: deep"),
        ("foo-default.yml", "who: default"),
    ];
    check(
        &files,
        "foo/dev",
        expect![[r#"
        foo-common.yml common
        foo-deep.yml deep
        foo-g2.yml g2
        foo-g1.yml g1
        foo-dev.yml dev
        application.yml 
    "#]],
    );
    check(
        &files,
        "foo/default",
        expect![[r#"
        foo-default.yml default
        application.yml 
    "#]],
    );
    check(
        &files,
        "foo/DEFAULT,dev",
        expect![[r#"
        foo-dev.yml dev
        application.yml 
    "#]],
    );
}

#[test]
fn imports_stand_above_their_importer() {
    let files = [
        (
            "foo.yml",
            "who: foo\nspring.config.import: [imp/one.yml, 'optional:imp/two.yml', dir/, nowhere.yml, ../out.yml, 'file:/etc/x.yml']",
        ),
        ("imp/one.yml", "who: one"),
        ("imp/one-dev.yml", "who: one-dev"),
        ("imp/two.yml", "who: two\n---\nwho: second"),
        ("dir/foo.yml", "who: dir"),
        ("application-dev.yml", "who: application-dev"),
    ];
    check(
        &files,
        "foo/dev",
        expect![[r#"
            application-dev.yml application-dev
            imp/one-dev.yml one-dev
            dir/foo.yml dir
            Config resource 'file [/clone/imp/two.yml' via location 'optional:imp/two.yml' (document #1) second
            Config resource 'file [/clone/imp/two.yml' via location 'optional:imp/two.yml' (document #0) two
            imp/one.yml one
            foo.yml foo
        "#]],
    );
}

#[test]
fn a_circle_of_imports_ends() {
    let files = [
        ("foo.yml", "who: foo\nspring.config.import: imp/back.yml"),
        (
            "imp/back.yml",
            "who: back\nspring.config.import: ../foo.yml",
        ),
    ];
    check(
        &files,
        "foo/dev",
        expect![[r#"
        imp/back.yml back
        foo.yml foo
    "#]],
    );
}

#[test]
fn imports_of_a_condition_wait_for_it() {
    let files = [
        (
            "foo.yml",
            "who: foo\n---\nspring.config.activate.on-profile: dev\nspring.config.import: imp.yml\nwho: on dev",
        ),
        ("imp.yml", "who: imp"),
    ];
    check(
        &files,
        "foo/dev",
        expect![[r#"
        imp.yml imp
        Config resource 'file [/clone/foo.yml' via location '' (document #1) on dev
        Config resource 'file [/clone/foo.yml' via location '' (document #0) foo
    "#]],
    );
    check(
        &files,
        "foo/qa",
        expect![[r#"
        Config resource 'file [/clone/foo.yml' via location '' (document #0) foo
    "#]],
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let files = [
        ("application.yml", "a: [1"),
        (
            "foo.yml",
            "spring.profiles: dev\n---\nspring.config.activate.on-profile: a & b | c\n---\nspring.config.activate.on-profile: dev\nspring.profiles.include: x",
        ),
        ("foo-dev.yml", "spring.profiles.active: x"),
        ("bar.yml", "a: [1"),
    ];
    check(
        &files,
        "foo/dev",
        expect![[r#"
        foo.yml:1:18: spring.profiles no longer selects a document
        foo.yml:3:36: spring.config.activate.on-profile: `&` beside `|` needs parentheses
        foo.yml:6:26: spring.profiles.include cannot stand in a document with a condition
        application.yml:1:6: did not find expected ',' or ']' while parsing a flow sequence
        foo-dev.yml:1:25: spring.profiles.active cannot stand in the file of a profile
    "#]],
    );
    check(
        &files,
        "other/x",
        expect![[r#"
        application.yml:1:6: did not find expected ',' or ']' while parsing a flow sequence
    "#]],
    );
}

/// `/srv/nat` and the working directory `/home/me`.
fn directories(locations: &[(&str, &str)]) -> Layout {
    let location = |(written, path): &(&str, &str)| SearchLocation {
        written: (*written).to_owned(),
        path: (*path).to_owned(),
    };
    let roots = [("home/me/", ""), ("", "/")].map(|(path, shown)| Root {
        path: path.into(),
        shown: shown.into(),
    });
    Layout {
        places: Places::Directories {
            locations: locations.iter().map(location).collect(),
            label_locations: true,
            roots: roots.into(),
        },
        ..layout(&[])
    }
}

#[test]
fn directories_of_a_machine_have_their_own_names() {
    let files = [
        ("srv/nat/foo.yml", "who: nat"),
        ("srv/nat/a/foo.yml", "who: a"),
        ("srv/nat/b/foo.yml", "who: b"),
        ("srv/apps/foo/foo.yml", "who: apps/foo"),
        ("srv/apps/foo/a/foo.yml", "who: never"),
        ("home/me/foo.yml", "who: one\n---\nwho: two"),
    ];
    let nat = ("file:/srv/nat/", "srv/nat/");
    let apps = ("file:/srv/apps/{application}/", "srv/apps/{application}/");
    check_in(
        &directories(&[nat, apps, ("./", "home/me/")]),
        &files,
        "foo/dev/b,a",
        expect![[r#"
            file:/srv/nat/b/foo.yml b
            file:/srv/nat/a/foo.yml a
            Config resource 'file [foo.yml]' via location './' (document #1) two
            Config resource 'file [foo.yml]' via location './' (document #0) one
            file:/srv/apps/foo/foo.yml apps/foo
            file:/srv/nat/foo.yml nat
        "#]],
    );
}

#[test]
fn a_wildcard_may_be_the_last_directory() {
    let files = [
        ("srv/b/foo.yml", "who: b"),
        ("srv/a/foo.yml", "who: a"),
        ("srv/a/deep/foo.yml", "who: deep"),
    ];
    let layout = directories(&[("file:/srv/*/", "srv/*/")]);
    check_in(
        &layout,
        &files,
        "foo/dev",
        expect![[r#"
            file:/srv/b/foo.yml b
            file:/srv/a/foo.yml a
        "#]],
    );
    let resolved = resolve(&snapshot(&files), &layout, &request("foo/dev/main"));
    let location = "file:/srv/*/main/".to_owned();
    assert_eq!(resolved, Err(ResolveError::Wildcard { location }));
}

#[test]
fn without_a_name_there_is_nothing() {
    let mut request = request("foo/dev");
    request.application = confbus_protocol::Application::parse("").unwrap();
    let environment = resolve(
        &snapshot(&[("application.yml", "who: a")]),
        &layout(&[]),
        &request,
    )
    .unwrap();
    assert!(environment.property_sources.is_empty());
}

#[test]
fn too_long_lists_are_refused() {
    let names = (0..1000)
        .map(|name| format!("a{name}"))
        .collect::<Vec<_>>()
        .join(",");
    let request = request(&format!("{names}/{names}"));
    assert_eq!(
        resolve(&snapshot(&[]), &layout(&["{application}"]), &request),
        Err(ResolveError::TooLarge)
    );
    assert_eq!(
        resolve(&snapshot(&[]), &layout(&[]), &request),
        Err(ResolveError::TooLarge)
    );
}
