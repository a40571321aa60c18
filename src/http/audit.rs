//! Who did what that concerns others, in the log: lines whose `event` begins with `audit.`, one for each decision.

use confbus_protocol::Destination;
use tracing::info;

use super::access::Asking;

/// Somebody tells these to look again, or to set a property. A delivery with a signature has no name but that.
pub(super) fn refresh(asking: &Asking, destination: &Destination, is_signed: bool) {
    let name = asking.name();
    let principal = if is_signed { "signature" } else { &name };
    info!(
        event = "audit.refresh",
        principal,
        address = asking.address().map(tracing::field::display),
        destination = destination.as_str(),
        decision = "allowed",
        "a refresh was asked for"
    );
}

/// Somebody has a text decrypted.
pub(super) fn decrypt(asking: &Asking) {
    info!(
        event = "audit.decrypt",
        principal = asking.name(),
        address = asking.address().map(tracing::field::display),
        decision = "allowed",
        "a text is to be decrypted"
    );
}
