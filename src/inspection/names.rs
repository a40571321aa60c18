use serde::Serialize;

/// What can be asked for, as far as this server knows and somebody may read it.
#[derive(Debug, Serialize)]
pub(crate) struct NamesView {
    pub(crate) schema: &'static str,
    /// After whom files are named, or who has asked; in order.
    pub(crate) applications: Vec<String>,
    /// That are in service, and branches and tags that may come into service; in order.
    pub(crate) labels: Vec<String>,
}
