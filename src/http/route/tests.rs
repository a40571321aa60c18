use super::{super::target::segments, *};

fn parse(target: &str, headers: &[(header::HeaderName, &str)]) -> Option<Result<Ask, Refusal>> {
    let (path, query) = target
        .split_once('?')
        .map_or((target, None), |(path, query)| (path, Some(query)));
    let query = Query::parse(query);
    let headers = headers
        .iter()
        .map(|(name, value)| (name.clone(), value.parse().unwrap()))
        .collect();
    Some(route(&segments(path), &query)?.ask(&query, &headers, &Limits::default()))
}

/// `E`, `F` or `R`, then application, profiles, label, and the format or path.
fn shown(target: &str) -> String {
    let coordinates = |request: &EnvironmentRequest| {
        let label = request.label.as_ref().map_or("-", Label::as_str);
        format!("{} {} {label}", request.application, request.profiles)
    };
    match parse(target, &[]) {
        None => "none".into(),
        Some(Err(refusal)) => format!("{refusal:?}")
            .split([' ', '('])
            .next()
            .unwrap()
            .to_owned(),
        Some(Ok(Ask::Environment { request, .. })) => format!("E {}", coordinates(&request)),
        Some(Ok(Ask::Converted {
            request, format, ..
        })) => format!("F {} {format:?}", coordinates(&request)),
        Some(Ok(Ask::Resource { request, path, .. })) => {
            format!("R {} {path}", coordinates(&request))
        }
    }
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (target, expected) in cases {
        assert_eq!(shown(target), *expected, "{target}");
    }
}

#[test]
fn environments() {
    check(&[
        ("/foo/dev", "E foo dev -"),
        ("/foo/dev/main", "E foo dev main"),
        ("/foo,bar/dev,mysql/main", "E foo,bar dev,mysql main"),
        ("/foo/dev;x=1/main", "E foo dev main"),
        ("/foo;a=b/dev", "E foo dev -"),
        ("/foo/dev/main;", "E foo dev main"),
        ("/foo/dev/feature%28_%29x", "E foo dev feature/x"),
        ("/foo(_)bar/dev", "E foo/bar dev -"),
        ("/foo/dev.ymlx", "E foo dev.ymlx -"),
        ("/foo/my-yml", "E foo my-yml -"),
        ("/foo/dev.yml/main", "E foo dev.yml main"),
        ("/foo/dev/main.yml", "E foo dev main.yml"),
        ("/foo/dev/1.0.0", "E foo dev 1.0.0"),
        ("/main/foo-.yml", "E main foo-.yml -"),
        ("/foo/d%C3%A9v", "E foo dév -"),
        ("/foo/dev+x", "E foo dev+x -"),
        ("/foo%20bar/dev", "E foo bar dev -"),
        ("/%2e/dev", "E . dev -"),
        ("/foo%25252e%25252e/dev", "E foo%252e%252e dev -"),
    ]);
}

#[test]
fn converted_forms() {
    check(&[
        ("/foo-dev.yml", "F foo dev - Yaml"),
        ("/foo-dev.yaml", "F foo dev - Yaml"),
        ("/foo-dev.json", "F foo dev - Json"),
        ("/foo-dev.properties", "F foo dev - Properties"),
        ("/foo-dev.yml;x=1", "F foo dev - Yaml"),
        ("/foo-a-b-dev.yml", "F foo-a-b dev - Yaml"),
        ("/feature(_)x/foo-dev.yml", "F foo dev feature/x Yaml"),
        ("/v1.2-x/foo-dev.yml", "F foo dev v1.2-x Yaml"),
        ("/foo-.yml", "F foo  - Yaml"),
        ("/-dev.json", "F  dev - Json"),
        ("/-.properties", "F   - Properties"),
        ("/foo-dev.YML", "none"),
        ("/.yml", "none"),
        ("/favicon.ico", "none"),
        ("/foo/dev.yml", "none"),
        ("/foo/dev.yml.bak", "none"),
    ]);
}

