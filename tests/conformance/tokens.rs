//! Tokens such as `${fixture:basic}`: filled in before sending, put back before comparing.
//!
//! Anything else in `${…}` belongs to the configuration under test and is left alone.

use std::{collections::BTreeMap, sync::LazyLock};

use anyhow::{Context as _, bail};
use indexmap::IndexMap;
use regex::{Captures, Regex};

use super::{json::Json, repository::Repository};

static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\$\{(fixture|http|http-root|tree|linked|dir|sha|sha7|capture|harness):([^{}]*)\}")
});
/// Where a server clones to when it is not told.
static CLONE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"/[^\s"'\[\]]*config-repo-[0-9A-Za-z]+"#));
static TIMESTAMP: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"("timestamp":)(?:"[0-9]{4}-[^"]*"|[0-9]{12,})"#));

pub(crate) const CHECKOUT: &str = "${checkout}";

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is well-formed")
}

/// The kinds and names of all tokens in a text.
pub(crate) fn used_in(text: &str) -> Vec<(String, String)> {
    let token = |found: Captures<'_>| (found[1].to_owned(), found[2].to_owned());
    TOKEN.captures_iter(text).map(token).collect()
}

/// What the tokens stand for while the cases of one server are played.
#[derive(Default)]
pub(crate) struct Tokens {
    /// Work both ways.
    pub(crate) values: BTreeMap<(String, String), String>,
    /// Are only filled in.
    pub(crate) inputs: BTreeMap<(String, String), String>,
    /// Are only put back.
    pub(crate) hidden: Vec<(String, String)>,
    pub(crate) repositories: IndexMap<String, Repository>,
    pub(crate) captures: BTreeMap<String, String>,
}

impl Tokens {
    pub(crate) fn set(&mut self, kind: &str, name: &str, value: impl Into<String>) {
        self.values
            .insert((kind.to_owned(), name.to_owned()), value.into());
    }

    /// The text with every token replaced by its value.
    pub(crate) fn expand(&self, text: &str) -> anyhow::Result<String> {
        let mut expanded = String::new();
        let mut end = 0;
        for token in TOKEN.captures_iter(text) {
            let whole = token.get_match();
            expanded.push_str(&text[end..whole.start()]);
            expanded.push_str(&self.value(&token[1], &token[2])?);
            end = whole.end();
        }
        expanded.push_str(&text[end..]);
        Ok(expanded)
    }

    /// The text with everything that differs between machines and runs replaced by its token.
    pub(crate) fn normalise(&self, text: &str) -> String {
        let mut text = CLONE
            .replace_all(text, regex::NoExpand(CHECKOUT))
            .into_owned();
        let values = self
            .values
            .iter()
            .map(|((kind, name), value)| (value.clone(), format!("${{{kind}:{name}}}")));
        let mut places: Vec<_> = values.chain(self.hidden.iter().cloned()).collect();
        // The longest first, since one may lie inside of another.
        places.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        for (value, token) in places.into_iter().chain(self.commits()) {
            text = text.replace(&value, &token);
        }
        TIMESTAMP
            .replace_all(&text, r#"$1"$${timestamp}""#)
            .into_owned()
    }

    /// An expected text in the form that `normalise` gives to actual ones.
    pub(crate) fn both(&self, text: &str) -> anyhow::Result<String> {
        Ok(self.normalise(&self.expand(text)?))
    }

    /// The same for all strings of a value.
    pub(crate) fn both_in(&self, value: &Json) -> anyhow::Result<Json> {
        value.map(&|text| self.both(text))
    }

    fn value(&self, kind: &str, name: &str) -> anyhow::Result<String> {
        if kind == "capture" {
            let captured = self.captures.get(name).cloned();
            return captured.with_context(|| format!("nothing was captured as `{name}` yet"));
        }
        if kind == "sha" || kind == "sha7" {
            let commit = self.commit(name)?;
            return Ok(commit[..if kind == "sha7" { 7 } else { 40 }].to_owned());
        }
        let key = (kind.to_owned(), name.to_owned());
        let value = self
            .inputs
            .get(&key)
            .or_else(|| self.values.get(&key))
            .cloned();
        value.with_context(|| format!("`${{{kind}:{name}}}` is not part of this server's world"))
    }

    fn commit(&self, name: &str) -> anyhow::Result<String> {
        let inside = self
            .repositories
            .iter()
            .filter_map(|(fixture, repository)| {
                let rest = name.strip_prefix(fixture.as_str())?.strip_prefix('/')?;
                Some((fixture.len(), repository, rest))
            });
        if let Some((_, repository, rest)) = inside.max_by_key(|(length, _, _)| *length) {
            return repository.resolve(rest);
        }
        match self.repositories.values().collect::<Vec<_>>()[..] {
            [only] => only.resolve(name),
            _ => bail!("`${{sha:{name}}}`: say which repository is meant"),
        }
    }

    /// Each commit with the first of its names.
    fn commits(&self) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        for (fixture, repository) in &self.repositories {
            let lead = if self.repositories.len() > 1 {
                format!("{fixture}/")
            } else {
                String::new()
            };
            for (name, commit) in repository.names() {
                if !found.iter().any(|(known, _)| known == commit) {
                    found.push((commit.clone(), format!("${{sha:{lead}{name}}}")));
                }
            }
        }
        found
    }
}
