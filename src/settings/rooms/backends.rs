use std::{collections::BTreeSet, time::Duration};

use confbus_protocol::{Application, Label, Profiles};
use confbus_resolution::{EnvironmentRequest, Overrides};

use super::{SECOND, SERVER, git, lookups, native, vault};
use crate::{
    acceptance,
    encryption::Encryption,
    environment_repository::{BackendSettings, Freshness, Pattern, Settings},
    look::Limits,
    settings::{code, reader::Reader},
};

const ACCEPTANCE: &str = "confbus.acceptance";
/// How keys of overrides begin, written with dots and in brackets.
const OVERRIDES: [&str; 2] = ["overrides.", "overrides["];

/// Between two looks at a repository that nobody asks for.
pub(super) const USUAL_INTERVAL: Duration = Duration::from_secs(30);

/// No clone takes longer.
const LONGEST_CLONE: Duration = Duration::from_secs(7 * 24 * 3600);

/// What holds for all repositories.
pub(super) struct Common {
    pub(super) limits: Limits,
    pub(super) deadline: Duration,
    pub(super) clone_deadline: Duration,
    pub(super) reverse_location_order: bool,
    /// What may be filled into addresses.
    pub(super) placeholder_values: Vec<Pattern>,
    is_strict: bool,
}

/// Spring's other backends; each would have to be asked, so to leave one out would serve less than was asked for.
const OTHERS: [(&str, &str); 6] = [
    ("subversion", "svn"),
    ("mongodb", "mongodb"),
    ("awssecretsmanager", "aws-secretsmanager"),
    ("awsparamstore", "awsparamstore"),
    ("credhub", "credhub"),
    ("secret-manager", "gcp-secret-manager"),
];

/// What is read, and what is made of it.
pub(super) fn repository(reader: &mut Reader) -> Option<Settings> {
    let common = common(reader);
    let backends = backends(reader, &common);
    Some(Settings {
        git_program: None,
        backends: backends?,
        fail_on_error: reader.flag(&format!("{SERVER}.fail-on-composite-error"), true),
        overrides: overrides(reader),
        encrypted_overrides: encrypted_overrides(reader),
        accept_empty: reader.flag(&format!("{SERVER}.accept-empty"), true),
        probes: probes(reader)?,
        encryption: Encryption::default(),
        acceptance: acceptance(reader),
        reverse_location_order: common.reverse_location_order,
    })
}

fn acceptance(reader: &mut Reader) -> acceptance::Settings {
    let defaults = acceptance::Settings::default();
    let mut flag = |name: &str, default| reader.flag(&format!("{ACCEPTANCE}.{name}"), default);
    acceptance::Settings {
        schemas: flag("schemas", defaults.schemas),
        placeholders: flag("placeholders", defaults.placeholders),
        ciphers: flag("ciphers", defaults.ciphers),
        known_placeholders: reader.list(&format!("{ACCEPTANCE}.known-placeholders")),
    }
}

/// Keys as Spring binds them to a map: their parts joined by dots, an index being a part like any other.
fn overrides(reader: &Reader) -> Overrides {
    let all = OVERRIDES.into_iter();
    let all = all.flat_map(|end| reader.below(&format!("{SERVER}.{end}")));
    Overrides::new(all.map(|(key, value)| (override_key(&key), value)))
}

/// The keys of those that were encrypted.
fn encrypted_overrides(reader: &Reader) -> BTreeSet<String> {
    let all = OVERRIDES.into_iter();
    let all = all.flat_map(|end| reader.encrypted_below(&format!("{SERVER}.{end}")));
    all.map(|key| override_key(&key)).collect()
}

fn override_key(key: &str) -> String {
    key.trim_start_matches("overrides[")
        .replace("].", ".")
        .replace('[', ".")
        .replace(']', "")
}

