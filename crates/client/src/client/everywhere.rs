use confbus_bus::{Message, PublishError};
use confbus_protocol::Destination;

use super::Client;
use crate::transport::refresh_event;

/// Why others were not told to look again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TellError {
    /// The settings name no broker, and nothing else carries events from here.
    #[error("this client has no bus to tell others on")]
    NoBus,
    /// The broker did not take the event, or nobody knows whether it did.
    #[error("{reason}")]
    NotPublished {
        /// What is wrong.
        reason: String,
        /// Whether the same call may succeed later; an event that arrives twice does no harm.
        is_transient: bool,
    },
}

impl Client {
    /// Tells applications on the bus to look again: what `POST /actuator/busrefresh/{destination}` does.
    ///
    /// The destination is a bus id, or the beginning of one (`orders`, `orders:dev`), with `*` and `**`; an empty one means
    /// everybody. When it means us we look, too, and do not wait for it.
    ///
    /// # Errors
    /// [`TellError`] unless the broker confirmed the event.
    pub async fn refresh_everywhere(&self, destination: &str) -> Result<(), TellError> {
        let bus = self.alive.bus.as_ref().ok_or(TellError::NoBus)?;
        let destination = match destination {
            "" => Destination::everyone(),
            named => Destination::complete(named),
        };
        let message = Message::of(refresh_event(self.bus_id(), &destination));
        bus.publish(&message).await?;
        // Our own event is not acted on when it comes back.
        if let Some(bell) = &self.alive.bell
            && destination.matches(self.bus_id())
        {
            bell.ring();
        }
        Ok(())
    }

    /// A client without servers on a bus.
    #[cfg(all(test, feature = "axum"))]
    pub(crate) fn on(bus: confbus_bus::Bus) -> Self {
        let member = confbus_protocol::Member {
            id: confbus_protocol::BusId::new("test:0:0").expect("it is a valid one"),
            config_names: Vec::new(),
        };
        let mut client = Self::detached(&confbus_protocol::Environment::default(), member);
        std::sync::Arc::get_mut(&mut client.alive)
            .expect("nobody else has it yet")
            .bus = Some(bus);
        client
    }

    /// Whether [`refresh_everywhere`](Self::refresh_everywhere) has a bus to tell others on.
    #[must_use]
    pub fn has_bus(&self) -> bool {
        self.alive.bus.is_some()
    }
}

impl From<PublishError> for TellError {
    fn from(error: PublishError) -> Self {
        Self::NotPublished {
            reason: error.to_string(),
            is_transient: error.is_transient(),
        }
    }
}
