use std::{collections::BTreeSet, sync::Arc};

use super::{
    kind::{Kind, Kinds},
    namesakes,
    pattern::Pattern,
    principal::Proof,
    wanted::{Wanted, Which},
};

/// Combinations of names that are looked at where no single rule allows them all. More is nobody's question.
const MOST_COMBINATIONS: usize = 1024;

/// Who may do what. Nobody may anything else.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) principals: Vec<Who>,
    pub(crate) allow: Kinds,
    /// Whose configuration; nothing where the kinds are not about applications.
    pub(crate) applications: Vec<Pattern>,
    pub(crate) profiles: Patterns,
    pub(crate) labels: Patterns,
    /// Of plain files.
    pub(crate) paths: Patterns,
}

/// Whom a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// Whoever is known.
    Anybody,
    /// A user or a token, whose name the settings say.
    Named(Pattern),
    /// Whom an issuer of tokens calls so.
    Issued(Pattern),
    /// Whom a certificate calls so.
    Certified(Pattern),
    /// Of whom an issuer of tokens says so.
    Claim {
        /// `groups`, or `realm_access.roles`.
        name: Box<str>,
        value: Pattern,
    },
}

/// Patterns of names; all names where none was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Patterns {
    All,
    These(Vec<Pattern>),
}

/// All rules, and what can be told from them together.
#[derive(Debug, Default)]
pub(super) struct Rules {
    rules: Vec<Rule>,
    /// Applications that rules call by their name, which keeps their files from others.
    named: BTreeSet<Box<str>>,
    /// The label of each repository that is read where a request names none.
    default_labels: Vec<Box<str>>,
}

/// The rules that are for somebody.
#[derive(Debug, Clone)]
pub(super) enum Grants {
    /// There are no rules at all.
    Everything,
    Some {
        rules: Arc<Rules>,
        /// Which of them.
        mine: Vec<usize>,
    },
}

/// One combination of what is wanted.
#[derive(Debug, Clone, Copy)]
struct Element<'w> {
    application: Option<One<'w>>,
    profile: Option<One<'w>>,
    label: Option<One<'w>>,
    path: Option<&'w str>,
    found: Option<&'w str>,
}

#[derive(Debug, Clone, Copy)]
enum One<'w> {
    Name(&'w str),
    All,
}

impl Rules {
    pub(super) fn new(rules: Vec<Rule>, default_labels: Vec<Box<str>>) -> Self {
        let applications = rules.iter().flat_map(|rule| &rule.applications);
        let named = applications.filter_map(Pattern::literal).map(Into::into);
        Self {
            named: named.collect(),
            rules,
            default_labels,
        }
    }

    pub(super) fn are_none(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules for somebody of this name, of whom an issuer says this.
    pub(super) fn grants(
        self: &Arc<Self>,
        proof: Proof,
        name: &str,
        claims: &serde_json::Map<String, serde_json::Value>,
    ) -> Grants {
        if self.are_none() {
            return Grants::Everything;
        }
        let is_for = |who: &Who| who.is(proof, name, claims);
        let rules = self.rules.iter().enumerate();
        let mine = rules.filter(|(_, rule)| rule.principals.iter().any(is_for));
        Grants::Some {
            mine: mine.map(|(index, _)| index).collect(),
            rules: Arc::clone(self),
        }
    }
}

impl Who {
    fn is(
        &self,
        proof: Proof,
        name: &str,
        claims: &serde_json::Map<String, serde_json::Value>,
    ) -> bool {
        match self {
            Self::Anybody => true,
            Self::Named(pattern) => {
                matches!(proof, Proof::Password | Proof::Token) && pattern.matches(name)
            }
            Self::Issued(pattern) => proof == Proof::Jwt && pattern.matches(name),
            Self::Certified(pattern) => proof == Proof::Certificate && pattern.matches(name),
            Self::Claim { name, value } => super::jwt::says(claims, name, value),
        }
    }
}

impl Grants {
    pub(super) fn nothing() -> Self {
        Self::Some {
            rules: Arc::default(),
            mine: Vec::new(),
        }
    }

    /// Whether there is anything of this kind that somebody may do.
    pub(super) fn have(&self, kind: Kind) -> bool {
        match self {
            Self::Everything => true,
            Self::Some { .. } => self.rules().any(|rule| rule.allow.has(kind)),
        }
    }

    /// Whether all of it is allowed: every combination of an application, a profile and a label by some rule.
    pub(super) fn allow(&self, wanted: &Wanted) -> bool {
        let Self::Some { rules, .. } = self else {
            return true;
        };
        let applications = each(&wanted.applications, &rules.default_labels);
        let profiles = each(&wanted.profiles, &rules.default_labels);
        let labels = each(&wanted.labels, &rules.default_labels);
        let combinations = applications.len() * profiles.len() * labels.len();
        if combinations > MOST_COMBINATIONS {
            return false;
        }
        let mut elements = applications.iter().flat_map(|application| {
            let labels = &labels;
            profiles.iter().flat_map(move |profile| {
                labels.iter().map(move |label| Element {
                    application: *application,
                    profile: *profile,
                    label: *label,
                    path: wanted.path.as_deref(),
                    found: wanted.found.as_deref(),
                })
            })
        });
        elements.all(|element| {
            self.allow_one(wanted.kind, &element) && self.allow_namesake(wanted.kind, &element)
        })
    }