fn common(reader: &mut Reader) -> Common {
    let key = "confbus.git.deadline";
    let deadline = reader.duration(key, SECOND, Duration::from_secs(120));
    if deadline.is_zero() {
        let text = format!("`{key}` is not a duration that anything could be done in");
        reader.refuse(key, text, None);
    }
    let key = "confbus.git.clone-deadline";
    let clone_deadline = reader.duration(key, SECOND, Duration::from_secs(3600));
    if clone_deadline > LONGEST_CLONE {
        let text = format!("`{key}` is longer than a week");
        reader.refuse(key, text, None);
    }
    let is_strict = match reader.text_or("confbus.git.freshness", "polled").as_str() {
        "polled" => false,
        "strict" => true,
        _ => {
            reader.refuse(
                "confbus.git.freshness",
                "`confbus.git.freshness` is neither `polled` nor `strict`",
                None,
            );
            false
        }
    };
    Common {
        limits: Limits {
            files: reader.number("confbus.limits.files", 100_000),
            file_bytes: reader.number("confbus.limits.file-bytes", 8 << 20),
            total_bytes: reader.number("confbus.limits.total-bytes", 256 << 20),
        },
        deadline,
        clone_deadline: clone_deadline.max(deadline),
        reverse_location_order: reader.flag(&format!("{SERVER}.reverse-location-order"), false),
        placeholder_values: placeholder_values(reader),
        is_strict,
    }
}

fn placeholder_values(reader: &mut Reader) -> Vec<Pattern> {
    let key = "confbus.git.placeholder-values";
    let values = reader.list(key);
    // An empty list would allow everything.
    if values.is_empty() && reader.said(key).is_some() {
        let hint = Some("write names or patterns: orders, team-*");
        reader.refuse(key, format!("`{key}` allows nothing"), hint);
    }
    let patterns = values.iter().map(|value| Pattern::of_name(value));
    patterns.collect()
}

impl Common {
    /// How fresh the answers of the backend below `at` are.
    pub(super) fn freshness(&self, reader: &mut Reader, at: &str, within: Duration) -> Freshness {
        if !self.is_strict {
            return Freshness::Polled;
        }
        let at_most_every = match reader.number::<i64>(&format!("{at}.refresh-rate"), 0) {
            seconds if seconds < 0 => None,
            seconds => Some(Duration::from_secs(seconds.unsigned_abs())),
        };
        Freshness::Strict {
            within,
            at_most_every,
        }
    }
}

/// The strongest first.
fn backends(reader: &mut Reader, common: &Common) -> Option<Vec<BackendSettings>> {
    let active = reader.list("spring.profiles.active");
    let is_active = |name: &str| active.iter().any(|profile| profile == name);
    if is_active("composite") {
        return composite(reader, common);
    }
    let mut members = Vec::new();
    for (profile, settings) in OTHERS {
        if is_active(profile) {
            refuse_other(reader, "spring.profiles.active", profile);
            return None;
        }
        let below = format!("{SERVER}.{settings}");
        if !reader.below(&format!("{below}.")).is_empty() {
            reader.warn(code::NO_EFFECT, format!(
                "`{below}.*` has no effect: the profile `{profile}` is not active, and its backend is not supported by confbus"
            ));
        }
    }
    // Where orders are the same, this one holds, as in Spring.
    for kind in ["jdbc", "vault", "native", "git", "awss3", "redis"] {
        let is_wanted = is_active(kind) && lookups::is_enabled(reader, kind);
        if is_wanted {
            members.push(member(reader, kind, &format!("{SERVER}.{kind}"), common));
        }
    }
    if members.is_empty() {
        members.push(member(reader, "git", &format!("{SERVER}.git"), common));
    }
    in_order(members)
}

fn composite(reader: &mut Reader, common: &Common) -> Option<Vec<BackendSettings>> {
    let mut members = Vec::new();
    for index in 0.. {
        let at = format!("{SERVER}.composite[{index}]");
        if reader.below(&format!("{at}.")).is_empty() {
            break;
        }
        let key = format!("{at}.type");
        let kind = reader.text(&key).unwrap_or_default();
        let member = match kind.as_str() {
            "git" | "native" | "vault" | "redis" | "jdbc" | "awss3" => {
                member(reader, &kind, &at, common)
            }
            _ => {
                refuse_other(reader, &key, &kind);
                None
            }
        };
        members.push(member);
    }
    let listed = reader.indices(&format!("{SERVER}.composite"));
    if listed.iter().any(|index| *index >= members.len()) {
        let text = format!("member {} of the composite is missing", members.len());
        let index = listed.iter().max().copied().unwrap_or_default();
        reader.refuse(&format!("{SERVER}.composite[{index}].type"), text, None);
        return None;
    }
    if members.is_empty() {
        let key = format!("{SERVER}.composite");
        reader.refuse(
            &key,
            "the composite has no members",
            Some("set spring.cloud.config.server.composite[0].type and .uri"),
        );
        return None;
    }
    in_order(members)
}

