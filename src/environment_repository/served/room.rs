use std::{collections::HashMap, sync::Arc};

use confbus_protocol::Label;

use super::{
    super::{history::History, repository::Settings},
    MAX_LABELS,
};

/// Of these, labels that are commit ids: whoever reads can ask for any old commit.
const MAX_PINNED: usize = 256;

/// Too many labels: those that were not asked for longest go, commit ids first. Returns them.
pub(super) fn make_room(
    labels: &mut Arc<HashMap<Label, Arc<History>>>,
    settings: &Settings,
) -> Vec<(Label, Arc<History>)> {
    let mut gone = Vec::new();
    if labels.len() <= MAX_PINNED {
        return gone;
    }
    let defaults = settings.default_labels();
    loop {
        let pinned = labels
            .values()
            .filter(|history| history.is_pinned())
            .count();
        if labels.len() <= MAX_LABELS && pinned <= MAX_PINNED {
            return gone;
        }
        let may_go = |label: &Label, history: &History| {
            !defaults.contains(label) && (pinned <= MAX_PINNED || history.is_pinned())
        };
        let others = labels
            .iter()
            .filter(|(label, history)| may_go(label, history));
        let Some(oldest) = others
            .min_by_key(|(_, history)| history.last_asked())
            .map(|(label, _)| label.clone())
        else {
            return gone;
        };
        gone.extend(Arc::make_mut(labels).remove_entry(&oldest));
    }
}
