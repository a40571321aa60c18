//! One version on its way to files and program: staged, checked, put in place, told, confirmed.

use std::{
    collections::BTreeMap,
    io,
    process::ExitStatus,
    time::{Duration, Instant},
};

use confbus_client::Rejection;
use tokio::{
    sync::{Mutex, watch},
    time::timeout,
};

use super::{
    candidate::Candidate,
    command,
    files::{self, Staged},
    plan::{Plan, check_line},
    process::{Phase, Program, ended},
    say::{count, list, say, short},
};
use crate::cli::OnChange;

/// Between two questions whether a program is ready.
const READY_PAUSE: Duration = Duration::from_millis(250);

/// The only one who writes files and tells the program.
pub(super) struct Delivery {
    pub(super) plan: Plan,
    pub(super) program: Option<Program>,
    state: Mutex<State>,
    /// How often in a row a version was put in place that the program did not take.
    untold: watch::Sender<u32>,
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
    /// It was tried before; nothing happened now.
    Again(String),
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
    pub(super) fn new(plan: Plan) -> Self {
        let line = plan.program.clone();
        Self {
            program: (!line.is_empty()).then(|| Program::new(line, plan.max_wait)),
            plan,
            state: Mutex::default(),
            untold: watch::Sender::new(0),
        }
    }

