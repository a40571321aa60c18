use std::fmt;

/// What a request is for, as rules name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Environments, and their text forms.
    Read,
    /// Plain files.
    Files,
    /// Have texts encrypted, and see the public key.
    Encrypt,
    /// Have texts decrypted.
    Decrypt,
    /// Tell applications to look again, or to set a property.
    Refresh,
    /// Report a push without a signature.
    Monitor,
    /// Hear the events of the bus.
    Events,
    /// See where all instances stand, and which pins and waves there are.
    Fleet,
    /// Pin, promote and abort.
    Operate,
    /// Report what an instance made of a version.
    Report,
    /// See more of health than its status, and which build this is.
    Health,
    /// See what is counted, of all applications.
    Metrics,
}

/// A set of kinds.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Kinds(u16);

impl Kind {
    pub(crate) const ALL: [(Self, &str); 12] = [
        (Self::Read, "read"),
        (Self::Files, "files"),
        (Self::Encrypt, "encrypt"),
        (Self::Decrypt, "decrypt"),
        (Self::Refresh, "refresh"),
        (Self::Monitor, "monitor"),
        (Self::Events, "events"),
        (Self::Fleet, "fleet"),
        (Self::Operate, "operate"),
        (Self::Report, "report"),
        (Self::Health, "health"),
        (Self::Metrics, "metrics"),
    ];

    /// As rules name it.
    pub(crate) fn name(self) -> &'static str {
        let mut all = Self::ALL.into_iter();
        all.find_map(|(kind, name)| (kind == self).then_some(name))
            .unwrap_or_default()
    }

    /// Whether it is about applications, so that a rule which allows it has to say which.
    pub(crate) fn is_of_applications(self) -> bool {
        !matches!(
            self,
            Self::Monitor | Self::Events | Self::Fleet | Self::Health | Self::Metrics
        )
    }
}

impl Kinds {
    /// Reads `read`, or `all`; `None` for other words.
    pub(crate) fn named(word: &str) -> Option<Self> {
        if word == "all" {
            return Some(Self::of(Kind::ALL.map(|(kind, _)| kind)));
        }
        let named = |(kind, name): (Kind, &str)| (name == word).then(|| Self::of([kind]));
        Kind::ALL.into_iter().find_map(named)
    }

    pub(crate) fn of(kinds: impl IntoIterator<Item = Kind>) -> Self {
        Self(kinds.into_iter().fold(0, |set, kind| set | kind.bit()))
    }

    pub(crate) fn has(self, kind: Kind) -> bool {
        self.0 & kind.bit() != 0
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        let ours = Kind::ALL
            .into_iter()
            .filter(move |(kind, _)| self.has(*kind));
        ours.map(|(_, name)| name)
    }

    pub(crate) fn are_of_applications(self) -> bool {
        let mut ours = Kind::ALL.into_iter().filter(|(kind, _)| self.has(*kind));
        ours.any(|(kind, _)| kind.is_of_applications())
    }
}

impl Kind {
    fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_names() {
        for (kind, name) in Kind::ALL {
            let set = Kinds::named(name).unwrap();
            let has: Vec<_> = Kind::ALL
                .map(|(other, _)| set.has(other) == (kind == other))
                .into();
            assert!(has.iter().all(|fits| *fits), "{name}");
            assert_eq!(kind.name(), name);
            assert!(Kinds::named("all").unwrap().has(kind));
        }
        assert_eq!(Kinds::named("write"), None);
        assert!(!Kinds::named("fleet").unwrap().are_of_applications());
        assert!(Kinds::named("all").unwrap().are_of_applications());
    }
}
