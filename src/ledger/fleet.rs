use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use confbus_protocol::Destination;

use super::instance::Instance;

/// How many instances there are of each application.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    /// By all names that an event may call them.
    applications: HashMap<String, usize>,
    len: usize,
}

impl Fleet {
    /// At most so many are meant: of an application that is named all its instances, otherwise everyone.
    pub(super) fn meant_by(&self, destination: &Destination) -> usize {
        let application = application(destination.as_str());
        if application.trim().is_empty() || application.contains(['*', '?', '{']) {
            return self.len;
        }
        self.applications.get(application).copied().unwrap_or(0)
    }
}

impl<'i> FromIterator<&'i Arc<Instance>> for Fleet {
    fn from_iter<I: IntoIterator<Item = &'i Arc<Instance>>>(instances: I) -> Self {
        let mut fleet = Self::default();
        for instance in instances {
            let own = application(instance.id.as_str());
            let names = instance.coordinates.application.split(',').map(str::trim);
            for name in names.chain([own]).collect::<BTreeSet<_>>() {
                *fleet.applications.entry(name.to_owned()).or_default() += 1;
            }
            fleet.len += 1;
        }
        fleet
    }
}

/// The first part of a bus id, or of a pattern for some.
fn application(text: &str) -> &str {
    text.split(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use confbus_protocol::BusId;

    use super::*;
    use crate::ledger::coordinates::Coordinates;

    #[test]
    fn instances_are_counted_by_every_name_that_they_have() {
        let instances = [
            ("orders:dev:8081:a", "orders"),
            ("orders:8082:b", "orders, shop"),
            ("billing:8081:c", "shop,billing"),
        ]
        .map(|(id, asks_for)| {
            let id = BusId::new(id).unwrap();
            let coordinates = Coordinates {
                application: asks_for.to_owned(),
                ..Coordinates::of_bus_id(&id)
            };
            Arc::new(Instance::new(id, coordinates, 0))
        });
        let fleet: Fleet = instances.iter().collect();
        for (destination, count) in [
            ("**", 3),
            ("", 3),
            ("ord*", 3),
            ("orders", 2),
            ("orders:dev:8081:a", 2),
            ("billing:**", 1),
            ("shop:**", 2),
            ("shipping", 0),
        ] {
            let meant = fleet.meant_by(&Destination::complete(destination));
            assert_eq!(meant, count, "{destination}");
        }
    }
}
