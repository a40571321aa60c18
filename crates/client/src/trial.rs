//! The time after a start in which a version may turn out to be none that this program can run.
//!
//! Until then what a server gave is neither reported as applied nor saved, and a binding that refuses it may step back to
//! the last good version. Bindings say here what they think; the refresher, who saves and reports, waits for the outcome.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use crate::{Rejection, last_good::Earlier};

/// A program that has bound nothing by then is taken to agree with everything.
const UNTIL_BOUND: Duration = Duration::from_secs(3);

/// Sections are bound one after the other; when none has come for so long, all of them are.
const AFTER_BINDING: Duration = Duration::from_secs(1);

/// Who may still refuse, and who did.
pub(crate) struct Trial(watch::Sender<State>);

struct State {
    /// When it ends, unless somebody binds; `None` once it is over.
    until: Option<Instant>,
    /// Bindings under way.
    binding: usize,
    /// What can be stepped back to.
    last_good: Option<Arc<Earlier>>,
    refusal: Option<Refusal>,
    /// How often there was something to do for the refresher, and how much of it was done.
    news: u64,
    acted: u64,
}

/// A version that a binding refused when it ran already. The first refusal stays until there is another version.
#[derive(Clone)]
pub(crate) struct Refusal {
    pub(crate) rejection: Rejection,
    pub(crate) by: Refuser,
    /// The version that was refused.
    pub(crate) version: Option<String>,
    /// What runs instead.
    pub(crate) instead: Option<Arc<Earlier>>,
    prefix: String,
}

/// What refused a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refuser {
    /// A section, which is asked again about every version.
    Section,
    /// A value that was read once.
    Value,
}

/// Where a trial stands.
pub(crate) struct Outcome {
    pub(crate) refusal: Option<Refusal>,
    pub(crate) is_over: bool,
    news: u64,
}

/// A binding under way, which may end in a refusal; the trial does not end before it.
pub(crate) struct Underway<'t>(&'t Trial);

impl Trial {
    pub(crate) fn new(last_good: Option<Arc<Earlier>>) -> Self {
        Self(watch::Sender::new(State {
            until: Some(Instant::now() + UNTIL_BOUND),
            binding: 0,
            last_good,
            refusal: None,
            news: 0,
            acted: 0,
        }))
    }

    /// Somebody begins to bind.
    pub(crate) fn begin(&self) -> Underway<'_> {
        self.0.send_modify(|state| state.binding += 1);
        Underway(self)
    }

    /// What can be stepped back to, if it is another version than this one.
    pub(crate) fn last_good(&self, version: Option<&str>) -> Option<Arc<Earlier>> {
        let last_good = self.0.borrow().last_good.clone();
        last_good.filter(|earlier| earlier.snapshot.version() != version)
    }

    /// What runs does not fit. Returns whether that is news.
    pub(crate) fn refuse(
        &self,
        version: Option<&str>,
        prefix: &str,
        rejection: &Rejection,
        by: Refuser,
    ) -> bool {
        self.0.send_if_modified(|state| {
            // Later on, a value that is read once is a question of its moment, and nothing runs by it.
            let counts = by == Refuser::Section || state.until.is_some();
            if state.refusal.is_some() || !counts {
                return false;
            }
            state.refusal = Some(Refusal {
                rejection: rejection.clone(),
                by,
                version: version.map(str::to_owned),
                instead: None,
                prefix: prefix.to_owned(),
            });
            state.news += 1;
            true
        })
    }

    /// The last good version runs instead of the refused one.
    pub(crate) fn step_back(&self, instead: &Arc<Earlier>) {
        self.0.send_modify(|state| {
            if let Some(refusal) = &mut state.refusal {
                refusal.instead = Some(Arc::clone(instead));
            }
            state.last_good = None;
            state.news += 1;
        });
    }

    /// What runs fits after all those who refused it.
    pub(crate) fn agree(&self, prefix: &str) {
        self.0.send_if_modified(|state| {
            let is_mended =
                |refusal: &Refusal| refusal.instead.is_none() && refusal.prefix == prefix;
            let mended = state
                .refusal
                .take_if(|refusal| is_mended(refusal))
                .is_some();
            state.news += u64::from(mended);
            mended
        });
    }

    /// This version runs now, with the consent of all that is bound; only what was not asked may still refuse it.
    pub(crate) fn forget_others(&self, version: Option<&str>) {
        let is_over = |refusal: &mut Refusal| {
            refusal.instead.is_some() || refusal.version.as_deref() != version
        };
        self.0
            .send_modify(|state| drop(state.refusal.take_if(is_over)));
    }

    /// Where it stands, for the refresher.
    pub(crate) fn outcome(&self) -> Outcome {
        let state = self.0.borrow();
        Outcome {
            refusal: state.refusal.clone(),
            is_over: state.until.is_none(),
            news: state.news,
        }
    }

    /// Waits until there is something to do for the refresher.
    pub(crate) async fn news(&self) {
        let mut changed = self.0.subscribe();
        loop {
            let end = {
                let state = changed.borrow_and_update();
                match state.binding {
                    0 if state.news > state.acted => return,
                    0 => state.until,
                    _ => None,
                }
            };
            tokio::select! {
                // The sender is ours.
                _ = changed.changed() => {}
                () = at(end) => self.end(),
            }
        }
    }

    /// Nothing more is bound before the program runs.
    pub(crate) fn end(&self) {
        self.0.send_if_modified(|state| {
            let ends = state.until.is_some() && state.binding == 0;
            if ends {
                state.until = None;
                state.last_good = None;
                state.news += 1;
                // Who read it and goes on can live without.
                let lives = |refusal: &mut Refusal| {
                    refusal.by == Refuser::Value && refusal.instead.is_none()
                };
                state.refusal.take_if(lives);
            }
            ends
        });
    }

    /// The refresher has acted on this.
    pub(crate) fn acted(&self, on: &Outcome) {
        self.0.send_modify(|state| state.acted = on.news);
    }

    /// Waits until the refresher has acted on all refusals.
    pub(crate) async fn quiet(&self) {
        // The sender is ours.
        let mut changed = self.0.subscribe();
        _ = changed.wait_for(|state| state.acted == state.news).await;
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| {
            state.binding -= 1;
            if state.until.is_some() {
                state.until = Some(Instant::now() + AFTER_BINDING);
            }
        });
    }
}

async fn at(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}