    /// Delivers a version, or keeps what was there and says why.
    pub(super) async fn deliver(&self, next: &Candidate) -> Result<(), Rejection> {
        let mut state = self.state.lock().await;
        let Err(failure) = self.attempt(&mut state, next).await else {
            state.said = None;
            self.untold.send_replace(0);
            return Ok(());
        };
        let reason = next.snapshot.redacted(failure.reason());
        let then = self.after(&mut state, next, failure, &reason).await;
        let line = format!("{}  {reason}", short(next.version()));
        if let Some(then) = then
            && state.said.as_ref() != Some(&line)
        {
            say(&line);
            say(then);
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
                return Err(Failure::Again(reason.clone()));
            }
            let variables = self.variables(next)?;
            let mut steps = Vec::new();
            if !is_same(&state.written) {
                steps = self.write(state, next, &variables).await?;
            }
            self.tell(state, next, &variables, steps).await?;
        }
        state.taken = Some(next.clone());
        state.refused = None;
        Ok(())
    }

    /// What a failure leaves behind; tells what happens next, unless that is known.
    async fn after(
        &self,
        state: &mut State,
        next: &Candidate,
        failure: Failure,
        reason: &str,
    ) -> Option<String> {
        let taken = state.taken.clone();
        let still = || match &taken {
            Some(taken) => format!("still on {}", short(taken.version())),
            None => "nothing was delivered".to_owned(),
        };
        match failure {
            Failure::Again(_) => None,
            Failure::Over(_) => Some(still()),
            Failure::Refused(_) => {
                state.refused = Some((next.clone(), reason.to_owned()));
                Some(format!("{}; will look again at the next commit", still()))
            }
            Failure::Failed(_) => Some(format!("{}; will try again", still())),
            Failure::Untold(_) => match (&taken, self.plan.restore) {
                // It is better started anew by whoever started us.
                (None, _) if self.program.is_some() => Some(still()),
                (Some(old), true) => match self.restore(state, old).await {
                    Ok(()) => {
                        state.refused = Some((next.clone(), reason.to_owned()));
                        self.untold.send_replace(0);
                        Some(format!("{} put back; {}", self.plan.files(), still()))
                    }
                    Err(failure) => Some(self.try_again(failure.reason())),
                },
                _ => Some(self.try_again("not confirmed")),
            },
        }
    }

    fn try_again(&self, why: &str) -> String {
        self.untold
            .send_modify(|failures| *failures = failures.saturating_add(1));
        format!("{why}; will try again in {:?}", self.pause())
    }

    /// Brings back what the program took last.
    async fn restore(&self, state: &mut State, old: &Candidate) -> Result<(), Failure> {
        let variables = self.variables(old)?;
        let staged = self.stage(old).await?;
        self.replace(state, old, staged).await?;
        self.ask(&variables, true).await?;
        self.confirm(&variables).await
    }

    fn variables(&self, candidate: &Candidate) -> Result<BTreeMap<String, String>, Failure> {
        if self.plan.env {
            candidate.variables().map_err(Failure::Refused)
        } else {
            Ok(BTreeMap::new())
        }
    }

    /// Everything up to the new files being in place.
    async fn write(
        &self,
        state: &mut State,
        next: &Candidate,
        variables: &BTreeMap<String, String>,
    ) -> Result<Vec<String>, Failure> {
        let mut steps = Vec::new();
        let staged = self.stage(next).await?;
        if let Some(check) = &self.plan.check {
            let line = check_line(check, staged.paths());
            let begun = Instant::now();
            let checked = command::run(&line, variables, self.plan.check_timeout).await;
            checked.map_err(|failure| match failure {
                command::Failure::Refused { .. } => Failure::Refused(format!("check {failure}")),
                _ => Failure::Failed(format!("check {failure}")),
            })?;
            steps.push(format!(
                "check passed in {:.1} s",
                begun.elapsed().as_secs_f32()
            ));
        }
        self.replace(state, next, staged).await?;
        if !self.plan.outputs.is_empty() {
            steps.push(format!("{} replaced", self.plan.files()));
        }
        Ok(steps)
    }

    async fn stage(&self, candidate: &Candidate) -> Result<Staged, Failure> {
        let outputs = self.plan.outputs.clone();
        let texts = outputs.iter().map(|output| {
            let environment = candidate.environment(output.format.reads_again());
            output.format.write(&environment)
        });
        let texts: Vec<_> = texts.collect::<Result<_, _>>().map_err(Failure::Refused)?;
        off_the_runtime(move || files::stage(&outputs, &texts)).await
    }

    /// Puts the new files in place, all of them or none.
    async fn replace(
        &self,
        state: &mut State,
        next: &Candidate,
        staged: Staged,
    ) -> Result<(), Failure> {
        let old = state.written.take();
        let Err(failure) = off_the_runtime(move || staged.replace()).await else {
            state.written = Some(next.clone());
            return Ok(());
        };
        // Some may be replaced already. What is written stays unknown unless all can be brought back.
        if let Some(old) = old
            && let Ok(staged) = self.stage(&old).await
            && off_the_runtime(move || staged.replace()).await.is_ok()
        {
            state.written = Some(old);
        }
        Err(failure)
    }

    /// Tells the program, and says what was done.
    async fn tell(
        &self,
        state: &State,
        next: &Candidate,
        variables: &BTreeMap<String, String>,
        mut steps: Vec<String>,
    ) -> Result<(), Failure> {
        let version = short(next.version());
        match &state.taken {
            None => say(format!(
                "{} {version}  {}",
                self.plan.title,
                self.first(next)
            )),
            Some(taken) => {
                let keys = taken.keys_changed(next);
                steps.insert(
                    0,
                    format!("{} changed: {}", count(keys.len(), "key"), list(&keys)),
                );
            }
        }
        let asked = self.ask(variables, self.is_untold()).await;
        if let Ok(done) = &asked
            && state.taken.is_some()
        {
            steps.extend(done.clone());
            say(format!("{version}  {}", steps.join("; ")));
        }
        asked?;
        if state.taken.is_some() && self.plan.on_change == OnChange::Nothing {
            return Ok(());
        }
        self.confirm(variables).await
    }

    fn first(&self, next: &Candidate) -> String {
        let keys = count(next.len(), "key");
        if self.plan.outputs.is_empty() {
            keys
        } else {
            format!("{} written ({keys})", self.plan.files())
        }
    }

    /// Starts the program or does what is to be done at a change; tells what was done.
    ///
    /// `may_be_down`: it ended because of what it was told, so it is brought back.
    async fn ask(
        &self,
        variables: &BTreeMap<String, String>,
        may_be_down: bool,
    ) -> Result<Option<String>, Failure> {
        match (&self.program, &self.plan.on_change) {
            (Some(program), _) if program.phase() == Phase::NotStarted => {
                let pid = start(program, variables)?;
                say(format!("started {} (pid {pid})", program.name()));
                Ok(None)
            }
            (Some(program), OnChange::Restart) => match program.phase() {
                Phase::Ended(status) if !may_be_down => Err(Failure::Over(format!(
                    "{} has ended ({})",
                    program.name(),
                    ended(status)
                ))),
                _ => {
                    program.stop().await;
                    start(program, variables)?;
                    Ok(Some(format!("restarted {}", program.name())))
                }
            },
            (Some(program), OnChange::Signal(signal)) => match program.signal(signal.signal) {
                Ok(()) => Ok(Some(format!("{} sent", signal.name))),
                Err(error) => Err(Failure::Untold(format!(
                    "{} not sent: {error}",
                    signal.name
                ))),
            },
            (_, OnChange::Command(line)) => {
                let told = command::run(line, variables, self.plan.ready_timeout).await;
                told.map_err(|failure| Failure::Untold(format!("`{line}` {failure}")))?;
                Ok(Some(format!("`{line}` done")))
            }
            (None, OnChange::Restart | OnChange::Signal(_)) | (_, OnChange::Nothing) => Ok(None),
        }
    }

    /// Waits until the program has shown that it lives with what it was told.
    async fn confirm(&self, variables: &BTreeMap<String, String>) -> Result<(), Failure> {
        let Some(program) = &self.program else {
            return Ok(());
        };
        let within = match &self.plan.ready {
            Some(_) => self.plan.ready_timeout,
            None => self.plan.settle,
        };
        let mut why = String::new();
        let ready = async {
            match &self.plan.ready {
                Some(line) => until_ready(line, variables, within, &mut why).await,
                None => tokio::time::sleep(within).await,
            }
        };
        let outcome = tokio::select! {
            status = program.ended() => Err(format!("{} ended ({}) when it was told", program.name(), ended(status))),
            confirmed = timeout(within + READY_PAUSE, ready) => confirmed.map_err(|_| String::new()),
        };
        outcome.map_err(|reason| {
            Failure::Untold(if reason.is_empty() {
                format!("{} is not ready after {within:?}: {why}", program.name())
            } else {
                reason
            })
        })
    }

    /// Whether a version is in place that the program did not take.
    pub(super) fn is_untold(&self) -> bool {
        *self.untold.borrow() > 0
    }

    /// Waits until there is such a version, and then until it is time to try again.
    pub(super) async fn time_to_try_again(&self) {
        // The sender is ours.
        _ = self
            .untold
            .subscribe()
            .wait_for(|failures| *failures > 0)
            .await;
        tokio::time::sleep(self.pause()).await;
    }

    fn pause(&self) -> Duration {
        let doublings = self.untold.borrow().saturating_sub(1).min(6);
        Duration::from_secs(1 << doublings)
    }

    pub(super) async fn has_delivered(&self) -> bool {
        self.state.lock().await.taken.is_some()
    }

    /// Waits until the program has ended for good: nobody is about to start it again.
    pub(super) async fn over(&self) -> ExitStatus {
        let Some(program) = &self.program else {
            return std::future::pending().await;
        };
        loop {
            program.ended().await;
            // A delivery under way may be about to start it.
            let _nobody_delivers = self.state.lock().await;
            if let Phase::Ended(status) = program.phase()
                && (program.is_leaving() || !self.will_start())
            {
                return status;
            }
            drop(_nobody_delivers);
            program.running().await;
        }
    }

    fn will_start(&self) -> bool {
        self.is_untold() && self.plan.on_change == OnChange::Restart
    }
}

impl Failure {
    fn reason(&self) -> &str {
        match self {
            Self::Again(reason)
            | Self::Refused(reason)
            | Self::Failed(reason)
            | Self::Untold(reason)
            | Self::Over(reason) => reason,
        }
    }
}

fn start(program: &Program, variables: &BTreeMap<String, String>) -> Result<String, Failure> {
    match program.start(variables) {
        Ok(pid) => Ok(pid.as_raw_nonzero().to_string()),
        Err(error) => Err(Failure::Untold(format!(
            "{} could not be started: {error}",
            program.name()
        ))),
    }
}

/// Asks again and again; the caller knows when to stop. `why` is what was said last.
async fn until_ready(
    line: &str,
    variables: &BTreeMap<String, String>,
    within: Duration,
    why: &mut String,
) {
    while let Err(failure) = command::run(line, variables, within).await {
        *why = format!("`{line}` {failure}");
        tokio::time::sleep(READY_PAUSE).await;
    }
}

async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, files::FileError> + Send + 'static,
) -> Result<T, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| failed(&io::Error::from(error)))?
        .map_err(|error| failed(&error))
}
