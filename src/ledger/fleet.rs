use std::collections::HashMap;

use confbus_protocol::{BusId, Destination};

/// How many instances there are of each application.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    applications: HashMap<String, usize>,
    len: usize,
}

impl Fleet {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// At most so many are meant: of an application that is named all its instances, otherwise everyone.
    pub(super) fn meant_by(&self, destination: &Destination) -> usize {
        let application = application(destination.as_str());
        if application.trim().is_empty() || application.contains(['*', '?', '{']) {
            return self.len;
        }
        self.applications.get(application).copied().unwrap_or(0)
    }
}

impl<'i> FromIterator<&'i BusId> for Fleet {
    fn from_iter<I: IntoIterator<Item = &'i BusId>>(ids: I) -> Self {
        let mut fleet = Self::default();
        for id in ids {
            let application = application(id.as_str());
            *fleet
                .applications
                .entry(application.to_owned())
                .or_default() += 1;
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
    use super::*;

    #[test]
    fn instances_are_counted_by_application() {
        let ids = ["orders:dev:8081:a", "orders:8082:b", "billing:8081:c"]
            .map(|id| BusId::new(id).unwrap());
        let fleet: Fleet = ids.iter().collect();
        for (destination, count) in [
            ("**", 3),
            ("", 3),
            ("ord*", 3),
            ("orders", 2),
            ("orders:dev:8081:a", 2),
            ("billing:**", 1),
            ("shipping", 0),
        ] {
            let meant = fleet.meant_by(&Destination::complete(destination));
            assert_eq!(meant, count, "{destination}");
        }
        assert_eq!(fleet.len(), 3);
    }
}
