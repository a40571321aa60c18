use std::{collections::BTreeMap, iter::repeat_with};

use confbus_protocol::CommitId;
use confbus_resolution::{Blob, BlobId, Layout, RepoPath, Snapshot};

use super::*;
use crate::{
    acceptance::Acceptance,
    environment_repository::{
        Freshness, Known,
        history::{Case, HeldReaders, Judge},
    },
    look::{Modified, Version},
};

fn settings() -> Settings {
    Settings {
        layout: Layout::default(),
        default_label: label("main"),
        try_master_branch: true,
        forget_deleted: false,
        freshness: Freshness::Polled,
        interval: None,
        watches: false,
    }
}

fn label(text: &str) -> Label {
    Label::parse(text).unwrap()
}

/// A commit with one file.
fn version(number: u8, content: &str) -> Version {
    let blob = Arc::new(Blob::new(BlobId([number; 20]), content.as_bytes()));
    let path = RepoPath::parse("a.yml").unwrap();
    let files = BTreeMap::from([(path, blob)]);
    let snapshot = Snapshot::new(CommitId::from_bytes([number; 20]), files);
    Version {
        snapshot: Arc::new(snapshot),
        modified: Modified::Together(0),
        has_links: false,
        authorship: None,
    }
}

fn refs(names: &[&str]) -> Arc<Refs> {
    let branch = |name: &&str| ((*name).to_owned(), CommitId::from_bytes([1; 20]));
    Arc::new(Refs {
        branches: names.iter().map(branch).collect(),
        ..Refs::default()
    })
}

fn view(refs: &Arc<Refs>, labels: Vec<(Label, Result<Version, LookError>)>) -> View {
    View {
        news: true,
        listed: false,
        refs: Arc::clone(refs),
        labels,
        fetched: Some(Ok(())),
    }
}

fn after(served: &Served, view: View, for_all: bool) -> Next {
    let labels: Vec<_> = view.labels.iter().map(|(label, _)| label.clone()).collect();
    let asked = Asked {
        labels: &labels,
        for_all,
    };
    served.after(view, asked, &settings(), &"repository".into())
}

#[test]
fn only_who_asked_for_all_labels_is_sure_of_them() {
    let refs = refs(&["main", "other"]);
    let push = view(&refs, vec![(label("main"), Ok(version(1, "a: 1")))]);
    let pushed = after(&Served::default(), push, false).served;
    assert_eq!((pushed.confirmed, pushed.listed), (None, None));
    let polled = after(&pushed, view(&refs, Vec::new()), true).served;
    assert!(polled.confirmed.is_some() && polled.listed.is_none());
    let listing = View {
        listed: true,
        ..view(&refs, Vec::new())
    };
    let listed = after(&pushed, listing, false).served;
    assert!(listed.confirmed.is_some() && listed.listed.is_some());
}

#[test]
fn commits_that_may_come_with_the_history_take_no_room() {
    let refs = refs(&["main", "abcdef1"]);
    let labels = ["abcdef1", "abcdef2", "feature"];
    let not_yet = |text: &str| (label(text), Err(LookError::NotYet));
    let found = view(&refs, labels.map(not_yet).into());
    let served = after(&Served::default(), found, false).served;
    let mut refused: Vec<_> = served.refused.keys().map(Label::as_str).collect();
    refused.sort_unstable();
    assert_eq!(refused, ["abcdef1", "feature"]);
    assert!(served.may_have_commit(&label("abcdef2")));
}

#[test]
fn what_cannot_be_served_is_bounded() {
    let mut number = 0;
    let too_large = repeat_with(|| {
        number += 1;
        let cause = LookError::TooLarge("large".into());
        (label(&format!("label-{number}")), Err(cause))
    });
    let found = view(&refs(&["main"]), too_large.take(MAX_LABELS + 1).collect());
    let served = after(&Served::default(), found, false).served;
    assert_eq!(served.refused.len(), MAX_LABELS);
}

#[test]
fn a_commit_without_problems_ends_no_generation_once_more() {
    let refs = refs(&["main"]);
    let main = |version| view(&refs, vec![(label("main"), Ok(version))]);
    let first = after(&Served::default(), main(version(1, "a: 1")), false).served;
    let second = after(&first, main(version(2, "a: 2")), false);
    assert!(second.answers_change);
    let history = &second.served.labels[&label("main")];
    let cases = history.judgeable().cloned().map(Case::new).collect();
    let judge = Judge {
        settings: Arc::new(settings()),
        acceptance: Acceptance::default(),
        known: Known::default(),
        held: HeldReaders::default(),
    };
    let verdicts = Verdicts::of(cases, None, &judge);
    let judged = second.served.after_verdicts(&verdicts);
    assert!(judged.changed && !judged.answers_change);
    assert_eq!(judged.served.labels[&label("main")].commits().len(), 1);
}
