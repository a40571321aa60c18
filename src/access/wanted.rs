use std::fmt;

use confbus_protocol::{Application, Destination, Label, Profiles, Report};
use confbus_resolution::{EnvironmentRequest, RepoPath};

use super::kind::Kind;

/// What somebody wants to do, and to what: every application with every profile under every label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) kind: Kind,
    pub(crate) applications: Which,
    pub(crate) profiles: Which,
    pub(crate) labels: Which,
    /// The plain file.
    pub(crate) path: Option<Box<str>>,
    /// Where it was found.
    pub(crate) found: Option<Box<str>>,
}

/// Names of one sort that a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Which {
    /// The request is not about them.
    None,
    /// Whichever there are.
    All,
    /// Each of these.
    These(Vec<Box<str>>),
    /// No label is named, so that of each repository which may answer.
    Default,
}

impl Which {
    pub(super) fn one(name: impl Into<Box<str>>) -> Self {
        Self::These(vec![name.into()])
    }

    /// The names of a list; of an empty one the empty name, so that nothing is not allowed for being nothing.
    fn of<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let mut names: Vec<Box<str>> = names.map(Into::into).collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            names.push("".into());
        }
        Self::These(names)
    }

    fn shown(&self) -> Option<String> {
        match self {
            Self::None | Self::Default => None,
            Self::All => Some("*".to_owned()),
            Self::These(names) => Some(names.join(",")),
        }
    }

    /// A name, or all where none is said.
    fn said(name: Option<&str>) -> Self {
        name.map_or(Self::All, Self::one)
    }
}

impl Wanted {
    /// What has no applications.
    pub(crate) fn plain(kind: Kind) -> Self {
        Self::about(kind, Which::None)
    }

    fn about(kind: Kind, applications: Which) -> Self {
        Self {
            kind,
            applications,
            profiles: Which::None,
            labels: Which::None,
            path: None,
            found: None,
        }
    }

    /// The same plain file, now that it is known where it lies: names of profiles and search paths lead to others.
    pub(crate) fn found_at(self, path: &str) -> Self {
        Self {
            found: Some(path.into()),
            ..self
        }
    }

    /// An environment. A label with commas is several.
    pub(crate) fn environment(request: &EnvironmentRequest) -> Self {
        Self {
            labels: labels(request.label.as_ref().map(Label::as_str)),
            ..Self::coordinates(Kind::Read, &request.application, &request.profiles)
        }
    }

    /// A plain file. A label with commas is one branch, and several directories of a machine.
    pub(crate) fn file(request: &EnvironmentRequest, path: &RepoPath) -> Self {
        let label = request.label.as_ref().map(Label::as_str);
        let items = |label: &str| {
            let items = label.split(',').map(str::trim);
            let items = items.filter(|item| !item.is_empty());
            Which::of(items.chain([label]))
        };
        Self {
            labels: label.map_or(Which::Default, items),
            path: Some(path.as_str().into()),
            ..Self::coordinates(Kind::Files, &request.application, &request.profiles)
        }
    }

    /// A text to encrypt or to decrypt, for an application under profiles.
    pub(crate) fn cipher(kind: Kind, application: &str, profiles: &str) -> Self {
        let items = |list: &str| Which::of(list.split(',').map(str::trim));
        Self {
            applications: items(application),
            profiles: items(profiles),
            ..Self::plain(kind)
        }
    }

    /// A report about an environment, by an instance of the application that its name begins with.
    pub(crate) fn report(report: &Report) -> Self {
        let (named, label) = (report.instance.as_str(), report.label.as_deref());
        let own = first_part(named).unwrap_or(named);
        let applications = format!("{},{own}", report.application);
        Self::environment_of(Kind::Report, &applications, &report.profiles, label)
    }

    /// Something about an environment that somebody else asked for.
    pub(super) fn environment_of(
        kind: Kind,
        application: &str,
        profiles: &str,
        label: Option<&str>,
    ) -> Self {
        let items = |list: &str| Which::of(list.split(',').map(str::trim));
        // What is no label is no pattern's either.
        let parsed = label.and_then(|label| Label::parse(label).ok());
        Self {
            profiles: items(profiles),
            labels: labels(parsed.as_ref().map(Label::as_str).or(label)),
            ..Self::about(kind, items(application))
        }
    }

    /// An address; what it leaves out is all.
    pub(crate) fn address(
        kind: Kind,
        application: &str,
        profile: Option<&str>,
        label: Option<&str>,
    ) -> Self {
        Self {
            applications: Which::one(application),
            profiles: Which::said(profile),
            labels: Which::said(label),
            ..Self::plain(kind)
        }
    }

    /// A label, whoever reads it.
    pub(super) fn label(kind: Kind, label: &str) -> Self {
        Self {
            labels: Which::one(label),
            ..Self::plain(kind)
        }
    }

