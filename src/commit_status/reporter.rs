use std::{
    collections::HashMap,
    future::pending,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::mpsc, time::sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{
    Settings,
    client::Client,
    pause::{self, MAX_TRIES},
    queue::{Due, Queue},
    trouble::Trouble,
};
use crate::{environment_repository::Judgement, ledger::Converged, refresh::Told};

/// Repositories whose troubles are remembered; with more, all are forgotten and told again.
const MAX_TROUBLED: usize = 1000;

/// Tells the host what becomes of commits, one after the other.
#[derive(Debug)]
pub(crate) struct Reporter {
    client: Client,
    judged: mpsc::Receiver<Judgement>,
    told: mpsc::Receiver<Told>,
    converged: mpsc::Receiver<Converged>,
    queue: Queue,
    /// What was wrong last time, by repository.
    troubles: HashMap<Arc<str>, String>,
}

impl Reporter {
    /// Hears how commits are, who is told of them, and what became of them.
    ///
    /// # Errors
    /// When TLS is wanted and this machine trusts nobody.
    pub(crate) fn new(
        settings: Settings,
        judged: mpsc::Receiver<Judgement>,
        told: mpsc::Receiver<Told>,
        converged: mpsc::Receiver<Converged>,
    ) -> Result<Self, String> {
        Ok(Self {
            client: Client::new(settings)?,
            judged,
            told,
            converged,
            queue: Queue::default(),
            troubles: HashMap::new(),
        })
    }

    /// Works until `shutdown`.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.work()).await;
    }

    async fn work(&mut self) {
        loop {
            let due = until(self.queue.next_due());
            tokio::select! {
                Some(judgement) = self.judged.recv() => self.queue.judged(judgement, Instant::now()),
                Some(told) = self.told.recv() => self.queue.told(&told, Instant::now()),
                Some(converged) = self.converged.recv() => self.queue.converged(converged, Instant::now()),
                () = due => self.say().await,
            }
        }
    }

    async fn say(&mut self) {
        if let Some(due) = self.queue.take(Instant::now()) {
            match self.client.tell(&due.status).await {
                Ok(()) => self.note_success(&due),
                Err(trouble) => self.note(&trouble, due),
            }
        }
    }

    fn note_success(&mut self, due: &Due) {
        let judgement = &due.status.judgement;
        let (repository, version) = (&judgement.repository, judgement.commit.short());
        debug!(%repository, version, "the host was told how the commit is");
        if self.troubles.remove(repository).is_some() {
            info!(%repository, "the host takes commit statuses again");
        }
    }

    /// Warns of what is new, and tries again what may pass.
    fn note(&mut self, trouble: &Trouble, due: Due) {
        let judgement = &due.status.judgement;
        let (repository, version) = (&judgement.repository, judgement.commit.short());
        let problem = trouble.to_string();
        if self.troubles.get(repository) != Some(&problem) {
            warn!(%repository, version, error = problem, "the host was not told how the commit is");
            if self.troubles.len() >= MAX_TROUBLED {
                self.troubles.clear();
            }
            self.troubles.insert(Arc::clone(repository), problem);
        }
        if !trouble.may_pass() || due.failures + 1 >= MAX_TRIES {
            debug!(%repository, version, "the host is not told any more how the commit is");
            return;
        }
        let now = Instant::now();
        let wish = trouble.wish().unwrap_or(Duration::ZERO);
        self.queue.rest(now + wish);
        let pause = pause::after(due.failures + 1).max(wish);
        self.queue.again(due, now + pause);
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time.into()).await,
        None => pending().await,
    }
}