    /// What is left of them for one kind. Rules that restrict nothing are everything.
    pub(super) fn of(&self, kind: Kind) -> Self {
        let Self::Some { rules, mine } = self else {
            return Self::Everything;
        };
        let allows = |index: &&usize| rules.rules[**index].allow.has(kind);
        let mine: Vec<_> = mine.iter().filter(allows).copied().collect();
        if mine
            .iter()
            .any(|index| rules.rules[*index].is_for_all(kind))
        {
            return Self::Everything;
        }
        Self::Some {
            rules: Arc::clone(rules),
            mine,
        }
    }

    /// Whether there is an application for which both some rule and this part of a destination are.
    pub(super) fn meet(&self, kind: Kind, part: &str) -> bool {
        self.rules()
            .any(|rule| rule.allow.has(kind) && rule.meets(kind, part))
    }

    fn allow_one(&self, kind: Kind, element: &Element<'_>) -> bool {
        self.rules().any(|rule| rule.allows(kind, element))
    }

    /// Files whose name says that they belong to another application need that one's permission, too.
    fn allow_namesake(&self, kind: Kind, element: &Element<'_>) -> bool {
        let (Self::Some { rules, .. }, Some(One::Name(application))) = (self, element.application)
        else {
            return true;
        };
        let profile = match element.profile {
            Some(One::Name(profile)) => profile,
            _ => "",
        };
        let of_path = |path| namesakes::of_path(&rules.named, application, path, profile);
        let paths = element.path.into_iter().chain(element.found);
        let mut namesakes: Vec<_> = paths.flat_map(of_path).collect();
        // Placeholders of plain files stand for what the environment says.
        if matches!(kind, Kind::Read | Kind::Files) {
            let of_profile = namesakes::of_profile(&rules.named, application, profile);
            namesakes.extend(of_profile);
        }
        namesakes.iter().all(|namesake| {
            let profile = namesake.profile.unwrap_or(profile);
            let of_namesake = Element {
                application: Some(One::Name(namesake.application)),
                profile: Some(One::Name(profile)),
                ..*element
            };
            self.allow_one(kind, &of_namesake)
        })
    }

    fn rules(&self) -> impl Iterator<Item = &Rule> {
        let (rules, mine): (&[Rule], &[usize]) = match self {
            Self::Everything => (&[], &[]),
            Self::Some { rules, mine } => (&rules.rules, mine),
        };
        mine.iter().map(|index| &rules[*index])
    }
}

impl Rule {
    fn allows(&self, kind: Kind, element: &Element<'_>) -> bool {
        self.allow.has(kind)
            && (self.leaves_out_applications(kind) || self.covers_application(element.application))
            && self.profiles.cover(element.profile)
            && self.labels.cover(element.label)
            && self.paths.cover(element.path.map(One::Name))
    }

    /// Only of what need not be restricted to some.
    fn leaves_out_applications(&self, kind: Kind) -> bool {
        self.applications.is_empty() && !kind.is_of_applications()
    }

    fn covers_application(&self, application: Option<One<'_>>) -> bool {
        covers(
            &self.applications,
            application,
            Pattern::matches_application,
        )
    }

    fn is_for_all(&self, kind: Kind) -> bool {
        (self.leaves_out_applications(kind) || self.covers_application(Some(One::All)))
            && self.profiles.cover(Some(One::All))
            && self.labels.cover(Some(One::All))
    }

    fn meets(&self, kind: Kind, part: &str) -> bool {
        let mut applications = self.applications.iter();
        self.leaves_out_applications(kind) || applications.any(|pattern| pattern.meets(part))
    }
}

impl Patterns {
    fn cover(&self, name: Option<One<'_>>) -> bool {
        match self {
            Self::All => true,
            Self::These(patterns) => covers(patterns, name, Pattern::matches),
        }
    }
}

fn covers(
    patterns: &[Pattern],
    name: Option<One<'_>>,
    matches: impl Fn(&Pattern, &str) -> bool,
) -> bool {
    match name {
        None => true,
        Some(One::All) => patterns.iter().any(Pattern::is_all),
        Some(One::Name(name)) => patterns.iter().any(|pattern| matches(pattern, name)),
    }
}

/// Each of the names; one time nothing where there are none.
fn each<'w>(which: &'w Which, default_labels: &'w [Box<str>]) -> Vec<Option<One<'w>>> {
    match which {
        Which::None => vec![None],
        Which::All => vec![Some(One::All)],
        Which::These(names) => names.iter().map(|name| Some(One::Name(name))).collect(),
        Which::Default if default_labels.is_empty() => vec![Some(One::All)],
        Which::Default => {
            let labels = default_labels.iter();
            labels.map(|label| Some(One::Name(label))).collect()
        }
    }
}

#[cfg(test)]
mod tests;
