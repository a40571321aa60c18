use std::{sync::Arc, time::Duration};

use super::{kind::Kind, principal::Principal, reach::Reach, rules::Grants, wanted::Wanted};

/// Who is asking.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    Known(Arc<Principal>),
    /// Somebody, and nobody has to be known.
    Anyone,
    Unknown(Unknown),
}

/// Why somebody is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    SaidNothing,
    /// What it said is wrong.
    NotBelieved,
    /// Its token names a key that the issuer did not have lately, which right after a rotation happens to the best.
    NoSuchKey,
    /// It has said wrong things too often, and is listened to again after this.
    TooOften(Duration),
    /// Others are being checked, or the keys to check with are not at hand.
    NotChecked,
}

/// Why something is not done for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Unknown(Unknown),
    /// It is known, and may not.
    NotAllowed,
}

impl Caller {
    /// Whether it may do some of this kind at all; what, is known later.
    ///
    /// # Errors
    /// [`Refused`] with the reason.
    pub(crate) fn may_some(&self, kind: Kind) -> Result<(), Refused> {
        self.if_known(|known| known.may_some(kind))
    }

    /// Whether it may do all of this.
    ///
    /// # Errors
    /// [`Refused`] with the reason.
    pub(crate) fn may(&self, wanted: &Wanted) -> Result<(), Refused> {
        self.if_known(|known| known.may(wanted))
    }

    /// What it may have of this kind.
    pub(crate) fn reach(&self, kind: Kind) -> Reach {
        match self {
            Self::Known(known) => known.reach(kind),
            Self::Anyone => Reach::new(kind, &Grants::Everything),
            Self::Unknown(_) => Reach::new(kind, &Grants::nothing()),
        }
    }

    /// Whether it is anybody, or nobody has to be.
    ///
    /// # Errors
    /// [`Refused`] with the reason.
    pub(crate) fn may_enter(&self) -> Result<(), Refused> {
        self.if_known(|_| true)
    }

    fn if_known(&self, may: impl FnOnce(&Principal) -> bool) -> Result<(), Refused> {
        match self {
            Self::Known(known) if may(known) => Ok(()),
            Self::Known(_) => Err(Refused::NotAllowed),
            Self::Anyone => Ok(()),
            Self::Unknown(why) => Err(Refused::Unknown(*why)),
        }
    }

    /// Who it is.
    pub(crate) fn principal(&self) -> Option<&Principal> {
        match self {
            Self::Known(known) => Some(known),
            Self::Anyone | Self::Unknown(_) => None,
        }
    }

    /// Who it is, if it has proved it: not only by being a program on this machine.
    pub(crate) fn proved(&self) -> Option<&Principal> {
        self.principal().filter(|known| !known.is_this_machine())
    }

    pub(crate) fn is_this_machine(&self) -> bool {
        self.principal().is_some_and(Principal::is_this_machine)
    }
}

#[cfg(test)]
use super::principal::Proof;

#[cfg(test)]
impl Caller {
    /// Somebody with a password who may do everything.
    pub(crate) fn user() -> Self {
        let user = Principal::new("ana", Proof::Password, Grants::Everything);
        Self::Known(Arc::new(user))
    }

    pub(crate) fn this_machine() -> Self {
        let machine = Principal::new("", Proof::ThisMachine, Grants::Everything);
        Self::Known(Arc::new(machine))
    }
}