fn refuse_other(reader: &mut Reader, key: &str, backend: &str) {
    let text = format!("the backend `{backend}` is not supported by confbus");
    let hint = "git, native, vault, redis, jdbc, awss3 and composites of them are";
    reader.refuse_as(code::UNSUPPORTED, key, text, Some(hint));
}

/// A backend and its place: lower comes first.
fn member(
    reader: &mut Reader,
    kind: &str,
    at: &str,
    common: &Common,
) -> Option<(i64, BackendSettings)> {
    let settings = match kind {
        "native" => BackendSettings::Native(native::native(reader, at, common)?),
        "vault" => BackendSettings::Vault(vault::vault(reader, at)?),
        "redis" | "jdbc" | "awss3" => BackendSettings::Lookups(lookups::lookups(reader, kind, at)?),
        _ => BackendSettings::Git(git::git(reader, at, common)?),
    };
    // Spring's JDBC goes before whatever names no order.
    let last = i64::from(i32::MAX) - if kind == "jdbc" { 10 } else { 0 };
    Some((reader.number(&format!("{at}.order"), last), settings))
}

fn in_order(members: Vec<Option<(i64, BackendSettings)>>) -> Option<Vec<BackendSettings>> {
    let mut members: Vec<_> = members.into_iter().collect::<Option<_>>()?;
    members.sort_by_key(|(order, _)| *order);
    Some(members.into_iter().map(|(_, settings)| settings).collect())
}

/// What health asks for: the application `app`, unless others are named.
fn probes(reader: &mut Reader) -> Option<Vec<EnvironmentRequest>> {
    let at = format!("{SERVER}.health.repositories");
    let names = reader.children(&at);
    if names.is_empty() {
        return Some(vec![probe("app", "default", None)?]);
    }
    let mut probes = Vec::new();
    for name in names {
        let at = format!("{at}.{name}");
        let application = reader.text_or(&format!("{at}.name"), &name);
        let profiles = reader.text_or(&format!("{at}.profiles"), "default");
        let label = reader.text(&format!("{at}.label"));
        match probe(&application, &profiles, label.as_deref()) {
            Some(probe) => probes.push(probe),
            None => {
                reader.refuse(
                    &at,
                    format!("`{at}` names no application, profile or label"),
                    None,
                );
                return None;
            }
        }
    }
    Some(probes)
}

fn probe(application: &str, profiles: &str, label: Option<&str>) -> Option<EnvironmentRequest> {
    Some(EnvironmentRequest {
        application: Application::parse(application).ok()?,
        profiles: Profiles::parse(profiles).ok()?,
        label: label.map(Label::parse).transpose().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As in Spring, where the place in the list counts only among those of one order.
    #[test]
    fn whoever_names_an_order_goes_before_whoever_names_none() {
        let member = |index: usize, key: &str, value: &str| {
            let key = format!("{SERVER}.composite[{index}].{key}");
            (key, value.to_owned())
        };
        let mut said = vec![("spring.profiles.active".to_owned(), "composite".to_owned())];
        for (index, location) in ["a", "b", "c"].into_iter().enumerate() {
            said.push(member(index, "type", "native"));
            said.push(member(index, "search-locations", location));
        }
        said.push(member(1, "order", "9"));
        let mut reader = Reader::of(said, Vec::new());
        let backends = repository(&mut reader).unwrap().backends;
        let shown = backends.iter().map(|backend| match backend {
            BackendSettings::Native(native) => native.files.display_uri.as_str(),
            _ => "",
        });
        assert_eq!(shown.collect::<Vec<_>>(), ["b", "a", "c"]);
    }
}
