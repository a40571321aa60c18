//! From a version to new files in the place of the old ones.

use std::{collections::BTreeMap, io, time::Instant};

use super::{Delivery, Failure, State};
use crate::watch::{
    candidate::Candidate,
    command,
    files::{self, Staged},
    plan::check_line,
    say::{count, say_about, short},
};

impl Delivery {
    /// Everything up to the new files being in place.
    pub(super) async fn write(
        &self,
        state: &mut State,
        next: &Candidate,
        variables: &BTreeMap<String, String>,
    ) -> Result<Vec<String>, Failure> {
        let mut done = Vec::new();
        let staged = self.stage(next).await?;
        if let Some(check) = &self.plan.check {
            done.push(self.check(check, &staged, variables).await?);
        }
        self.replace(state, next, staged).await?;
        let files = self.plan.files();
        if state.taken.is_none() {
            let keys = count(next.len(), "key");
            let what = match files.as_str() {
                "" => keys,
                files => format!("{files} written ({keys})"),
            };
            say_about(
                &self.plan.title,
                format!("{}  {what}", short(next.version())),
            );
        } else if !files.is_empty() {
            done.push(format!("{files} replaced"));
        }
        Ok(done)
    }

    async fn check(
        &self,
        check: &str,
        staged: &Staged,
        variables: &BTreeMap<String, String>,
    ) -> Result<String, Failure> {
        let line = check_line(check, staged.paths());
        let begun = Instant::now();
        let checked = command::run(&line, variables, self.plan.check_timeout).await;
        checked.map_err(|failure| match failure {
            command::Failure::Refused { .. } => Failure::Refused(format!("check {failure}")),
            _ => Failure::Failed(format!("check {failure}")),
        })?;
        Ok(format!(
            "check passed in {:.1} s",
            begun.elapsed().as_secs_f32()
        ))
    }

    pub(super) async fn stage(&self, candidate: &Candidate) -> Result<Staged, Failure> {
        let outputs = self.plan.outputs.clone();
        let texts = outputs.iter().map(|output| {
            let environment = candidate.environment(output.format.reads_again());
            output.format.write(&environment)
        });
        let texts: Vec<_> = texts.collect::<Result<_, _>>().map_err(Failure::Refused)?;
        off_the_runtime(move || files::stage(&outputs, &texts)).await
    }

    /// Puts the new files in place, all of them or none.
    pub(super) async fn replace(
        &self,
        state: &mut State,
        next: &Candidate,
        staged: Staged,
    ) -> Result<(), Failure> {
        if self.is_leaving() {
            return Err(Failure::Failed("we were told to stop".to_owned()));
        }
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
}

async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, files::FileError> + Send + 'static,
) -> Result<T, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| failed(&io::Error::from(error)))?
        .map_err(|error| failed(&error))
}
