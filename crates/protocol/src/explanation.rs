use std::{borrow::Cow, cell::RefCell, collections::HashMap};

use indexmap::IndexSet;

use crate::{Environment, Property, PropertySource, resolve_placeholders};

/// Why a key of an [`Environment`] has the value it has: who writes it, who wins, and what its value refers to.
///
/// Decided as [`Environment::merged`] decides: an earlier source wins, and the elements of a list belong to the strongest
/// source that has any of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation<'e> {
    /// All sources that write the key, the strongest first.
    pub written: Vec<Written<'e>>,
    /// The source whose list covers this element without having it; then none of [`Self::written`] wins.
    pub covered_by: Option<&'e PropertySource>,
    /// The keys that the winner's placeholders ask for, and the keys that those ask for, in the order of asking.
    pub refers_to: Vec<Reference>,
}

/// What a source writes under a key.
#[derive(Debug, Clone, PartialEq)]
pub struct Written<'e> {
    /// The source.
    pub source: &'e PropertySource,
    /// Its value, with the place in its file.
    pub property: &'e Property,
    /// Whether this is what applications get.
    pub wins: bool,
}

/// A key that a placeholder asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The key.
    pub key: String,
    /// Whether any source writes it; otherwise the default counts, or what the application itself knows.
    pub is_known: bool,
}

impl Environment {
    /// Explains a key as sources write it: `servers[2].host`, not the beginning of one.
    ///
    /// ```
    /// # use confbus_protocol::{Environment, PropertySource};
    /// # let source = |name: &str, max: i64| PropertySource {
    /// #     name: name.into(),
    /// #     source: std::sync::Arc::new([("pool.max".to_owned(), confbus_protocol::PropertyValue::Integer(max).into())].into_iter().collect()),
    /// # };
    /// # let environment = Environment { property_sources: vec![source("shop-prod.yml", 40), source("shop.yml", 20)], ..Environment::default() };
    /// let explanation = environment.explain("pool.max");
    /// let [winner, shadowed] = &explanation.written[..] else { panic!() };
    /// assert!(winner.wins && winner.source.name == "shop-prod.yml");
    /// assert!(!shadowed.wins && shadowed.source.name == "shop.yml");
    /// ```
    #[must_use]
    pub fn explain(&self, key: &str) -> Explanation<'_> {
        self.winners().explain(key)
    }

    /// Who wins under each key, for whoever asks about many.
    #[must_use]
    pub fn winners(&self) -> Winners<'_> {
        let mut lists = HashMap::new();
        for (index, source) in self.property_sources.iter().enumerate() {
            for (key, _) in &*source.source {
                if let Some(list) = list(key) {
                    lists.entry(list).or_insert(index);
                }
            }
        }
        Winners {
            environment: self,
            lists,
        }
    }
}

/// The list that an element belongs to: `servers[` of `servers[2].host`.
fn list(key: &str) -> Option<&str> {
    key.find('[').map(|bracket| &key[..=bracket])
}

/// Which source of an environment decides under which key. `Debug` shows no value.
#[derive(Debug, Clone)]
pub struct Winners<'e> {
    environment: &'e Environment,
    /// The strongest source that has any element of a list.
    lists: HashMap<&'e str, usize>,
}

impl<'e> Winners<'e> {
    /// The index of the source that decides: the strongest one that has the key, or any element of the same list, in which case
    /// it need not have this one.
    #[must_use]
    pub fn of(&self, key: &str) -> Option<usize> {
        match list(key) {
            Some(list) => self.lists.get(list).copied(),
            None => {
                let mut sources = self.environment.property_sources.iter();
                sources.position(|source| source.source.contains_key(key))
            }
        }
    }

