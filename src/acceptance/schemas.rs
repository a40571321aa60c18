//! JSON Schemas that stand beside configuration files.

use std::{fmt, sync::Arc};

use confbus_protocol::Position;
use confbus_resolution::{
    Blob, BlobId, Cause, EnvironmentRequest, FileSource, Origin, Problem, RepoPath, Snapshot,
};
use indexmap::IndexSet;
use jsonschema::{PatternOptions, Validator};
use quick_cache::sync::Cache;

/// What the name of a schema ends with: `orders.schema.json` is for `orders`, `application.schema.json` for everyone.
const SUFFIX: &str = ".schema.json";
/// Whose schema is for everyone.
const EVERYONE: &str = "application";
/// Where schemas of files in any folder may stand.
const FOLDER: &str = "confbus/schemas";
/// Schemas that are kept ready.
const MAX_READY: usize = 256;

/// Schemas that were made ready to be used, by their content.
pub(super) struct Schemas {
    ready: Cache<BlobId, Arc<Ready>>,
}

/// A schema that counts for a request.
pub(super) struct Schema {
    pub(super) path: RepoPath,
    ready: Arc<Ready>,
}

type Ready = Result<Validator, Flaw>;

/// Why a file is no schema.
struct Flaw {
    position: Option<Position>,
    problem: String,
}

impl Default for Schemas {
    fn default() -> Self {
        Self {
            ready: Cache::new(MAX_READY),
        }
    }
}

impl fmt::Debug for Schemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schemas").finish_non_exhaustive()
    }
}

/// Where a schema counts for files in any folder.
pub(crate) fn schema_for_all(name: &str) -> Option<RepoPath> {
    let is_schema = name.len() > SUFFIX.len() && name.ends_with(SUFFIX);
    is_schema
        .then(|| RepoPath::parse(&format!("{FOLDER}/{name}")))
        .flatten()
}

/// The applications that have schemas of their own.
pub(crate) fn applications_with_schemas(snapshot: &Snapshot) -> IndexSet<&str> {
    let files = snapshot.files().iter();
    let names = files.filter_map(|(path, _)| {
        let path = path.as_str();
        let name = path.rsplit('/').next()?.strip_suffix(SUFFIX)?;
        (!name.is_empty() && name != EVERYONE).then_some(name)
    });
    names.collect()
}

/// Whether there are any.
pub(super) fn are_in(snapshot: &Snapshot) -> bool {
    let mut files = snapshot.files().iter();
    files.any(|(path, _)| path.as_str().ends_with(SUFFIX))
}

impl Schemas {
    /// Those beside the files of a request and those in the folder for all, by the names of its applications.
    pub(super) fn of(
        &self,
        snapshot: &Snapshot,
        request: &EnvironmentRequest,
        files: &[FileSource<'_>],
    ) -> Vec<Schema> {
        let folder = |path| Some(parent(path));
        let folders: IndexSet<&str> = std::iter::once(FOLDER)
            .chain(files.iter().filter_map(|file| folder(file.path)))
            .collect();
        let names: IndexSet<&str> = std::iter::once(EVERYONE)
            .chain(request.application.names())
            .collect();
        let paths = folders.iter().flat_map(|folder| {
            let names = names.iter();
            names.map(move |name| in_folder(folder, name))
        });
        let found = paths.filter_map(|path| {
            let (path, blob) = snapshot.files().get(&path)?;
            Some(Schema {
                path: path.clone(),
                ready: self.ready(blob),
            })
        });
        found.collect()
    }

    fn ready(&self, blob: &Blob) -> Arc<Ready> {
        if let Some(ready) = self.ready.get(&blob.id()) {
            return ready;
        }
        let ready = Arc::new(read(blob));
        self.ready.insert(blob.id(), Arc::clone(&ready));
        ready
    }
}

impl Schema {
    /// # Errors
    /// What is wrong with the file.
    pub(super) fn validator(&self) -> Result<&Validator, Problem> {
        (*self.ready).as_ref().map_err(|flaw| Problem {
            origin: Origin {
                path: self.path.as_str().to_owned(),
                position: flaw.position,
            },
            problem: flaw.problem.clone(),
            hint: None,
            cause: Cause::NoSchema,
        })
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn in_folder(folder: &str, name: &str) -> String {
    match folder {
        "" => format!("{name}{SUFFIX}"),
        _ => format!("{folder}/{name}{SUFFIX}"),
    }
}

fn read(blob: &Blob) -> Ready {
    let flaw = |position, problem| Flaw { position, problem };
    let Some(bytes) = blob.bytes() else {
        return Err(flaw(None, "the schema is too large".to_owned()));
    };
    let schema = serde_json::from_slice(bytes).map_err(|error| {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let position = Position {
            line: number(error.line()),
            column: number(error.column()),
        };
        flaw(Some(position), "the schema is not JSON".to_owned())
    })?;
    // Patterns of a kind that takes time in proportion to the text; references lead nowhere outside the file.
    let options = jsonschema::options().with_pattern_options(PatternOptions::regex());
    options
        .build(&schema)
        .map_err(|error| flaw(None, format!("this is no JSON Schema: {error}")))
}
