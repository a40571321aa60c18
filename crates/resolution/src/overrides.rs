use std::sync::Arc;

use confbus_protocol::{PropertySource, PropertyValue};

use crate::documents::{buckets_of_copy, sort_as_hash_map};

/// The properties that win over every file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    source: Option<PropertySource>,
}

impl Overrides {
    /// Takes keys and values as configured: `\{` stands for `{` and `\${` for `${`, which kept the server from resolving its
    /// own settings.
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        if entries.is_empty() {
            return Self::default();
        }
        let buckets = buckets_of_copy(entries.len());
        sort_as_hash_map(&mut entries, buckets, |(key, _)| key);
        let property = |(key, value): (String, String)| {
            let value = value.replace("\\{", "{").replace("\\${", "${");
            (key, PropertyValue::from(value).into())
        };
        Self {
            source: Some(PropertySource {
                name: "overrides".into(),
                source: Arc::new(entries.into_iter().map(property).collect()),
            }),
        }
    }

    /// The source that stands before all others, if anything is overridden.
    #[must_use]
    pub fn source(&self) -> Option<&PropertySource> {
        self.source.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backslashes_before_braces_have_done_their_work() {
        let entries = [("zeta", "1"), ("who", r"$\{x} \${y}")];
        let overrides =
            Overrides::new(entries.map(|(key, value)| (key.to_owned(), value.to_owned())));
        let source = overrides.source().unwrap();
        assert_eq!(source.name, "overrides");
        assert_eq!(source.source["who"].value.to_string(), "${x} ${y}");
        assert!(Overrides::default().source().is_none());
    }
}
