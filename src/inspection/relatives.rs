//! Addresses that somebody may want to compare with one.

use confbus_protocol::Label;
use confbus_resolution::EnvironmentRequest;

use super::{AddressView, Inspector};
use crate::{ledger::Sight, look::Refs};

/// Addresses that are offered.
const MOST: usize = 8;

impl Inspector {
    /// Those of the same application that were asked for with other profiles or under another label, as far as somebody may
    /// read them.
    pub(crate) fn relatives(
        &self,
        request: &EnvironmentRequest,
        readable: &impl Sight,
    ) -> Vec<AddressView> {
        let own = (request.profiles.as_str(), self.label_of(request));
        let known = self.ledger.known();
        let others = known.iter().filter(|other| {
            let (profiles, label) = (other.profiles.as_str(), self.label_of(other));
            let differs_in_one = (own.0 == profiles) != (own.1 == label);
            let is_commit = other.label.as_ref().is_some_and(Refs::may_be_commit);
            let application = other.application.as_str();
            other.application == request.application
                && differs_in_one
                && !is_commit
                && readable.has_environment(application, profiles, label)
        });
        let others = others.map(|other| AddressView {
            label: self.label_of(other).map(str::to_owned),
            ..AddressView::of(other)
        });
        let mut others: Vec<_> = others.collect();
        others.sort_by(|one, other| {
            (&one.label, &one.profiles).cmp(&(&other.label, &other.profiles))
        });
        others.dedup();
        others.truncate(MOST);
        others
    }

    /// Nothing for what requests without a label read.
    fn label_of<'r>(&self, request: &'r EnvironmentRequest) -> Option<&'r str> {
        let label = request.label.as_ref().map(Label::as_str);
        label.filter(|label| !self.is_default(label))
    }
}
