//! One version on its way to files and program: staged, checked, put in place, told, confirmed.

use std::{collections::BTreeMap, fmt::Display};

use confbus_client::Rejection;
use tokio::sync::{Mutex, watch};

use super::{
    candidate::Candidate,
    plan::Plan,
    process::Program,
    say::{say, say_about, short},
};

mod retry;
mod tell;
mod write;

/// The only one who writes files and tells the program.
pub(crate) struct Delivery {
    pub(crate) plan: Plan,
    pub(super) program: Option<Program>,
    state: Mutex<State>,
    failures: watch::Sender<retry::Failures>,
}

#[derive(Default)]
struct State {
    /// What the files hold.
    written: Option<Candidate>,
    /// What the program took.
    taken: Option<Candidate>,
    /// What will not be tried again, and why.
    refused: Option<(Candidate, String)>,
    /// The failure that was told, so that it is told once.
    said: Option<String>,
}

/// Why a version was not delivered.
enum Failure {
    /// It will always be so for these values. Everything is as it was.
    Refused(String),
    /// It may be better another time. Everything is as it was.
    Failed(String),
    /// The new files are in place, but the program did not take them.
    Untold(String),
    /// The program ended by itself, so nobody is there to be told.
    Over(String),
}

impl Delivery {
    pub(crate) fn new(plan: Plan) -> Self {
        let line = plan.program.clone();
        Self {
            program: (!line.is_empty()).then(|| Program::new(line, plan.max_wait)),
            plan,
            state: Mutex::default(),
            failures: watch::Sender::default(),
        }
    }

    /// Whether a failure was told, and no version was delivered since.
    pub(crate) async fn has_said_why(&self) -> bool {
        self.state.lock().await.said.is_some()
    }

    /// Delivers a version, or keeps what was there and says why.
    pub(super) async fn deliver(&self, next: &Candidate) -> Result<(), Rejection> {
        let mut state = self.state.lock().await;
        self.deliver_in_turn(&mut state, next).await
    }

    async fn deliver_in_turn(&self, state: &mut State, next: &Candidate) -> Result<(), Rejection> {
        let Err(failure) = self.attempt(state, next).await else {
            state.said = None;
            self.forget_failures();
            return Ok(());
        };
        let reason = next.snapshot.redacted(failure.reason());
        let then = self.after(state, next, failure, &reason).await;
        let line = format!("{}  {reason}", short(next.version()));
        if !self.is_leaving() && state.said.as_ref() != Some(&line) {
            self.say(&line);
            self.say(then);
            state.said = Some(line);
        }
        Err(Rejection::new(reason))
    }

    async fn attempt(&self, state: &mut State, next: &Candidate) -> Result<(), Failure> {
        let is_same = |there: &Option<Candidate>| there.as_ref() == Some(next);
        if !is_same(&state.taken) || !is_same(&state.written) {
            if let Some((refused, reason)) = &state.refused
                && refused == next
            {
                return Err(Failure::Refused(reason.clone()));
            }
            let variables = self.variables(next)?;
            let mut done = Vec::new();
            if !is_same(&state.written) {
                done = self.write(state, next, &variables).await?;
            }
            self.tell(state, next, &variables, done).await?;
        }
        state.taken = Some(next.clone());
        state.refused = None;
        Ok(())
    }

    /// Deals with what a failure leaves behind; tells what happens next.
    async fn after(
        &self,
        state: &mut State,
        next: &Candidate,
        failure: Failure,
        reason: &str,
    ) -> String {
        let taken = state.taken.clone();
        let still = || match &taken {
            Some(taken) => format!("still on {}", short(taken.version())),
            None => "nothing was delivered".to_owned(),
        };
        match failure {
            Failure::Over(_) => still(),
            Failure::Refused(_) => {
                state.refused = Some((next.clone(), reason.to_owned()));
                if !self.is_untold() {
                    self.forget_failures();
                }
                format!("{}; will look again at the next commit", still())
            }
            // It is better started anew by whoever started us.
            Failure::Failed(_)
                if taken.is_none() && !self.is_untold() && !self.plan.is_one_of_several =>
            {
                still()
            }
            Failure::Failed(_) => format!("{}; {}", still(), self.try_again()),
            Failure::Untold(_) => match (&taken, self.plan.restore) {
                (None, _) if self.program.is_some() => still(),
                (Some(old), true) => match self.restore(state, old).await {
                    Ok(()) => {
                        state.refused = Some((next.clone(), reason.to_owned()));
                        self.forget_failures();
                        format!("{} put back; {}", self.plan.files(), still())
                    }
                    Err(failure) => {
                        let reason = old.snapshot.redacted(failure.reason());
                        format!(
                            "{} not put back: {reason}; {}",
                            self.plan.files(),
                            self.tell_again()
                        )
                    }
                },
                _ => self.tell_again(),
            },
        }
    }

    /// Brings back what the program took last.
    async fn restore(&self, state: &mut State, old: &Candidate) -> Result<(), Failure> {
        let variables = self.variables(old)?;
        let staged = self.stage(old).await?;
        self.replace(state, old, staged).await?;
        self.ask(&variables, true).await?;
        self.confirm(&variables).await
    }

    /// Our line about it; one of several says which it is.
    pub(crate) fn say(&self, line: impl Display) {
        if self.plan.is_one_of_several {
            say_about(&self.plan.title, line);
        } else {
            say(line);
        }
    }

    /// Whether nothing is to be changed any more.
    fn is_leaving(&self) -> bool {
        self.program.as_ref().is_some_and(Program::is_leaving)
    }

    fn variables(&self, candidate: &Candidate) -> Result<BTreeMap<String, String>, Failure> {
        if self.plan.env {
            candidate.variables().map_err(Failure::Refused)
        } else {
            Ok(BTreeMap::new())
        }
    }
}

impl Failure {
    fn reason(&self) -> &str {
        match self {
            Self::Refused(reason)
            | Self::Failed(reason)
            | Self::Untold(reason)
            | Self::Over(reason) => reason,
        }
    }
}
