//! What every place that configuration comes from promises, the same cases for each; and what is special about some.

mod cases;
mod git;
mod native;
mod vault;

#[cfg(feature = "awss3")]
mod awss3;
#[cfg(feature = "jdbc")]
mod jdbc;
#[cfg(feature = "redis")]
mod redis;

#[cfg(any(feature = "awss3", feature = "jdbc", feature = "redis"))]
mod restarts;

mod unsupported;

use serde_json::Value;

use crate::support::{Answer, TestServer};

/// A place that configuration comes from, as a test changes it.
trait Source {
    /// What a server needs to read it. It looks by itself only at the start.
    fn settings(&self) -> Vec<(String, String)>;

    /// Says that a key has this value for an application, under a profile or always.
    fn put(&mut self, application: &str, profile: Option<&str>, key: &str, value: &str);

    /// The same under the label `v1` alone; `false` where there are no labels.
    fn put_at_v1(&mut self, application: &str, key: &str, value: &str) -> bool;

    /// How the name of what it said ends.
    fn name(&self, application: &str, profile: Option<&str>) -> String;

    /// The profiles whose sources make the answer for `dev` and `qa`, the strongest first; `None` is what is everybody's.
    fn of_dev_and_qa(&self) -> Vec<Option<&'static str>> {
        vec![Some("qa"), Some("dev"), None]
    }

    /// Whether answers show a version.
    fn has_versions(&self) -> bool;

    /// What answers are when nobody can be asked, of which there were some before.
    fn keeps(&self) -> Keeps;

    /// Nobody can ask it any more.
    fn stop(&mut self);

    /// It is there again, with what it had.
    fn go_on(&mut self);
}

/// What outlives a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeps {
    /// All that it says.
    Everything,
    /// What somebody asked for.
    #[cfg(any(feature = "awss3", feature = "jdbc", feature = "redis"))]
    Answers,
    /// Nothing: each reader has rights of its own there.
    Nothing,
}

/// Serves a source.
fn serve(source: &dyn Source) -> TestServer {
    serve_with(source, &[])
}

fn serve_with(source: &dyn Source, more: &[(&str, &str)]) -> TestServer {
    let settings = source.settings();
    let settings = settings.iter().map(|(key, value)| (&**key, &**value));
    let settings: Vec<_> = settings.chain(more.iter().copied()).collect();
    TestServer::with(&settings)
}

/// The sources of an answer that say anything: their names, and their values under a key.
fn said(answer: &Answer, key: &str) -> Vec<(String, Value)> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let json = answer.json();
    let sources = json["propertySources"].as_array().unwrap().iter();
    let said = sources.filter_map(|source| {
        let name = source["name"].as_str().unwrap().to_owned();
        Some((name, source["source"].get(key)?.clone()))
    });
    said.collect()
}
