use serde::Serialize;

use super::address::AddressView;
use crate::ledger::HistoryEntry;

/// What an address was given, as far as this server remembers.
#[derive(Debug, Serialize)]
pub(crate) struct HistoryView {
    pub(crate) schema: &'static str,
    pub(crate) address: AddressView,
    /// Newest first, with those that changed nothing for the application.
    pub(crate) entries: Vec<HistoryEntry>,
}

impl HistoryView {
    pub(super) fn new(address: AddressView, entries: Vec<HistoryEntry>) -> Self {
        Self {
            schema: "confbus.history/1",
            address,
            entries,
        }
    }
}
