use confbus_protocol::Destination;

use crate::{access::Reach, ledger::Sight, pins::Address};

/// Rules say what is seen of the ledger.
impl Sight for Reach {
    fn is_whole(&self) -> bool {
        self.is_whole()
    }

    fn has_environment(&self, application: &str, profiles: &str, label: Option<&str>) -> bool {
        self.has(application, profiles, label)
    }

    fn has_address(&self, application: &str, profile: Option<&str>, label: Option<&str>) -> bool {
        self.has_address(application, profile, label)
    }

    fn has_label(&self, label: &str) -> bool {
        self.has_label(label)
    }

    fn may_be_meant(&self, destination: &Destination) -> bool {
        self.may_be_meant(destination)
    }
}

/// Whether somebody may see who decided what about an address.
pub(super) fn sees(reach: &Reach, address: &Address) -> bool {
    let (profile, label) = (address.profile.as_deref(), address.label.as_deref());
    reach.has_address(&address.application, profile, label)
}
