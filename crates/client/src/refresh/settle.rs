//! What becomes of the version that runs: accepted and saved, or declined, and told to the server that gave it.

use std::sync::Arc;

use confbus_protocol::{Outcome, Properties};

use super::{Declined, Refresher, Running};
use crate::{
    Rejection,
    fetch::Place,
    last_good::Saver,
    trial::{self, Refuser},
};

impl Refresher {
    /// The version that is known to run well here.
    pub(super) fn accepted(&self) -> Option<&str> {
        let version = self.running.environment.version.as_deref();
        version.filter(|_| self.is_accepted)
    }

    /// Tells the server that gave it that its version runs, once everybody agreed.
    pub(super) fn tell_applied(&self) {
        if self.is_accepted {
            let restart = self.parts.board.read().restart;
            let version = self.running.environment.version.as_deref();
            self.tell(self.running.place, version, Outcome::Applied { restart });
        }
    }

    pub(super) fn tell_rejected(
        &self,
        place: Option<Place>,
        version: Option<&str>,
        rejection: &Rejection,
    ) {
        let reason = rejection.to_string();
        self.tell(place, version, Outcome::Rejected { reason });
    }

    fn tell(&self, place: Option<Place>, version: Option<&str>, outcome: Outcome) {
        if let (Some(reporter), Some(place)) = (&self.parts.reporter, place) {
            reporter.tell(place, version, self.accepted(), outcome);
        }
    }

    /// Acts on what those who bind made of the running version.
    pub(super) async fn settle(&mut self) {
        let outcome = self.catch_up();
        if let Some(declined) = &self.declined {
            let version = declined.environment.version.as_deref();
            self.tell_rejected(declined.place, version, &declined.rejection);
        }
        if self.accept(&outcome).await {
            match &self.refused {
                // A newer one was refused meanwhile.
                Some((version, rejection)) => {
                    self.tell_rejected(self.running.place, version.as_deref(), rejection);
                }
                None => self.tell_applied(),
            }
        }
        self.parts.trial.acted(&outcome);
    }

    /// Learns what those who bind have done.
    pub(super) fn catch_up(&mut self) -> trial::Outcome {
        let outcome = self.parts.trial.outcome();
        let Some(refusal) = &outcome.refusal else {
            if self.declined.take().is_some() {
                self.refused = None;
                self.parts.board.change(|health| health.refused = None);
            }
            return outcome;
        };
        if self.declined.is_none() && refusal.version == self.running.environment.version {
            self.refused = Some((refusal.version.clone(), refusal.rejection.clone()));
            self.is_accepted = false;
            self.declined = Some(Declined {
                environment: Arc::clone(&self.running.environment),
                place: self.running.place,
                rejection: refusal.rejection.clone(),
                is_final: true,
            });
        }
        if let (Some(declined), Some(earlier)) = (&mut self.declined, &refusal.instead)
            && !Arc::ptr_eq(&self.running.environment, &earlier.environment)
        {
            declined.is_final = refusal.by == Refuser::Value;
            self.is_accepted = true;
            self.applied_overrides = Properties::new();
            self.running = Running {
                environment: Arc::clone(&earlier.environment),
                validator: None,
                place: None,
            };
        }
        outcome
    }

    /// Keeps what runs as the last good version, once nobody is left to refuse it. Returns whether it did.
    pub(super) async fn accept(&mut self, trial: &trial::Outcome) -> bool {
        let is_due = trial.is_over && !self.is_accepted && self.declined.is_none();
        if is_due {
            self.is_accepted = true;
            self.save().await;
        }
        is_due
    }

    pub(super) async fn save(&mut self) {
        if let Some(saver) = &mut self.parts.saver {
            saver.save(&self.running.environment).await;
        }
    }

    /// How often in a row what runs was not saved.
    pub(super) fn unsaved(&self) -> u32 {
        let saver = self.parts.saver.as_ref().filter(|_| self.is_accepted);
        saver.map_or(0, Saver::failures)
    }
}
