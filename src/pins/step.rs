use serde::{Deserialize, Serialize};

use super::Pin;

/// A pin that began, or was over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PinStep {
    pub(crate) what: PinWhat,
    /// Who did it, as far as that is known; of a pin that ended by itself, who had made it.
    pub(crate) by: String,
    /// Why; where nobody said anything else, the reason of the pin.
    pub(crate) reason: String,
    pub(crate) pin: Pin,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PinWhat {
    /// Somebody held an address.
    Pinned,
    /// Somebody let it go.
    Released,
    /// Its time was over.
    Ended,
}

impl PinStep {
    /// Somebody held an address.
    pub(crate) fn pinned(pin: &Pin) -> Self {
        Self::of(PinWhat::Pinned, pin)
    }

    /// Its time was over.
    pub(crate) fn ended(pin: &Pin) -> Self {
        Self::of(PinWhat::Ended, pin)
    }

    /// Somebody of this name let it go, and may have said why.
    pub(crate) fn released(pin: &Pin, by: &str, reason: Option<&str>) -> Self {
        let of_pin = Self::of(PinWhat::Released, pin);
        Self {
            by: by.to_owned(),
            reason: reason.map_or(of_pin.reason, str::to_owned),
            ..of_pin
        }
    }

    fn of(what: PinWhat, pin: &Pin) -> Self {
        Self {
            what,
            by: pin.by.clone(),
            reason: pin.reason.clone(),
            pin: pin.clone(),
        }
    }
}
