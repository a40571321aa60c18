use askama::Template;

use super::frame::Frame;

/// Why there is no page.
#[derive(Debug, Template)]
#[template(path = "failure.html")]
pub(crate) struct FailurePage {
    pub(crate) frame: Frame,
    pub(crate) status: u16,
    pub(crate) error: String,
    pub(crate) message: Option<String>,
}
