use std::{sync::Arc, time::Duration};

use confbus_protocol::Environment;
use tokio::task::JoinHandle;
use tracing::warn;

use super::LastGood;
use crate::{error::LastGoodError, health::Board};

/// A disk that takes longer hangs, and nobody looks for a newer version meanwhile.
const WITHIN: Duration = Duration::from_secs(5);

/// Writes the last good file off the runtime's threads. A failure is shown, and stops nothing.
pub(crate) struct Saver {
    file: LastGood,
    board: Arc<Board>,
    /// What did not end in time; nothing else is written before it does.
    hanging: Option<Writing>,
    failures: u32,
}

type Writing = JoinHandle<Result<(), LastGoodError>>;

impl Saver {
    pub(crate) fn new(file: LastGood, board: Arc<Board>) -> Self {
        Self {
            file,
            board,
            hanging: None,
            failures: 0,
        }
    }

    /// How often in a row the file was not written.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    pub(crate) async fn save(&mut self, environment: &Arc<Environment>) {
        let (file, environment) = (self.file.clone(), Arc::clone(environment));
        let saved = self.within(WITHIN, move || file.save(&environment)).await;
        let problem = saved.err().map(|error| error.to_string());
        self.failures = match &problem {
            Some(_) => self.failures.saturating_add(1),
            None => 0,
        };
        let before = self
            .board
            .change(|health| health.last_good_file.clone_from(&problem));
        if let Some(problem) =
            problem.filter(|problem| before.last_good_file.as_ref() != Some(problem))
        {
            warn!(problem, "the last good file was not written");
        }
    }

    async fn within(
        &mut self,
        limit: Duration,
        write: impl FnOnce() -> Result<(), LastGoodError> + Send + 'static,
    ) -> Result<(), LastGoodError> {
        let hangs = |_| self.file.unusable("the disk does not answer".to_owned());
        let limited = tokio::time::timeout(limit, async {
            if let Some(hanging) = &mut self.hanging {
                // What it wrote is old.
                _ = hanging.await;
            }
            let writing = self.hanging.insert(tokio::task::spawn_blocking(write));
            let written = writing.await;
            self.hanging = None;
            written
        });
        let stopped = |_| Err(self.file.unusable("its writer was stopped".to_owned()));
        limited.await.map_err(hangs)?.unwrap_or_else(stopped)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::{LastGoodFile, Settings, health::Source};

    #[tokio::test]
    async fn a_disk_that_hangs_holds_nobody_up() {
        let (coordinates, ..) = Settings::new("orders").checked().unwrap();
        let file = LastGood::new(&LastGoodFile::new("/nowhere"), &coordinates);
        let mut saver = Saver::new(file, Arc::new(Board::new(Source::Server, None)));
        let (release, released) = mpsc::channel::<()>();
        let soon = Duration::from_millis(20);
        let hanging = move || {
            _ = released.recv();
            Ok(())
        };
        saver.within(soon, hanging).await.unwrap_err();
        let too_early = || -> Result<(), LastGoodError> { unreachable!("the first one hangs") };
        saver.within(soon, too_early).await.unwrap_err();
        drop(release);
        let long = Duration::from_secs(10);
        saver.within(long, || Ok(())).await.unwrap();
    }
}
