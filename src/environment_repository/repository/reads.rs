//! What a read may wait for.

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use confbus_protocol::Label;

use super::{
    super::{
        FindError,
        history::History,
        looker::{Announce, Wish},
        served::Served,
    },
    Before, Freshness, Repository,
};
use crate::{
    look::{LookError, Refs, Trigger},
    traces::TraceContext,
};

/// How long the first read of a label waits for its snapshot.
const FIRST_READ: Duration = Duration::from_secs(5);

/// How long a repository that was opened on demand and has nothing to serve is left alone.
const PAUSE: Duration = Duration::from_secs(10);

impl Repository {
    /// In the strict mode, looks at the repository.
    pub(super) async fn make_sure(&self, label: &Label) {
        let Freshness::Strict {
            within,
            at_most_every,
        } = self.inner.settings.freshness
        else {
            return;
        };
        let confirmed = {
            let served = self.inner.served.load();
            // Of others only a listing can tell.
            if served.labels.contains_key(label) {
                served.confirmed
            } else {
                served.listed
            }
        };
        let is_fresh = |at: Instant| at_most_every.is_none_or(|pause| at.elapsed() < pause);
        if confirmed.is_some_and(is_fresh) {
            return;
        }
        // Too late or failed: the snapshots in service answer, and health says why.
        _ = tokio::time::timeout(within, self.look_for(Wish::All, label)).await;
    }

    async fn look_for(&self, wish: Wish, label: &Label) -> Result<(), LookError> {
        let looks = &self.inner.looks;
        looks
            .look(
                wish,
                Some(label.clone()),
                Announce::Yes(Trigger::Poll),
                &TraceContext::default(),
            )
            .await
    }

    pub(super) async fn history_of(
        &self,
        label: &Label,
        before: Before,
    ) -> Result<Arc<History>, FindError> {
        let served = self.inner.served.load_full();
        if let Some(history) = served.labels.get(label) {
            if before != Before::Served {
                history.touch();
            }
            return Ok(Arc::clone(history));
        }
        // What was on its way may be here by now.
        let refused = served.refused.get(label);
        if let Some(refused) = refused.filter(|cause| !matches!(cause, LookError::NotYet)) {
            return Err(refused.into());
        }
        let Some(refs) = &served.refs else {
            return Err(self.nothing_yet(&served));
        };
        let may_be_commit = served.may_have_commit(label);
        let wish = if refs.knows(label) || may_be_commit {
            Wish::Local
        } else if before != Before::Served
            && let Some(since) = self.may_be_unlisted(&served)
        {
            Wish::ListedSince(since)
        } else {
            return Err(names_nothing(label, &served));
        };
        if before == Before::Served {
            return Err(FindError::NotYet);
        }
        self.first_read(wish, label).await
    }

    /// Since when the repository would have to have told all its refs, when it has not, so that it has to be asked what a
    /// label names; `None` when what is known is new enough, or somebody has asked in vain.
    fn may_be_unlisted(&self, served: &Served) -> Option<Option<Instant>> {
        let (since, pause) = match (served.listed, self.inner.settings.interval) {
            // What was known before the start says nothing of what is new.
            (None, _) => (None, PAUSE),
            (Some(_), None) => return None,
            (Some(at), Some(interval)) if at.elapsed() < interval => return None,
            (Some(_), Some(interval)) => (Instant::now().checked_sub(interval), interval),
        };
        let asked = &self.inner.listing_asked;
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        match *asked {
            Some(at) if at.elapsed() < FIRST_READ => {}
            Some(at) if at.elapsed() < pause => return None,
            _ => *asked = Some(Instant::now()),
        }
        Some(since)
    }

    /// In the strict mode Spring's own answer; otherwise "try again", because a client takes "not found" for "nothing configured".
    fn nothing_yet(&self, served: &Served) -> FindError {
        match (self.inner.settings.freshness, &served.error) {
            (Freshness::Strict { .. }, Some(_)) => FindError::NoRepository,
            (Freshness::Polled, Some(_)) => FindError::Busy,
            (_, None) => FindError::NotYet,
        }
    }

    async fn first_read(&self, wish: Wish, label: &Label) -> Result<Arc<History>, FindError> {
        let is_listing = wish != Wish::Local;
        let looked = tokio::time::timeout(FIRST_READ, self.look_for(wish, label)).await;
        let served = self.inner.served.load();
        if let Some(history) = served.labels.get(label) {
            return Ok(Arc::clone(history));
        }
        if let Some(refused) = served.refused.get(label) {
            return Err(refused.into());
        }
        let may_be_commit = served.may_have_commit(label);
        let is_there = served.refs.as_ref().is_some_and(|refs| refs.knows(label));
        match looked {
            Ok(Err(failed)) if !is_listing => Err((&failed).into()),
            Err(_) if !is_listing => Err(FindError::Busy),
            // Only a history that is here as a whole tells that it is in none.
            Ok(Ok(())) if may_be_commit => Err(FindError::NotYet),
            // Why it cannot be served was not remembered: there are too many of these.
            Ok(Ok(())) if is_there => Err(FindError::Busy),
            // A remote that does not answer makes no difference to a label that it did not have.
            _ => Err(names_nothing(label, &served)),
        }
    }

    /// Waits for something to serve, for a repository that nobody asked for before.
    pub(in crate::environment_repository) async fn first_look(&self) {
        {
            let mut tried = self
                .inner
                .tried
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if self.is_serving() || tried.is_some_and(|at| at.elapsed() < PAUSE) {
                return;
            }
            *tried = Some(Instant::now());
        }
        // What came of it shows in what is in service.
        _ = tokio::time::timeout(
            FIRST_READ,
            self.look(None, Announce::Yes(Trigger::Poll), &TraceContext::default()),
        )
        .await;
    }
}

/// What is said of a label that names nothing as far as is known: before the first listing that is not far enough, and a
/// client takes "not found" for "nothing configured".
fn names_nothing(label: &Label, served: &Served) -> FindError {
    if served.listed.is_none() && served.error.is_some() {
        FindError::Busy
    } else if served.listed.is_none() {
        FindError::NotYet
    } else if Refs::is_full_commit(label) {
        FindError::NoSuchCommit
    } else {
        FindError::NoSuchLabel
    }
}