    /// An event for a destination, whichever profiles and labels they have who act on it: it names applications, and only its
    /// first part does. Where that is a pattern itself, only
    /// a rule for the very same pattern, or a wider one, covers it.
    pub(crate) fn destination(kind: Kind, destination: &Destination) -> Self {
        Self {
            profiles: Which::All,
            labels: Which::All,
            ..Self::about(kind, Which::said(first_part(destination.as_str())))
        }
    }

    fn coordinates(kind: Kind, application: &Application, profiles: &Profiles) -> Self {
        Self {
            applications: Which::of(application.names()),
            profiles: Which::of(profiles.names()),
            ..Self::plain(kind)
        }
    }
}

/// As an address: `orders/dev,prod/main: nginx.conf`, where `*` is all; what is left out the request does not name.
impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [&self.applications, &self.profiles, &self.labels];
        let names = names.into_iter().map(Which::shown);
        let names: Vec<_> = names.take_while(Option::is_some).flatten().collect();
        f.write_str(&names.join("/"))?;
        self.path
            .iter()
            .try_for_each(|path| write!(f, ": {path}"))?;
        let found = self.found.iter();
        found
            .filter(|found| Some(*found) != self.path.as_ref())
            .try_for_each(|found| write!(f, ", found as {found}"))
    }
}

/// The part of a destination that says which applications are meant; nothing for all.
pub(super) fn first_part(destination: &str) -> Option<&str> {
    let mut parts = destination.trim().split(':');
    let first = parts.find(|part| !part.is_empty());
    first.filter(|first| *first != "**")
}

/// The labels of an environment: one with commas is several.
fn labels(label: Option<&str>) -> Which {
    let items = |label: &str| {
        let items = label.split(',').map(str::trim);
        match Which::of(items.filter(|item| !item.is_empty())) {
            Which::These(items) if items[0].is_empty() => Which::one(label),
            items => items,
        }
    };
    label.map_or(Which::Default, items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(application: &str, profiles: &str, label: Option<&str>) -> EnvironmentRequest {
        EnvironmentRequest {
            application: Application::parse(application).unwrap(),
            profiles: Profiles::parse(profiles).unwrap(),
            label: label.map(|label| Label::parse(label).unwrap()),
        }
    }

    fn these(names: &[&str]) -> Which {
        Which::These(names.iter().map(|name| (*name).into()).collect())
    }

    #[test]
    fn lists_come_apart() {
        let wanted = Wanted::environment(&request("b, a,a", "dev,prod", Some("x, feature(_)y")));
        assert_eq!(wanted.applications, these(&["a", "b"]));
        assert_eq!(wanted.profiles, these(&["dev", "prod"]));
        assert_eq!(wanted.labels, these(&["feature/y", "x"]));
        let wanted = Wanted::environment(&request(",", "dev", Some(",")));
        assert_eq!(wanted.applications, these(&[""]));
        assert_eq!(wanted.labels, these(&[","]));
        assert_eq!(
            Wanted::environment(&request("a", "b", None)).labels,
            Which::Default
        );
    }

    #[test]
    fn the_label_of_a_file_is_one_and_several() {
        let path = RepoPath::parse("x.txt").unwrap();
        let wanted = Wanted::file(&request("a", "dev", Some("x,y")), &path);
        assert_eq!(wanted.labels, these(&["x", "x,y", "y"]));
        assert_eq!(wanted.path.as_deref(), Some("x.txt"));
    }

    #[test]
    fn what_is_wanted_is_shown_as_an_address() {
        let path = RepoPath::parse("x.txt").unwrap();
        let file = Wanted::file(&request("a", "dev", Some("main")), &path);
        for (wanted, expected) in [
            (Wanted::environment(&request("b,a", "dev", None)), "a,b/dev"),
            (file.clone(), "a/dev/main: x.txt"),
            (
                file.found_at("b/x.txt"),
                "a/dev/main: x.txt, found as b/x.txt",
            ),
            (
                Wanted::address(Kind::Operate, "a", None, Some("x")),
                "a/*/x",
            ),
            (Wanted::plain(Kind::Fleet), ""),
        ] {
            assert_eq!(wanted.to_string(), expected);
        }
    }

    #[test]
    fn a_destination_names_applications() {
        for (text, expected) in [
            ("**", Which::All),
            ("", Which::All),
            (" ", Which::All),
            ("orders", these(&["orders"])),
            ("orders:8080", these(&["orders"])),
            ("orders*:**", these(&["orders*"])),
            ("*:dev:**", these(&["*"])),
            ("**:8080", Which::All),
            (":orders", these(&["orders"])),
        ] {
            let wanted = Wanted::destination(Kind::Refresh, &Destination::from_wire(text));
            assert_eq!(wanted.applications, expected, "{text}");
        }
    }
}
