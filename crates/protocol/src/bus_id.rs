use std::fmt;

use serde::{Deserialize, Serialize};

/// By what a member of the bus is known: `application[:profiles]:index:random`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct BusId(String);

/// The text cannot name one member.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{id}` is not a bus id: {problem}")]
pub struct InvalidBusId {
    id: String,
    problem: &'static str,
}

impl BusId {
    /// Takes an id as configured (`spring.cloud.bus.id`).
    ///
    /// # Errors
    /// [`InvalidBusId`] when it is empty, has an empty part, or holds a pattern character: an origin
    /// that is a pattern would make other members take its events for their own.
    pub fn new(id: impl Into<String>) -> Result<Self, InvalidBusId> {
        let id = id.into();
        let problem = if id.is_empty() {
            "it is empty"
        } else if id.split(':').any(str::is_empty) {
            "a part between colons is empty"
        } else if id.contains(['*', '?', '{', '}']) {
            "`*`, `?`, `{` and `}` would make it a pattern"
        } else {
            return Ok(Self(id));
        };
        Err(InvalidBusId { id, problem })
    }

    /// The default id of Spring Cloud Bus 4 and later: the profiles only when there are any.
    ///
    /// # Errors
    /// [`InvalidBusId`] as [`BusId::new`].
    pub fn of_instance(
        application: &str,
        profiles: &str,
        index: &str,
        random: &str,
    ) -> Result<Self, InvalidBusId> {
        match profiles {
            "" => Self::new(format!("{application}:{index}:{random}")),
            _ => Self::new(format!("{application}:{profiles}:{index}:{random}")),
        }
    }

    /// The id as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id under which this member is known by another name of its configuration (`spring.cloud.config.name`).
    #[must_use]
    pub fn alias(&self, name: &str) -> String {
        match self.0.find(':') {
            Some(colon) => format!("{name}{}", &self.0[colon..]),
            None => name.to_owned(),
        }
    }
}

impl TryFrom<String> for BusId {
    type Error = InvalidBusId;

    fn try_from(id: String) -> Result<Self, InvalidBusId> {
        Self::new(id)
    }
}

impl fmt::Display for BusId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_stand_between_name_and_index() {
        assert_eq!(
            BusId::of_instance("orders", "dev,cloud", "8081", "ab12")
                .unwrap()
                .as_str(),
            "orders:dev,cloud:8081:ab12"
        );
        assert_eq!(
            BusId::of_instance("orders", "", "8081", "ab12")
                .unwrap()
                .as_str(),
            "orders:8081:ab12"
        );
    }

    #[test]
    fn patterns_are_no_ids() {
        for id in ["", "a::b", "orders:*", "{x}", "a:"] {
            assert!(BusId::new(id).is_err(), "{id}");
        }
    }
}
