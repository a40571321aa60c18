//! What kinds of attacks there are, and how each is played.

mod bus;
mod configuration;
mod documents;
mod labels;
mod paths;
mod player;
mod repository;
mod requests;
mod signature;
mod trap;
mod uris;

use crate::judge::Judge;
use crate::stage::Tools;

/// Plays one kind of attack.
type Play = fn(&Tools, &mut Judge) -> anyhow::Result<()>;

/// Every class by name.
pub const CLASSES: [(&str, Play); 9] = [
    ("paths", paths::play),
    ("labels", labels::play),
    ("http", requests::http),
    ("access", requests::access),
    ("webhooks", requests::webhooks),
    ("documents", documents::play),
    ("repository", repository::play),
    ("uris", uris::play),
    ("bus", bus::play),
];
