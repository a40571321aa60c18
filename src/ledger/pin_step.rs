//! What became of pins: who held which address at which commit, and who let it go.

use serde::{Deserialize, Serialize};

use super::{Sight, time};
use crate::pins::{Address, Pin};

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

/// A step as JSON for strangers.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PinStepView {
    pub(crate) what: PinWhat,
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) address: Address,
    pub(crate) commit: String,
    pub(crate) by: String,
    pub(crate) reason: String,
    /// When it ends by itself, in RFC 3339.
    pub(crate) until: String,
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

impl PinStepView {
    /// For somebody who sees who decides about the address.
    pub(super) fn of(step: &PinStep, sight: &dyn Sight) -> Option<Self> {
        let Address {
            application,
            profile,
            label,
        } = &step.pin.address;
        let is_seen = sight.has_address(application, profile.as_deref(), label.as_deref());
        is_seen.then(|| Self {
            what: step.what,
            id: step.pin.id.clone(),
            address: step.pin.address.clone(),
            commit: step.pin.commit.to_string(),
            by: step.by.clone(),
            reason: step.reason.clone(),
            until: time(step.pin.until),
        })
    }
}