    /// What applications get under a key.
    #[must_use]
    pub fn property(&self, key: &str) -> Option<&'e Property> {
        let source = &self.environment.property_sources[self.of(key)?];
        source.source.get(key)
    }

    /// As [`Environment::explain`].
    #[must_use]
    pub fn explain(&self, key: &str) -> Explanation<'e> {
        let winner = self.of(key);
        let environment = self.environment;
        let sources = environment.property_sources.iter().enumerate();
        let written: Vec<_> = sources
            .filter_map(|(index, source)| {
                let property = source.source.get(key)?;
                let wins = Some(index) == winner;
                Some(Written {
                    source,
                    property,
                    wins,
                })
            })
            .collect();
        let won = written.iter().find(|written| written.wins);
        let is_covered = won.is_none() && !written.is_empty();
        Explanation {
            covered_by: winner
                .filter(|_| is_covered)
                .map(|winner| &environment.property_sources[winner]),
            refers_to: won.map_or_else(Vec::new, |won| {
                self.references(&won.property.value.to_string())
            }),
            written,
        }
    }

    /// What the placeholders of a text lead to. One that leads back to itself ends the list.
    fn references(&self, text: &str) -> Vec<Reference> {
        let asked = RefCell::new(IndexSet::new());
        let lookup = |key: &str| {
            let property = self.property(key);
            let value = property.map(|property| Cow::Owned(property.value.to_string()));
            asked.borrow_mut().insert((key.to_owned(), value.is_some()));
            value
        };
        // What it comes to does not matter here, and neither does that it may come to nothing.
        _ = resolve_placeholders(text, &lookup);
        let asked = asked.into_inner().into_iter();
        // The whole of `key:default` is asked for first.
        let is_meant = |(key, is_known): &(String, bool)| *is_known || !key.contains(':');
        asked
            .filter(is_meant)
            .map(|(key, is_known)| Reference { key, is_known })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::PropertyValue;

    type Source<'s> = &'s [(&'s str, &'s str)];

    fn environment(sources: &[Source<'_>]) -> Environment {
        let source = |(index, pairs): (usize, &Source<'_>)| PropertySource {
            name: format!("source-{index}"),
            source: Arc::new(
                pairs
                    .iter()
                    .map(|(key, value)| {
                        let value = PropertyValue::from(*value);
                        ((*key).to_owned(), value.into())
                    })
                    .collect(),
            ),
        };
        Environment {
            property_sources: sources.iter().enumerate().map(source).collect(),
            ..Environment::default()
        }
    }

    /// The sources that write the key, the winner with a star, and who covers it.
    fn shown(environment: &Environment, key: &str) -> String {
        let explanation = environment.explain(key);
        let written = explanation.written.iter().map(|written| {
            let star = if written.wins { "*" } else { "" };
            format!("{}{star} ", written.source.name)
        });
        let covered = explanation
            .covered_by
            .map(|source| format!("under {}", source.name));
        written.chain(covered).collect::<String>().trim().to_owned()
    }

    #[test]
    fn the_first_source_wins_and_all_others_are_shown() {
        let environment = environment(&[&[("b", "1")], &[("a", "1"), ("b", "2")], &[("a", "2")]]);
        assert_eq!(shown(&environment, "a"), "source-1* source-2");
        assert_eq!(shown(&environment, "b"), "source-0* source-1");
        assert_eq!(shown(&environment, "c"), "");
    }

    #[test]
    fn a_list_belongs_to_one_source() {
        let environment = environment(&[
            &[("list[0]", "x"), ("other", "1")],
            &[("list[0]", "y"), ("list[1]", "z"), ("listing", "1")],
        ]);
        assert_eq!(shown(&environment, "list[0]"), "source-0* source-1");
        assert_eq!(shown(&environment, "list[1]"), "source-1 under source-0");
        assert_eq!(shown(&environment, "listing"), "source-1*");
        assert_eq!(shown(&environment, "list[2]"), "");
    }

    #[test]
    fn placeholders_are_followed_to_their_end() {
        let environment = environment(&[&[
            ("url", "jdbc://${host}:${port:5432}/${name}"),
            ("host", "${region}.example"),
            ("region", "eu"),
            ("circle", "${circle}"),
        ]]);
        let references = |key: &str| {
            let references = environment.explain(key).refers_to.into_iter();
            let shown = references.map(|Reference { key, is_known }| match is_known {
                true => key,
                false => format!("{key}?"),
            });
            shown.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(references("url"), "host region port? name?");
        assert_eq!(references("region"), "");
        assert_eq!(references("circle"), "circle");
    }

    proptest! {
        /// What wins is what applications are given.
        #[test]
        fn explanations_agree_with_the_answer(
            sources in prop::collection::vec(
                prop::collection::vec(("[ab](\\[[01]\\])?(\\.[cd](\\[0\\])?)?", "[xyz]"), 0..6),
                0..5,
            )
        ) {
            let borrowed: Vec<Vec<_>> = sources
                .iter()
                .map(|pairs| pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect())
                .collect();
            let borrowed: Vec<&[_]> = borrowed.iter().map(Vec::as_slice).collect();
            let environment = environment(&borrowed);
            let merged = environment.merged();
            for (key, _) in sources.iter().flatten() {
                let explanation = environment.explain(key);
                let mut winners = explanation.written.iter().filter(|written| written.wins);
                let winner = winners.next().map(|written| written.property);
                prop_assert_eq!(winner, merged.get(key), "{}", key);
                prop_assert!(winners.next().is_none());
                prop_assert_eq!(winner.is_none(), explanation.covered_by.is_some());
                prop_assert!(!explanation.written.is_empty());
            }
        }
    }
}
