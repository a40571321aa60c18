//! What a request asked for, as far as its counters tell it apart.

use crate::metrics::bounded::OTHER;

/// A route, by its place among all that are counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Route(u8);

/// What is counted of a request besides its method, its status and its duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Asked {
    pub(crate) route: Route,
    /// Of what it asked for there is nothing.
    pub(crate) unmatched: Option<Unmatched>,
    /// It was refused for who asks.
    pub(crate) denied: Option<Denied>,
}

/// Of what there is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unmatched {
    Application,
    Profile,
    Label,
}

/// Why somebody is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Nobody knows who asks.
    Unknown,
    /// No rule allows it.
    Rule,
    /// New credentials were tried too often.
    TooOften,
}

/// Routes that are counted apart, at most.
pub(super) const MOST: usize = 128;
/// What requests outside of the fixed routes are for; what is none of these is the first.
const OF_CONFIGURATION: [&str; 11] = [
    OTHER,
    "/{application}/{profiles}",
    "/{application}/{profiles}/{label}",
    "/{application}-{profiles}.{format}",
    "/{label}/{application}-{profiles}.{format}",
    "/{application}/{profiles}/{path}",
    "/{application}/{profiles}/{label}/{path}",
    "/encrypt",
    "/decrypt",
    "/key",
    "/encrypt/status",
];
pub(super) const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "DELETE", "OPTIONS", OTHER];
pub(super) const STATUSES: [&str; 26] = [
    "200", "304", "404", "401", "403", "503", "500", "204", "302", "400", "405", "406", "409",
    "410", "411", "412", "413", "414", "415", "416", "417", "422", "429", "431", "501", OTHER,
];
/// Series of one route.
pub(super) const SERIES: usize = METHODS.len() * STATUSES.len();

impl Route {
    pub(crate) const ENVIRONMENT: Self = Self(1);
    pub(crate) const ENVIRONMENT_OF_LABEL: Self = Self(2);
    pub(crate) const TEXT: Self = Self(3);
    pub(crate) const TEXT_OF_LABEL: Self = Self(4);
    pub(crate) const FILE: Self = Self(5);
    pub(crate) const FILE_OF_LABEL: Self = Self(6);
    pub(crate) const ENCRYPT: Self = Self(7);
    pub(crate) const DECRYPT: Self = Self(8);
    pub(crate) const KEY: Self = Self(9);
    pub(crate) const ENCRYPT_STATUS: Self = Self(10);

    pub(super) fn place(self) -> usize {
        usize::from(self.0)
    }
}

impl From<Route> for Asked {
    fn from(route: Route) -> Self {
        Self {
            route,
            ..Self::default()
        }
    }
}

impl Unmatched {
    pub(super) const ALL: [Self; 3] = [Self::Application, Self::Profile, Self::Label];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Profile => "profile",
            Self::Label => "label",
        }
    }
}

impl Denied {
    pub(super) const ALL: [Self; 3] = [Self::Unknown, Self::Rule, Self::TooOften];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Rule => "rule",
            Self::TooOften => "too_often",
        }
    }
}

/// Templates of all routes, each at its place.
#[derive(Debug)]
pub(super) struct Routes(Vec<Box<str>>);

impl Default for Routes {
    fn default() -> Self {
        Self(OF_CONFIGURATION.map(Into::into).into())
    }
}

impl Routes {
    /// The route of a template; what is one too many is not told apart.
    pub(super) fn named(&mut self, template: &str) -> Route {
        let known = self.0.iter().position(|known| **known == *template);
        let place = known.unwrap_or(self.0.len());
        if place >= MOST {
            return Route::default();
        }
        if known.is_none() {
            self.0.push(template.into());
        }
        u8::try_from(place).map(Route).unwrap_or_default()
    }

    pub(super) fn all(&self) -> &[Box<str>] {
        &self.0
    }
}

/// The series of a method and a status, by its place among those of its route.
pub(super) fn series(method: &str, status: u16) -> usize {
    let method = METHODS.iter().position(|known| *known == method);
    let method = method.unwrap_or(METHODS.len() - 1);
    let status = match status {
        200 => 0,
        304 => 1,
        404 => 2,
        other => {
            let known = |text: &&'static str| text.parse() == Ok(other);
            STATUSES
                .iter()
                .position(known)
                .unwrap_or(STATUSES.len() - 1)
        }
    };
    method * STATUSES.len() + status
}

/// Method and status of a series.
pub(super) fn labels(series: usize) -> (&'static str, &'static str) {
    (
        METHODS[series / STATUSES.len()],
        STATUSES[series % STATUSES.len()],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_series_has_a_place() {
        for (method, status, expected) in [
            ("GET", 200, ("GET", "200")),
            ("HEAD", 304, ("HEAD", "304")),
            ("DELETE", 431, ("DELETE", "431")),
            ("PROPFIND", 599, (OTHER, OTHER)),
        ] {
            assert_eq!(labels(series(method, status)), expected);
        }
        assert_eq!(series("x", 1), SERIES - 1);
    }

    #[test]
    fn routes_have_an_end() {
        let mut routes = Routes::default();
        assert_eq!(
            routes.named("/{application}/{profiles}"),
            Route::ENVIRONMENT
        );
        assert_eq!(routes.named("/encrypt/status"), Route::ENCRYPT_STATUS);
        let first = routes.named("/0");
        assert_ne!(first, Route::default());
        let last = (0..MOST)
            .map(|number| routes.named(&format!("/{number}")))
            .last();
        assert_eq!(last, Some(Route::default()));
        assert_eq!(routes.named("/0"), first);
    }
}
