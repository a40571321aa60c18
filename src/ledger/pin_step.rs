//! What became of pins, as it is shown.

use serde::Serialize;

use super::{Sight, time};
use crate::pins::{Address, PinStep, PinWhat};

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
