use confbus_protocol::Member;

/// AMQP's limit for a routing key.
const LONGEST_KEY: usize = 255;

/// Under which routing keys events travel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Routing {
    /// All under the one key that Spring uses: every queue gets every event, and whoever is not meant drops it.
    #[default]
    AsSpring,
    /// An event for one application under `<key>.<application>`, every other one under Spring's key. Queues bound to `#`,
    /// as Spring's are, still get all of them; a queue bound with [`keys_of`](Self::keys_of) gets what its member may be
    /// meant by, and the broker keeps the rest.
    PerApplication,
}

impl Routing {
    /// The key of an event for this destination, as it stands on the wire.
    pub(super) fn key(self, base: &str, destination: &str) -> String {
        let key = match (self, application(destination)) {
            (Self::PerApplication, Some(application)) => format!("{base}.{application}"),
            _ => base.to_owned(),
        };
        if key.len() > LONGEST_KEY {
            base.to_owned()
        } else {
            key
        }
    }

    /// The keys under which a member hears everything that may be meant for it, if publishers use `base` as theirs.
    ///
    /// ```
    /// use confbus_bus::Routing;
    /// use confbus_protocol::{BusId, Member};
    ///
    /// let member = Member {
    ///     id: BusId::new("orders:dev:8081:ab12")?,
    ///     config_names: vec!["shop".to_owned()],
    /// };
    /// let keys = Routing::PerApplication.keys_of("springCloudBus", &member);
    /// assert_eq!(keys, ["springCloudBus", "springCloudBus.orders", "springCloudBus.shop"]);
    /// assert_eq!(Routing::AsSpring.keys_of("springCloudBus", &member), ["#"]);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn keys_of(self, base: &str, member: &Member) -> Vec<String> {
        if self == Self::AsSpring {
            return vec!["#".to_owned()];
        }
        let names = member.config_names.iter().map(String::as_str);
        let mut keys = vec![base.to_owned()];
        for name in [member.id.as_str()].into_iter().chain(names) {
            let key = self.key(base, name);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }
}

/// The one application that a destination or a bus id begins with; `None` when a pattern may mean several.
fn application(destination: &str) -> Option<&str> {
    let name = destination.split(':').next()?;
    let is_pattern = name.contains(['*', '?', '{', '#']);
    (!name.trim().is_empty() && !is_pattern).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_for_one_application_has_a_key_of_its_own() {
        let key = |destination: &str| Routing::PerApplication.key("bus", destination);
        assert_eq!(key("orders:**"), "bus.orders");
        assert_eq!(key("orders:dev:8081:ab12"), "bus.orders");
        for several in [
            "**",
            "",
            " ",
            "*:dev:**",
            "ord*:**",
            "o?ders:**",
            ":orders",
            "#:**",
        ] {
            assert_eq!(key(several), "bus", "{several}");
        }
        assert_eq!(key(&"x".repeat(252)), "bus");
        assert_eq!(Routing::AsSpring.key("bus", "orders:**"), "bus");
    }
}
