use std::{
    fmt,
    time::{Duration, Instant},
};

use super::{kind::Kind, reach::Reach, rules::Grants, wanted::Wanted};

/// Somebody who is known, and what rules allow.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    name: Box<str>,
    proof: Proof,
    grants: Grants,
    /// When its proof runs out, if that does by itself.
    until: Option<Instant>,
}

/// How somebody proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A program on this machine, and nobody has to prove anything.
    ThisMachine,
    Password,
    /// A token whose hash the settings hold.
    Token,
    /// A token of an issuer.
    Jwt,
    Certificate,
}

impl Principal {
    pub(super) fn new(name: impl Into<Box<str>>, proof: Proof, grants: Grants) -> Self {
        Self {
            name: name.into(),
            proof,
            grants,
            until: None,
        }
    }

    /// The same, proved for no longer than this.
    pub(super) fn for_now(self, remaining: Duration) -> Self {
        Self {
            // What is too far away to be told is never.
            until: Instant::now().checked_add(remaining),
            ..self
        }
    }

    #[cfg(test)]
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// When its proof runs out, if that does by itself.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.until
    }

    pub(crate) fn is_this_machine(&self) -> bool {
        self.proof == Proof::ThisMachine
    }

    /// Whether there is anything of this kind that it may do.
    pub(crate) fn may_some(&self, kind: Kind) -> bool {
        self.grants.have(kind)
    }

    /// What it may have of this kind.
    pub(crate) fn reach(&self, kind: Kind) -> Reach {
        Reach::new(kind, &self.grants)
    }

    /// Whether it may do all of this.
    pub(crate) fn may(&self, wanted: &Wanted) -> bool {
        self.grants.allow(wanted)
    }
}

/// As rules call it: who is called so by others is not the user of this name.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.proof {
            Proof::Jwt => "jwt:",
            Proof::Certificate => "certificate:",
            Proof::ThisMachine | Proof::Password | Proof::Token => "",
        })?;
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_called_so_by_others_is_shown_so() {
        let shown = |proof| Principal::new("ana", proof, Grants::Everything).to_string();
        assert_eq!(shown(Proof::Password), "ana");
        assert_eq!(shown(Proof::Jwt), "jwt:ana");
        assert_eq!(shown(Proof::Certificate), "certificate:ana");
    }
}