#[test]
fn plain_files() {
    check(&[
        ("/foo/dev/main/nginx.conf", "R foo dev main nginx.conf"),
        ("/foo/dev/main//nginx.conf", "R foo dev main nginx.conf"),
        (
            "/foo/dev/main/deep/a/b/c.txt",
            "R foo dev main deep/a/b/c.txt",
        ),
        (
            "/foo/dev/main/semi%3Bcolon.txt",
            "R foo dev main semi;colon.txt",
        ),
        ("/foo/dev/main/semi;colon.txt", "R foo dev main semi"),
        ("/foo/dev/README?useDefaultLabel", "R foo dev - README"),
        (
            "/foo/dev/README?useDefaultLabel=false",
            "R foo dev - README",
        ),
        (
            "/foo/dev/dir/sub/x.txt?useDefaultLabel",
            "R foo dev dir sub/x.txt",
        ),
        ("/foo/dev/main/", "NoFile"),
        ("/foo/dev/main/dir/", "NoFile"),
        ("/foo/dev/main/%2e%2e/secret", "NoFile"),
        ("/foo/dev/main/(_)etc", "NoFile"),
        ("/foo/dev/main//(_)etc", "NoFile"),
        ("/foo/dev/main/dir(_)..(_)x", "NoFile"),
        ("/foo/dev/main/a%23b", "NoFile"),
        ("/foo/dev/main/..%252F..%252Fetc", "NoFile"),
        ("/foo/d!v/main/x", "NoFile"),
    ]);
}

#[test]
fn nothing_else_is_a_route() {
    check(&[
        ("/", "none"),
        ("/foo", "none"),
        ("/foo/", "none"),
        ("/foo/dev/", "none"),
        ("//foo/dev", "none"),
        ("/foo//dev", "none"),
    ]);
}

#[test]
fn names_are_checked() {
    check(&[
        ("/a..b/dev", "Name"),
        ("/foo/a..b", "Name"),
        ("/foo/../main", "Name"),
        ("/foo/dev/(_)etc", "Name"),
        ("/foo/dev/%252e%252e", "Name"),
        ("/foo/dev/main%23x", "Name"),
        ("/..%252F..%252Fetc%252Fpasswd%23foo/development", "Name"),
        ("/foo/dev/..(_)..(_)etc/passwd", "Name"),
        ("/foo/dev,,x", "NothingThere"),
        ("/foo/-dev", "NothingThere"),
        ("/foo/%7Bdev%7D", "NothingThere"),
        ("/foo/dev(_)x", "NothingThere"),
        ("/foo/%20", "NothingThere"),
        ("/%2A-dev.yml", "NothingThere"),
    ]);
}

#[test]
fn a_request_names_no_more_than_it_may() {
    let list = |count: usize| vec!["x"; count].join(",");
    let (most, more) = (list(32), list(33));
    for target in ["/{}/dev", "/foo/{}", "/foo/dev/{}", "/foo-{}.yml"] {
        let of = |list: &str| shown(&target.replace("{}", list));
        assert!(of(&most).starts_with(['E', 'F']), "{target}");
        assert_eq!(of(&more), "TooMany", "{target}");
    }
    let path = |count: usize| shown(&format!("/foo/dev/main/{}x", "d/".repeat(count - 1)));
    assert!(path(16).starts_with("R "));
    assert_eq!(path(17), "TooMany");
}

#[test]
fn booleans_have_many_words() {
    for (query, expected) in [
        ("", Ok(Placeholders::Resolve)),
        ("resolvePlaceholders", Ok(Placeholders::Resolve)),
        ("resolvePlaceholders=", Ok(Placeholders::Resolve)),
        ("resolvePlaceholders=YES", Ok(Placeholders::Resolve)),
        ("resolvePlaceholders=off", Ok(Placeholders::Keep)),
        (
            "x=1&resolvePlaceholders=false&resolvePlaceholders=true",
            Ok(Placeholders::Keep),
        ),
        ("resolvePlaceholders=maybe", Err(Refusal::NoBoolean)),
    ] {
        assert_eq!(
            Query::parse(Some(query)).placeholders(),
            expected,
            "{query}"
        );
    }
}

#[test]
fn what_is_not_acceptable_depends_on_the_label() {
    let xml = [(header::ACCEPT, "application/xml")];
    assert_eq!(parse("/foo/dev", &xml), Some(Err(Refusal::NotAcceptable)));
    assert_eq!(parse("/foo/dev/main", &xml), Some(Err(Refusal::NoFile)));
    assert!(matches!(
        parse("/foo-dev.yml", &xml),
        Some(Ok(Ask::Converted { .. }))
    ));
}

#[test]
fn a_file_comes_as_text_or_bytes() {
    let path = "/foo/dev/main/pixel.png?resolvePlaceholders=maybe";
    assert!(matches!(
        parse(path, &[(header::ACCEPT, "application/octet-stream")]),
        Some(Ok(Ask::Resource {
            form: Form::Bytes,
            ..
        }))
    ));
    assert_eq!(parse(path, &[]), Some(Err(Refusal::NoBoolean)));
}
