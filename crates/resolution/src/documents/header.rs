use confbus_protocol::Properties;
use indexmap::IndexMap;

use super::{
    Flaw,
    relaxed::{Entry, Relaxed, items},
};
use crate::{Cause, activation::Expression};

/// What a document says about itself under `spring.config` and `spring.profiles`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The document counts when one of these holds; always when there is none.
    on_profile: Vec<Expression>,
    /// The platform on which the document counts.
    on_cloud_platform: Option<String>,
    /// Further locations, as written.
    pub(crate) imports: Vec<String>,
    /// Profiles to add for every request.
    pub(crate) includes: Vec<String>,
    /// Profiles to add for a profile.
    pub(crate) groups: Vec<(String, Vec<String>)>,
    /// What makes the document unusable.
    pub(crate) flaws: Vec<Flaw>,
    /// What makes the document unusable where files may choose profiles.
    pub(crate) flaws_of_choice: Vec<Flaw>,
    /// The same, in the file of a profile.
    pub(crate) flaws_in_profile: Vec<Flaw>,
}

/// What all of the following begin with.
const OWN: [&str; 2] = ["spring.config.", LEGACY];
const ON_PROFILE: &str = "spring.config.activate.onprofile";
const ON_CLOUD_PLATFORM: &str = "spring.config.activate.oncloudplatform";
const IMPORT: &str = "spring.config.import";
const LEGACY: &str = "spring.profiles";
const INCLUDE: &str = "spring.profiles.include";
const GROUP: &str = "spring.profiles.group.";
const ACTIVATING: [&str; 3] = ["spring.profiles.active", "spring.profiles.default", INCLUDE];

impl Header {
    /// Of a document that says nothing about itself.
    pub(crate) const NOTHING: Self = Self {
        on_profile: Vec::new(),
        on_cloud_platform: None,
        imports: Vec::new(),
        includes: Vec::new(),
        groups: Vec::new(),
        flaws: Vec::new(),
        flaws_of_choice: Vec::new(),
        flaws_in_profile: Vec::new(),
    };

    pub(super) fn of(properties: &Properties) -> Self {
        let own = Relaxed::under(OWN, properties);
        if own.is_empty() {
            return Self::NOTHING;
        }
        let mut header = Self {
            on_cloud_platform: own
                .find(ON_CLOUD_PLATFORM)
                .map(|entry| entry.property.value.to_string()),
            imports: own.list(IMPORT),
            includes: own.list(INCLUDE),
            groups: groups(&own),
            ..Self::NOTHING
        };
        header.read_expressions(&own);
        header
            .flaws
            .extend(own.find(LEGACY).map(|entry| legacy(&entry)));
        header.flaws_in_profile = activating(&own, "the file of a profile");
        if !header.on_profile.is_empty() || !header.fits_platform() {
            header.flaws_of_choice = activating(&own, "a document with a condition");
        }
        header
    }

    /// The conditions of which one must hold.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Expression> {
        self.on_profile.iter()
    }

    /// Whether the document counts here: no platform that Spring knows is under us.
    pub(crate) fn fits_platform(&self) -> bool {
        self.on_cloud_platform
            .as_deref()
            .is_none_or(|platform| platform.eq_ignore_ascii_case("none"))
    }

    /// Whether the document counts under these profiles; without any known yet, only if it asks for none.
    pub(crate) fn fits_profiles(&self, profiles: Option<&[String]>) -> bool {
        self.on_profile.is_empty()
            || profiles.is_some_and(|profiles| {
                self.on_profile
                    .iter()
                    .any(|expression| expression.holds(profiles))
            })
    }

    fn read_expressions(&mut self, own: &Relaxed<'_>) {
        for text in own.list(ON_PROFILE) {
            match Expression::parse(&text) {
                Ok(expression) => self.on_profile.push(expression),
                Err(problem) => {
                    let position = own.find(ON_PROFILE).and_then(|entry| entry.property.origin);
                    self.flaws.push(Flaw::new(
                        Cause::Profiles,
                        position,
                        format!("spring.config.activate.on-profile: {problem}"),
                    ));
                }
            }
        }
    }
}

fn legacy(entry: &Entry<'_>) -> Flaw {
    Flaw::new(
        Cause::Profiles,
        entry.property.origin,
        "spring.profiles no longer selects a document",
    )
    .with_hint("use spring.config.activate.on-profile")
}

/// The properties that choose profiles, which some documents must not do.
fn activating(own: &Relaxed<'_>, place: &str) -> Vec<Flaw> {
    let found = ACTIVATING
        .into_iter()
        .filter_map(|name| Some((name, own.find(name)?)));
    let flaw = |(name, entry): (&str, Entry<'_>)| {
        Flaw::new(
            Cause::Profiles,
            entry.property.origin,
            format!("{name} cannot stand in {place}"),
        )
        .with_hint("move it to a document without a condition, in a file without a profile")
    };
    found.map(flaw).collect()
}

/// `spring.profiles.group.<profile>`: a comma list, or elements.
fn groups(own: &Relaxed<'_>) -> Vec<(String, Vec<String>)> {
    let mut groups = IndexMap::<_, Vec<_>>::new();
    for (_, entry) in own.iter().filter(|(name, _)| name.starts_with(GROUP)) {
        let Some(name) = entry.key.splitn(4, '.').nth(3) else {
            continue;
        };
        let profile = name.split_once('[').map_or(name, |(profile, _)| profile);
        groups
            .entry(profile.to_owned())
            .or_default()
            .extend(items(&entry.property.value.to_string()));
    }
    groups.into_iter().collect()
}
