use std::{
    fmt,
    sync::{Arc, Weak},
};

use tokio::sync::Mutex;

use super::{
    failure::Failure,
    link::{Link, Role},
    settings::{Address, RabbitSettings},
};

/// Whose connections a bus uses: its own, or those that several buses of one process have in common.
///
/// Each bus keeps a channel and a queue of its own. What they share is a socket, a thread and the broker's memory for a
/// connection; and when it is lost, it is lost to all of them.
#[derive(Clone, Default)]
pub struct Connections(Option<Arc<Mutex<Vec<Lent>>>>);

/// A connection that is open as long as somebody uses it.
struct Lent {
    settings: Arc<RabbitSettings>,
    address: Address,
    role: Role,
    link: Weak<Link>,
}

impl Connections {
    /// Connections for all buses whose settings hold a clone of this: one for what they hear and one for what they publish,
    /// for each broker and login.
    #[must_use]
    pub fn shared() -> Self {
        Self(Some(Arc::default()))
    }

    /// A connection that works, if need be a new one.
    pub(super) async fn lease(
        settings: &Arc<RabbitSettings>,
        address: &Address,
        role: Role,
    ) -> Result<Arc<Link>, Failure> {
        let Some(shared) = &settings.connections.0 else {
            return Ok(Arc::new(Link::open(settings, address, role).await?));
        };
        // Held meanwhile, so that all who start together get the same one.
        let mut lent = shared.lock().await;
        lent.retain(|lent| lent.link.upgrade().is_some_and(|link| link.is_of_use()));
        let is_wanted = |lent: &&Lent| {
            lent.role == role && lent.address == *address && lent.settings.logs_in_as(settings)
        };
        if let Some(link) = lent
            .iter()
            .find(is_wanted)
            .and_then(|lent| lent.link.upgrade())
        {
            return Ok(link);
        }
        let link = Arc::new(Link::open(settings, address, role).await?);
        lent.push(Lent {
            settings: Arc::clone(settings),
            address: address.clone(),
            role,
            link: Arc::downgrade(&link),
        });
        Ok(link)
    }
}

impl PartialEq for Connections {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for Connections {}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = if self.0.is_some() { "shared" } else { "own" };
        write!(f, "Connections({whose})")
    }
}
