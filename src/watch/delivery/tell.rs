//! From new files to a program that lives with them.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::timeout;
use url::Position;

use super::{Delivery, Failure, State};
use crate::{
    cli::OnChange,
    watch::{
        candidate::Candidate,
        command, others,
        process::{Phase, Program, ended},
        say::{count, list, short},
    },
};

/// Between two questions whether a program is ready.
const READY_PAUSE: Duration = Duration::from_millis(250);

impl Delivery {
    /// Tells the program, and says what was done.
    pub(super) async fn tell(
        &self,
        state: &State,
        next: &Candidate,
        variables: &BTreeMap<String, String>,
        mut done: Vec<String>,
    ) -> Result<(), Failure> {
        let asked = if state.taken.is_none() && self.has_nobody_to_signal() {
            None
        } else {
            self.ask(variables, self.is_untold()).await?
        };
        if let Some(taken) = &state.taken {
            let keys = taken.keys_changed(next);
            done.insert(
                0,
                format!("{} changed: {}", count(keys.len(), "key"), list(&keys)),
            );
            done.extend(asked);
            self.say(format!("{}  {}", short(next.version()), done.join("; ")));
            if self.plan.on_change == OnChange::Nothing {
                return Ok(());
            }
        }
        self.confirm(variables).await
    }

    /// A process that comes later reads the files when it starts.
    fn has_nobody_to_signal(&self) -> bool {
        let file = self.plan.pid_file.as_ref();
        file.is_some_and(|file| !file.exists())
    }

    /// Starts the program or does what is to be done at a change; tells what was done.
    ///
    /// `may_be_down`: it ended because of what it was told, so it is brought back.
    pub(super) async fn ask(
        &self,
        variables: &BTreeMap<String, String>,
        may_be_down: bool,
    ) -> Result<Option<String>, Failure> {
        match (&self.program, &self.plan.on_change) {
            (Some(program), _) if program.phase() == Phase::NotStarted => {
                let pid = start(program, variables)?;
                self.say(format!("started {} (pid {pid})", program.name()));
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
            (program, OnChange::Signal(signal)) => {
                let sent = match (&self.plan.pid_file, program) {
                    (Some(file), _) => others::signal(file, signal.signal),
                    (None, Some(program)) => program.signal(signal.signal),
                    (None, None) => return Ok(None),
                };
                let name = signal.name;
                sent.map_err(|error| Failure::Untold(format!("{name} not sent: {error}")))?;
                Ok(Some(format!("{name} sent")))
            }
            (_, OnChange::Post(url)) => {
                let told = others::post(url, self.plan.ready_timeout).await;
                // A query may hold a token, and what failed is shown to whoever sees the fleet.
                let shown = &url[..Position::AfterPath];
                told.map_err(|error| Failure::Untold(format!("`POST {shown}` failed: {error}")))?;
                Ok(Some(format!("`POST {shown}` done")))
            }
            (_, OnChange::Command(line)) => {
                let told = command::run(line, variables, self.plan.ready_timeout).await;
                told.map_err(|failure| Failure::Untold(format!("`{line}` {failure}")))?;
                Ok(Some(format!("`{line}` done")))
            }
            (None, OnChange::Restart) | (_, OnChange::Nothing) => Ok(None),
        }
    }

    /// Waits until the program has shown that it lives with what it was told.
    pub(super) async fn confirm(
        &self,
        variables: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
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
        tokio::select! {
            // An end with success is no failure: it had all it needed.
            status = program.ended() => return if status.success() {
                Ok(())
            } else {
                Err(Failure::Untold(format!("{} ended ({}) when it was told", program.name(), ended(status))))
            },
            confirmed = timeout(within + READY_PAUSE, ready) => if confirmed.is_ok() {
                return Ok(());
            },
        }
        Err(Failure::Untold(format!(
            "{} is not ready after {within:?}: {why}",
            program.name()
        )))
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
