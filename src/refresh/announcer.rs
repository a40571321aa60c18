use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use confbus_bus::{Bus, Message};
use confbus_protocol::{BusEvent, CommitId, Destination, EventKind, Member};
use tracing::{debug, info, warn};

use super::{RefreshError, concerned::concerned, destinations::common_commit, outage::Outage};
use crate::{
    environment_repository::{EnvironmentRepository, Moved},
    look::Trigger,
};

/// Publishes events, and keeps in mind who could not be told.
pub(super) struct Announcer {
    repository: EnvironmentRepository,
    pub(super) bus: Bus,
    pub(super) member: Member,
    outage: Mutex<Outage>,
}

impl Announcer {
    pub(super) fn new(repository: EnvironmentRepository, bus: Bus, member: Member) -> Self {
        Self {
            repository,
            bus,
            member,
            outage: Mutex::default(),
        }
    }

    /// Tells those whose configuration is different since labels moved.
    pub(super) async fn moved(&self, trigger: Trigger, moved: Vec<Moved>) {
        if moved.is_empty() {
            return;
        }
        let commit = common_commit(&moved);
        let concerned = concerned(self.repository.clone(), moved, []).await;
        for destination in &concerned.destinations {
            self.tell(destination, commit).await;
        }
    }

    /// Tells those whose names were guessed, whatever moved.
    pub(super) async fn guessed(&self, moved: &[Moved], names: &[String]) {
        for name in names {
            self.tell(&Destination::complete(name), None).await;
        }
    }

    /// Tells a destination to look again, for somebody who waits to hear whether that worked.
    pub(super) async fn refresh(
        &self,
        destination: &Destination,
        moved: &[Moved],
    ) -> Result<(), RefreshError> {
        self.publish(destination, None).await
    }

    /// Makes up for events that the bus lost or did not take.
    pub(super) async fn make_up(&self) {
        let due = self.outage().due(&self.bus.status(), Instant::now());
        for destination in due {
            self.tell(&destination, None).await;
        }
    }

    /// The bus says that events may have been lost.
    pub(super) fn interrupted(&self) {
        let status = self.bus.status();
        self.outage().interrupted(&status, Instant::now());
    }

    /// What does not get out is made up for.
    async fn tell(&self, destination: &Destination, commit: Option<CommitId>) {
        let Err(error) = self.publish(destination, commit).await else {
            return;
        };
        if self.outage().missed(destination) {
            warn!(%destination, %error, "clients hear of this when the bus takes events again");
        } else {
            debug!(%destination, %error, "clients hear of this, too, when the bus takes events again");
        }
    }

    /// `commit` tells a client that runs it already that it need not ask.
    async fn publish(
        &self,
        destination: &Destination,
        commit: Option<CommitId>,
    ) -> Result<(), RefreshError> {
        let event = BusEvent::refresh(new_id(), now(), &self.member.id, destination);
        let commit = commit.map(|commit| commit.to_string());
        info!(event.id = event.id, %destination, version = commit, "refresh event");
        self.send(Message { event, commit }).await?;
        self.outage().told(destination, Instant::now());
        Ok(())
    }

    async fn send(&self, message: Message) -> Result<(), RefreshError> {
        let published = self.bus.publish(&message).await;
        published.map_err(|error| RefreshError::Bus(error.to_string()))
    }

    pub(super) async fn ack(&self, kind: EventKind) {
        let event = BusEvent {
            id: new_id(),
            origin_service: self.member.id.as_str().to_owned(),
            destination_service: Some(Destination::everyone().as_str().to_owned()),
            timestamp: now(),
            kind,
        };
        let message = Message {
            event,
            commit: None,
        };
        if let Err(error) = self.send(message).await {
            debug!(%error, "no ack was sent");
        }
    }

    /// Never held across a wait.
    fn outage(&self) -> MutexGuard<'_, Outage> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
