//! The client for programs without a runtime: it brings one thread of its own.
//!
//! ```no_run
//! use std::time::Duration;
//! use confbus_client::{Live, Settings, blocking::{self, Client}};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect(Settings::from_env()?)?;
//! let limit: Live<u32> = client.bind("orders.limit").live()?;
//! loop {
//!     if let Some(change) = blocking::wait_for_change(&limit, Duration::from_secs(60)) {
//!         println!("{} -> {}", change.old, change.new);
//!     }
//!     println!("at most {} open orders", *limit.load());
//! }
//! # }
//! ```
//!
//! [`Live`] is the same as elsewhere: reads take no lock and do not care about runtimes. Nothing here panics inside of a
//! runtime, but it would block one of its threads.

use std::{error::Error, sync::mpsc, thread, time::Duration};

use serde::de::DeserializeOwned;

use crate::{
    Binding, BusId, Change, ChangeSet, ConnectError, Health, Live, RefreshError, Settings, Snapshot,
};

mod wait;

use wait::wait_within;

/// A handle on the live configuration of one application, as [`crate::Client`], for threads.
///
/// Cheap to clone. Its thread ends when the last handle and the last [`Live`] are dropped.
#[derive(Debug, Clone)]
pub struct Client(crate::Client);

/// Tells every change of any key. Made by [`Client::changes`].
#[derive(Debug)]
pub struct Changes(crate::Changes);

impl Client {
    /// Fetches the configuration, and keeps it current from then on in a thread of its own.
    ///
    /// # Errors
    /// [`ConnectError`] as in [`crate::Client::connect`], and when there can be no further thread.
    pub fn connect(settings: Settings) -> Result<Self, ConnectError> {
        let (tell, told) = mpsc::sync_channel(1);
        thread::Builder::new()
            .name("confbus-client".to_owned())
            .spawn(move || run(settings, &tell))
            .map_err(|error| ConnectError::Thread(error.to_string()))?;
        told.recv()
            .unwrap_or_else(|_| Err(ConnectError::Thread("it ended at once".to_owned())))
    }

    /// As [`crate::Client::bind`].
    pub fn bind<T: DeserializeOwned>(&self, prefix: &str) -> Binding<T> {
        self.0.bind(prefix)
    }

    /// As [`crate::Client::bind_with`].
    pub fn bind_with<T, E, F>(&self, build: F) -> Binding<T>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
        F: Fn(&Snapshot) -> Result<T, E> + Send + Sync + 'static,
    {
        self.0.bind_with(build)
    }

    /// The configuration that is running, to hold through a unit of work.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }

    /// How the configuration came to be, and what stands in the way of a newer one.
    #[must_use]
    pub fn health(&self) -> Health {
        self.0.health()
    }

    /// By what this instance is known on the bus.
    #[must_use]
    pub fn bus_id(&self) -> &BusId {
        self.0.bus_id()
    }

    /// Looks again now, and returns the keys that moved, sorted. Waits until the servers have
    /// answered, in the times that the settings give them, and everything bound has agreed: probes have times of their own,
    /// checks take as long as they take. A check must not call this: it runs on the thread that it would wait for.
    ///
    /// # Errors
    /// [`RefreshError`] when the configuration stays as it was because nobody answered or somebody refused.
    pub fn refresh(&self) -> Result<Vec<String>, RefreshError> {
        // The client's own limits end it; this one never does.
        wait_within(self.0.refresh(), Duration::MAX).unwrap_or(Err(RefreshError::Stopped))
    }

    /// As [`crate::Client::leave`].
    pub fn leave(&self) {
        // It ends by itself.
        wait_within(self.0.leave(), Duration::MAX);
    }

    /// Every change of any key from now on.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes(self.0.changes())
    }

    /// The same client for code that has a runtime.
    #[must_use]
    pub fn handle(&self) -> &crate::Client {
        &self.0
    }
}

impl Changes {
    /// Waits for the next accepted version that changes a key: `None` when none comes in time, or the client is gone.
    ///
    /// Whoever comes late gets everything since the last call as one change, so nothing is lost.
    pub fn next(&mut self, within: Duration) -> Option<ChangeSet> {
        wait_within(self.0.next(), within).flatten()
    }
}

/// Waits until the value is another than this handle told last, as [`Live::changed`]; `None` when that takes longer.
pub fn wait_for_change<T: PartialEq>(live: &Live<T>, within: Duration) -> Option<Change<T>> {
    wait_within(live.changed(), within)
}

/// The thread: a runtime for as long as anybody holds the client.
fn run(settings: Settings, tell: &mpsc::SyncSender<Result<Client, ConnectError>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            _ = tell.send(Err(ConnectError::Thread(error.to_string())));
            return;
        }
    };
    runtime.block_on(async {
        let connected = crate::Client::connect(settings).await;
        let changes = connected.as_ref().ok().map(crate::Client::changes);
        // Fails only when the caller's thread is gone, and then so is the client.
        _ = tell.send(connected.map(Client));
        if let Some(mut changes) = changes {
            while changes.next().await.is_some() {}
        }
    });
}
