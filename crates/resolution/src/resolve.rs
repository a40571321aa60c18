use std::collections::HashSet;

use confbus_protocol::{Environment, PropertySource};
use indexmap::IndexSet;

use crate::{
    EnvironmentRequest, Layout, Problem, Snapshot,
    contributors::{Contributor, Loader},
    locations, sources,
};

/// What a request reads in a snapshot.
#[derive(Debug, Default)]
pub(crate) struct Reading<'s> {
    /// The documents that count, the strongest first.
    pub(crate) contributors: Vec<Contributor<'s>>,
    /// All files that were opened for it.
    pub(crate) files: HashSet<&'s str>,
    /// What is wrong with them.
    pub(crate) problems: Vec<Problem>,
}

/// A source of an environment, and the file that it is a document of.
#[derive(Debug, Clone, PartialEq)]
pub struct FileSource<'s> {
    /// The file's path in its repository.
    pub path: &'s str,
    /// What the document says.
    pub source: PropertySource,
}

/// Why there is no environment.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResolveError {
    /// Files that this request needs cannot be used.
    #[error("{} of the files for this request cannot be used", files(.0))]
    Broken(Vec<Problem>),
    /// The lists of names in the request, or what the files import, lead to too many files.
    #[error("the request leads to too many files")]
    TooLarge,
    /// A search location has a wildcard where none may be.
    #[error("`*` may stand only as the last directory of a search location: {location}")]
    Wildcard {
        /// The location.
        location: String,
    },
}

impl ResolveError {
    /// All that is wrong, file by file.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Broken(problems) => problems,
            Self::TooLarge | Self::Wildcard { .. } => &[],
        }
    }
}

fn files(problems: &[Problem]) -> usize {
    problems
        .iter()
        .map(|problem| &problem.origin.path)
        .collect::<IndexSet<_>>()
        .len()
}

/// Makes the environment that a snapshot holds for a request.
///
/// Without an application or a profile it is empty.
///
/// # Errors
/// [`ResolveError::Broken`] with every file that is needed and cannot be used.
pub fn resolve(
    snapshot: &Snapshot,
    layout: &Layout,
    request: &EnvironmentRequest,
) -> Result<Environment, ResolveError> {
    Ok(Environment {
        name: request.application.to_string(),
        profiles: vec![request.profiles.to_string()],
        label: request.label.as_ref().map(ToString::to_string),
        version: Some(snapshot.version().to_string()),
        state: Some(String::new()),
        property_sources: resolve_sources(snapshot, layout, request)?,
    })
}

/// The sources of the environment that a snapshot holds for a request, the strongest first.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_sources(
    snapshot: &Snapshot,
    layout: &Layout,
    request: &EnvironmentRequest,
) -> Result<Vec<PropertySource>, ResolveError> {
    let files = resolve_files(snapshot, layout, request)?;
    Ok(files.into_iter().map(|file| file.source).collect())
}

/// The same, each with the file that it comes from.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_files<'s>(
    snapshot: &'s Snapshot,
    layout: &Layout,
    request: &EnvironmentRequest,
) -> Result<Vec<FileSource<'s>>, ResolveError> {
    let reading = read(snapshot, layout, request)?;
    if !reading.problems.is_empty() {
        return Err(ResolveError::Broken(reading.problems));
    }
    let contributors = reading.contributors.iter();
    let files = contributors.map(|contributor| FileSource {
        path: contributor.path,
        source: sources::of_document(contributor, layout),
    });
    Ok(files.collect())
}

/// Reads what there is; what is wrong with it stands beside it.
///
/// # Errors
/// Those that do not depend on what the files say.
pub(crate) fn read<'s>(
    snapshot: &'s Snapshot,
    layout: &Layout,
    request: &EnvironmentRequest,
) -> Result<Reading<'s>, ResolveError> {
    let profiles: IndexSet<String> = request.profiles.names().map(str::to_owned).collect();
    let names = names(request);
    if profiles.is_empty() || names.is_empty() {
        return Ok(Reading::default());
    }
    let locations = locations::of_request(snapshot, layout, request)?;
    let mut loader = Loader::new(snapshot, &names, profiles.into_iter().collect());
    let contributors = loader.load(locations);
    if loader.is_too_large {
        return Err(ResolveError::TooLarge);
    }
    Ok(Reading {
        contributors,
        files: loader.loaded,
        problems: loader.problems,
    })
}

/// The names of files, the weakest first: `application` stands before all others.
pub(crate) fn names(request: &EnvironmentRequest) -> Vec<&str> {
    if request.application.as_str().is_empty() {
        return Vec::new();
    }
    let names: IndexSet<_> = std::iter::once("application")
        .chain(request.application.names())
        .collect();
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
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
}
