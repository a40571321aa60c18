use askama::Template;

use super::frame::Frame;

/// A page that asks whether something is meant, before it is done.
#[derive(Debug, Template)]
#[template(path = "confirmation.html")]
pub(crate) struct Confirmation {
    pub(crate) frame: Frame,
    pub(crate) title: &'static str,
    /// What will happen.
    pub(crate) effect: String,
    /// Where the form goes, below the path where pages begin.
    pub(crate) action: String,
    /// By which the server knows that this page was asked for before.
    pub(crate) seal: String,
    pub(crate) fields: Vec<Field>,
    /// What the button says.
    pub(crate) button: &'static str,
    /// Why it was not done.
    pub(crate) problem: Option<String>,
}

/// What somebody fills in.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) value: String,
    pub(crate) required: bool,
}
