use super::{address::Named, links::short, moment::Moment};
use crate::{
    inspection::{CommitView, SupersededView},
    look::Authorship,
};

/// Who made a commit, when, and what it says.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) author: String,
    pub(super) authored: Moment,
    pub(super) subject: String,
}

/// A commit that has a part in what is shown.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) short: String,
    pub(super) made: Made,
}

/// What took the place of the commit that is shown.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) label: String,
    pub(super) short: String,
    /// The same address, as its label gives it.
    pub(super) address: Named,
}

impl Made {
    pub(super) fn by(authorship: &Authorship) -> Self {
        Self {
            author: authorship.author.clone(),
            authored: Moment::of(&authorship.authored),
            subject: authorship.subject.clone(),
        }
    }
}

impl Commit {
    /// Those of whom it is known.
    pub(super) fn all(views: &[CommitView]) -> Vec<Self> {
        let commits = views.iter().filter_map(|view| {
            Some(Self {
                short: short(&view.commit),
                made: Made::by(view.authorship.as_ref()?),
            })
        });
        commits.collect()
    }
}

impl Current {
    pub(super) fn of(view: Option<&SupersededView>, address: &Named) -> Option<Self> {
        let view = view?;
        Some(Self {
            label: view.label.clone(),
            short: short(&view.commit),
            address: address.at(&view.label),
        })
    }
}
