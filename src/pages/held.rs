use askama::Template;

use super::frame::Frame;

/// Files that the server refused: whoever needs them is given the last good version.
#[derive(Debug, Template)]
#[template(path = "held.html")]
pub(crate) struct HeldPage {
    pub(crate) frame: Frame,
    /// Nothing for whoever may not know.
    pub(crate) files: Option<Vec<HeldFile>>,
    /// What instances refused.
    pub(crate) rejections: Vec<Rejection>,
}

/// What is wrong where.
#[derive(Debug)]
pub(crate) struct HeldFile {
    pub(crate) repository: String,
    /// `shop-prod.yml:14:3`.
    pub(crate) origin: String,
    pub(crate) problem: String,
    pub(crate) hint: Option<String>,
}

/// Instances that refused a commit for the same reason.
#[derive(Debug)]
pub(crate) struct Rejection {
    pub(super) address: String,
    pub(super) href: String,
    pub(super) commit: String,
    pub(super) reason: String,
    pub(super) instances: usize,
}

impl HeldPage {
    pub(crate) fn new(
        frame: Frame,
        files: Option<Vec<HeldFile>>,
        instances: &[crate::ledger::InstanceView],
    ) -> Self {
        let mut rejections: Vec<Rejection> = Vec::new();
        // There may be one for each instance.
        let has_room = |known: &[Rejection]| known.len() < super::instances::PAGE;
        let refused = instances
            .iter()
            .filter_map(|instance| Some((instance, instance.reason.as_deref()?)));
        for (instance, reason) in refused {
            let address = format!("{}/{}", instance.application, instance.profiles);
            let mut known = rejections.iter_mut();
            let same = known.find(|known| known.address == address && known.reason == reason);
            if let Some(same) = same {
                same.instances += 1;
            } else if has_room(&rejections) {
                rejections.push(Rejection::new(instance, address, reason));
            }
        }
        Self {
            frame,
            files,
            rejections,
        }
    }
}

impl Rejection {
    fn new(instance: &crate::ledger::InstanceView, address: String, reason: &str) -> Self {
        let query = [
            ("application", instance.application.as_str()),
            ("profile", &instance.profiles),
            ("state", "rejected"),
        ];
        let wanted = instance.wanted.as_deref().unwrap_or("a version");
        Self {
            address,
            href: super::links::with_query("/instances", &query),
            commit: super::links::short(wanted),
            reason: reason.to_owned(),
            instances: 1,
        }
    }
}
