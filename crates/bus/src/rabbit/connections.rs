use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use super::{
    failure::Failure,
    link::{Link, Role},
    settings::RabbitSettings,
};
use crate::Address;

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
    place: Place,
}

/// Held while it connects, so that all who start together get the same one; who wants another waits for nobody.
type Place = Arc<tokio::sync::Mutex<Weak<Link>>>;

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
        let place = place(shared, settings, address, role);
        let mut lent = place.lock().await;
        if let Some(link) = lent.upgrade().filter(|link| link.is_of_use()) {
            return Ok(link);
        }
        let link = Arc::new(Link::open(settings, address, role).await?);
        *lent = Arc::downgrade(&link);
        Ok(link)
    }
}

/// Where the connection is for whom; those that nobody uses are forgotten.
fn place(
    shared: &Mutex<Vec<Lent>>,
    settings: &Arc<RabbitSettings>,
    address: &Address,
    role: Role,
) -> Place {
    let mut lent = shared.lock().unwrap_or_else(PoisonError::into_inner);
    lent.retain(Lent::is_used);
    let is_wanted = |lent: &&Lent| {
        lent.role == role && lent.address == *address && lent.settings.logs_in_as(settings)
    };
    if let Some(known) = lent.iter().find(is_wanted) {
        return Arc::clone(&known.place);
    }
    let place = Place::default();
    lent.push(Lent {
        settings: Arc::clone(settings),
        address: address.clone(),
        role,
        place: Arc::clone(&place),
    });
    place
}

impl Lent {
    /// Whether somebody has it, or is about to.
    fn is_used(&self) -> bool {
        let is_wanted = Arc::strong_count(&self.place) > 1;
        is_wanted
            || self
                .place
                .try_lock()
                .is_ok_and(|link| link.strong_count() > 0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_connects_holds_up_those_alone_who_want_the_same() {
        let shared = Mutex::default();
        let settings = Arc::new(RabbitSettings::default());
        let other =
            Arc::new(RabbitSettings::default().with(|rabbit| rabbit.virtual_host = "other".into()));
        let address = &settings.addresses[0];
        let place = |settings| place(&shared, settings, address, Role::Consumer);

        let one = place(&settings);
        let _connecting = one.lock().await;
        assert!(place(&settings).try_lock().is_err());
        assert!(place(&other).try_lock().is_ok());
        assert_eq!(shared.lock().unwrap().len(), 2);
        place(&settings);
        assert_eq!(shared.lock().unwrap().len(), 1, "nobody uses the other one");
    }
}
