//! Stores that are looked up: what they share, and which of them are built in.

use std::{collections::HashSet, path::Path, sync::Arc, time::Duration};

use super::{SECOND, SERVER};
use crate::{
    environment_repository::BackendSettings,
    lookups::{self, Place, Settings, Trouble},
    settings::{code, reader::Reader},
};

const INTERVAL: &str = "confbus.lookups.interval";
const DEADLINE: &str = "confbus.lookups.deadline";
const KEEP_ON_DISK: &str = "confbus.lookups.keep-on-disk";

/// How one kind of store is asked.
pub(super) struct Asked {
    pub(super) place: Arc<dyn Place>,
    /// Where the kind has a setting of its own for it.
    pub(super) deadline: Option<Duration>,
    pub(super) trouble: Trouble,
}

/// Whether the backend of an active profile is read at all.
pub(super) fn is_enabled(reader: &mut Reader, kind: &str) -> bool {
    kind != "jdbc" || reader.flag(&format!("{SERVER}.jdbc.enabled"), true)
}

/// The store of this kind whose settings stand below `at`.
pub(super) fn lookups(reader: &mut Reader, kind: &str, at: &str) -> Option<Settings> {
    let interval = some_time(reader, INTERVAL, Duration::from_secs(30));
    let deadline = some_time(reader, DEADLINE, Duration::from_secs(5));
    let asked = asked(reader, kind, at, deadline)?;
    Some(Settings {
        place: asked.place,
        interval,
        deadline: asked.deadline.unwrap_or(deadline),
        trouble: asked.trouble,
        file: None,
    })
}

/// Keeps what stores say below this folder, unless a setting has it in memory alone.
pub(super) fn keep(
    reader: &mut Reader,
    backends: &mut [BackendSettings],
    folder: &Path,
    port: u16,
) {
    let mut files = HashSet::new();
    for backend in backends {
        if let BackendSettings::Lookups(settings) = backend
            && reader.flag(KEEP_ON_DISK, true)
        {
            let mut file = lookups::file(folder, &*settings.place, port);
            // Who asks the same twice writes two: each has one writer.
            while !files.insert(file.clone()) {
                file.set_extension("again.json");
            }
            settings.file = Some(file);
        }
    }
}

#[cfg_attr(
    not(feature = "jdbc"),
    expect(
        unused_variables,
        reason = "nobody else has a deadline that the store itself keeps"
    )
)]
fn asked(reader: &mut Reader, kind: &str, at: &str, deadline: Duration) -> Option<Asked> {
    match kind {
        #[cfg(feature = "awss3")]
        "awss3" => super::awss3::awss3(reader, at),
        #[cfg(feature = "redis")]
        "redis" => super::redis::redis(reader),
        #[cfg(feature = "jdbc")]
        "jdbc" => super::jdbc::jdbc(reader, at, deadline),
        _ => {
            refuse_missing(reader, kind, at);
            None
        }
    }
}

/// This program could, had it been built so.
fn refuse_missing(reader: &mut Reader, kind: &str, at: &str) {
    let key = if at.contains('[') {
        format!("{at}.type")
    } else {
        "spring.profiles.active".to_owned()
    };
    let text = format!("this confbus was built without the backend `{kind}`");
    let hint = format!("build it with `cargo build --release --features {kind}`");
    reader.refuse_as(code::UNSUPPORTED, &key, text, Some(&hint));
}

/// A duration in which anything can be done.
fn some_time(reader: &mut Reader, key: &str, default: Duration) -> Duration {
    let time = reader.duration(key, SECOND, default);
    if time.is_zero() {
        let text = format!("`{key}` is not a duration that anything could be done in");
        reader.refuse(key, text, None);
    }
    time
}
