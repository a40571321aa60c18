//! The config space: from a path to what is asked for, as a pure function.
//!
//! | path | answer |
//! | --- | --- |
//! | `/{name}/{profiles}`, `/{name}/{profiles}/{label}` | an environment |
//! | `/{name}-{profiles}.yml`, `/{label}/{name}-{profiles}.yml`, also `.yaml`, `.json`, `.properties` | its text form |
//! | `/{name}/{profiles}/{label}/{path…}`, `/{name}/{profiles}/{path}?useDefaultLabel` | a plain file |

#[cfg(fuzzing)]
pub(super) mod fuzzing;

use confbus_protocol::{Application, InvalidName, Label, Profiles, Representation};
use confbus_resolution::{EnvironmentRequest, Format, Placeholders, RepoPath};
use http::{HeaderMap, header};

use super::{accept::Accept, settings::Limits};
use crate::{access::Wanted, environment_repository::Labels};

/// What the path says, not yet checked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    Environment(Names),
    Converted(Names, Format),
    Resource(Names, String),
}

/// Decoded segments.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Names {
    application: String,
    profiles: String,
    label: Option<String>,
}

/// The query parameters that matter.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    resolve_placeholders: Option<String>,
    use_default_label: bool,
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Environment {
        request: EnvironmentRequest,
        representation: Representation,
        content_type: String,
    },
    Converted {
        request: EnvironmentRequest,
        format: Format,
        placeholders: Placeholders,
    },
    Resource {
        request: EnvironmentRequest,
        path: RepoPath,
        form: Form,
    },
}

/// How a plain file is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form {
    Bytes,
    Text(Text),
}

/// A plain file as text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) placeholders: Placeholders,
    /// `Accept-Charset`: how the bytes are to be read.
    pub(super) charset: Option<String>,
    /// `None` when the caller accepts no text.
    pub(super) content_type: Option<String>,
}

/// Why that cannot be answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Spring refuses this name.
    Name(InvalidName),
    /// Spring finds nothing under this name.
    NothingThere(InvalidName),
    /// More of them than one request may name.
    TooMany(&'static str),
    /// No plain file can lie there.
    NoFile,
    /// `resolvePlaceholders` is neither true nor false.
    NoBoolean,
    /// The environment has no form that the caller accepts.
    NotAcceptable,
}

impl Ask {
    /// What the repository is asked for.
    pub(super) fn request(&self) -> &EnvironmentRequest {
        match self {
            Self::Environment { request, .. }
            | Self::Converted { request, .. }
            | Self::Resource { request, .. } => request,
        }
    }

    /// What it takes to be answered.
    pub(super) fn wanted(&self) -> Wanted {
        match self {
            Self::Environment { request, .. } | Self::Converted { request, .. } => {
                Wanted::environment(request)
            }
            Self::Resource { request, path, .. } => Wanted::file(request, path),
        }
    }

    /// What the repository is asked for, and how its label is read.
    pub(super) fn read(&self) -> (EnvironmentRequest, Labels) {
        let labels = match self {
            Self::Environment { .. } | Self::Converted { .. } => Labels::Split,
            Self::Resource { .. } => Labels::Whole,
        };
        (self.request().clone(), labels)
    }
}

impl Query {
    /// Reads a query string; unknown parameters are ignored, of a repeated one the first counts.
    pub(super) fn parse(query: Option<&str>) -> Self {
        let mut parsed = Self::default();
        for (key, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*key {
                "resolvePlaceholders" if parsed.resolve_placeholders.is_none() => {
                    parsed.resolve_placeholders = Some(value.into_owned());
                }
                "useDefaultLabel" => parsed.use_default_label = true,
                _ => {}
            }
        }
        parsed
    }

    fn placeholders(&self) -> Result<Placeholders, Refusal> {
        let word = self.resolve_placeholders.as_deref().unwrap_or_default();
        match word.trim().to_ascii_lowercase().as_str() {
            "" | "true" | "on" | "yes" | "1" => Ok(Placeholders::Resolve),
            "false" | "off" | "no" | "0" => Ok(Placeholders::Keep),
            _ => Err(Refusal::NoBoolean),
        }
    }
}

/// Which route the segments take, if any.
pub(super) fn route(segments: &[String], query: &Query) -> Option<Route> {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let route = match segments[..] {
        [file] => return converted(file, None),
        ["", ..] | [_, "", ..] | [_, _, "", ..] | [] => return None,
        [label, file] if holds_extension(file) => return converted(file, Some(label)),
        [name, profiles] => Route::Environment(Names::new(name, profiles, None)),
        [name, profiles, path] if query.use_default_label => {
            Route::Resource(Names::new(name, profiles, None), path.to_owned())
        }
        [name, profiles, label] => Route::Environment(Names::new(name, profiles, Some(label))),
        [name, profiles, label, ref path @ ..] => {
            Route::Resource(Names::new(name, profiles, Some(label)), path.join("/"))
        }
    };
    Some(route)
}

