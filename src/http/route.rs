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
use crate::{access::Wanted, environment_repository::Labels, metrics};

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
    /// What it is counted as.
    pub(super) fn template(&self) -> metrics::Route {
        let (Self::Environment(names) | Self::Converted(names, _) | Self::Resource(names, _)) =
            self;
        match (self, &names.label) {
            (Self::Environment(_), None) => metrics::Route::ENVIRONMENT,
            (Self::Environment(_), Some(_)) => metrics::Route::ENVIRONMENT_OF_LABEL,
            (Self::Converted(..), None) => metrics::Route::TEXT,
            (Self::Converted(..), Some(_)) => metrics::Route::TEXT_OF_LABEL,
            (Self::Resource(..), None) => metrics::Route::FILE,
            (Self::Resource(..), Some(_)) => metrics::Route::FILE_OF_LABEL,
        }
    }

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
mod tests;