/// `{name}-{profiles}.{extension}`: the last dash splits.
fn converted(file: &str, label: Option<&str>) -> Option<Route> {
    const FORMATS: [(&str, Format); 4] = [
        (".yml", Format::Yaml),
        (".yaml", Format::Yaml),
        (".properties", Format::Properties),
        (".json", Format::Json),
    ];
    let (stem, format) = FORMATS
        .into_iter()
        .find_map(|(extension, format)| Some((file.strip_suffix(extension)?, format)))?;
    let (name, profiles) = stem.rsplit_once('-')?;
    Some(Route::Converted(Names::new(name, profiles, label), format))
}

/// Spring's `.*\b\.(ya?ml|properties|json)\b.*`, by which it tells profiles from files.
fn holds_extension(segment: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    segment.match_indices('.').any(|(dot, _)| {
        let extension = segment[dot + 1..]
            .split(|c| !is_word(c))
            .next()
            .unwrap_or_default();
        segment[..dot].ends_with(is_word)
            && matches!(extension, "yml" | "yaml" | "properties" | "json")
    })
}

impl Route {
    /// Checks everything and settles in which form the answer comes.
    pub(super) fn ask(
        self,
        query: &Query,
        headers: &HeaderMap,
        limits: &Limits,
    ) -> Result<Ask, Refusal> {
        let accept = Accept::of(headers);
        match self {
            Self::Environment(names) => environment(&names, &accept, limits),
            Self::Converted(names, format) => {
                let placeholders = query.placeholders()?;
                Ok(Ask::Converted {
                    request: names.check(limits)?,
                    format,
                    placeholders,
                })
            }
            Self::Resource(names, path) => {
                let form = form(query, headers, &accept)?;
                if path.split('/').count() > limits.path_segments {
                    return Err(Refusal::TooMany("path segments"));
                }
                let request = names.check(limits).map_err(Refusal::for_a_file)?;
                let path = repo_path(&path).ok_or(Refusal::NoFile)?;
                Ok(Ask::Resource {
                    request,
                    path,
                    form,
                })
            }
        }
    }
}

fn environment(names: &Names, accept: &Accept, limits: &Limits) -> Result<Ask, Refusal> {
    // With a label, Spring's next best route is a plain file without a path.
    let unacceptable = if names.label.is_some() {
        Refusal::NoFile
    } else {
        Refusal::NotAcceptable
    };
    let (representation, content_type) = accept.environment().ok_or(unacceptable)?;
    Ok(Ask::Environment {
        request: names.check(limits)?,
        representation,
        content_type,
    })
}

fn form(query: &Query, headers: &HeaderMap, accept: &Accept) -> Result<Form, Refusal> {
    if accept.wants_bytes() {
        return Ok(Form::Bytes);
    }
    let charset = headers
        .get(header::ACCEPT_CHARSET)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    Ok(Form::Text(Text {
        placeholders: query.placeholders()?,
        charset,
        content_type: accept.text(),
    }))
}

/// The file's place: runs of slashes count once, a slash at the end means a directory, and nothing may climb, not even
/// when it is decoded once more, which is what a label is checked for, too.
fn repo_path(path: &str) -> Option<RepoPath> {
    if path.ends_with('/') {
        return None;
    }
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let path = segments.join("/");
    Label::parse(&path).ok()?;
    RepoPath::parse(&path)
}

impl Names {
    fn new(application: &str, profiles: &str, label: Option<&str>) -> Self {
        Self {
            application: application.to_owned(),
            profiles: profiles.to_owned(),
            label: label.map(str::to_owned),
        }
    }

    fn check(&self, limits: &Limits) -> Result<EnvironmentRequest, Refusal> {
        for (list, what) in [
            (Some(&self.application), "applications"),
            (Some(&self.profiles), "profiles"),
            (self.label.as_ref(), "labels"),
        ] {
            if list.is_some_and(|list| list.split(',').count() > limits.names) {
                return Err(Refusal::TooMany(what));
            }
        }
        Ok(EnvironmentRequest {
            application: Application::parse(&self.application)?,
            profiles: if self.profiles.is_empty() {
                Profiles::none()
            } else {
                Profiles::parse(&self.profiles)?
            },
            label: self.label.as_deref().map(Label::parse).transpose()?,
        })
    }
}

impl From<InvalidName> for Refusal {
    fn from(name: InvalidName) -> Self {
        match name {
            InvalidName::Location { .. } => Self::Name(name),
            _ => Self::NothingThere(name),
        }
    }
}

impl Refusal {
    fn for_a_file(self) -> Self {
        match self {
            Self::NothingThere(_) => Self::NoFile,
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
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
}
