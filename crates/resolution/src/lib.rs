//! From a snapshot and a request to an environment, without I/O.
//!
//! A [`Snapshot`] holds all files of one commit. [`resolve`] picks the files that an [`EnvironmentRequest`] needs, in
//! Spring Cloud Config's order, and makes the [`Environment`](confbus_protocol::Environment) of them; [`convert`] writes
//! that as YAML, `.properties` or JSON; [`find_resource`] and [`resolve_text`] serve plain files.
//! Same input, same bytes out: nothing here looks at a clock, a disk or the process environment.
#![forbid(unsafe_code)]

mod activation;
mod addresses;
mod blob;
mod budget;
mod candidates;
mod cause;
mod changes;
mod comparison;
mod contributors;
mod convert;
mod documents;
mod effect;
mod files;
mod imports;
mod layout;
mod locations;
mod origin;
mod overrides;
mod parsed;
mod path;
mod problems;
mod request;
mod resolve;
mod resources;
mod searched;
mod snapshot;
mod sources;
#[cfg(test)]
mod testing;
mod ways;
mod weight;

pub use addresses::addresses;
pub use blob::{Blob, BlobId};
pub use budget::Budget;
pub use cause::{Breach, BrokenRule, Cause};
pub use comparison::Comparison;
pub use confbus_snake_yaml::ErrorKind as YamlError;
pub use convert::{Conversion, ConvertError, Format, Placeholders, convert};
pub use documents::{is_configuration, nested_key, parse_documents};
pub use effect::{Detail, Effect, KeyChange};
pub use files::{FileChange, Files};
pub use layout::{Layout, Places, Root, SearchLocation};
pub use origin::{Origin, Problem};
pub use overrides::Overrides;
pub use path::RepoPath;
pub use problems::Problems;
pub use request::EnvironmentRequest;
pub use resolve::{FileSource, ResolveError, resolve, resolve_files, resolve_sources};
pub use resources::{find_resource, resolve_text};
pub use searched::Searched;
pub use snapshot::Snapshot;
pub use sources::SourceFile;
pub use weight::bytes_to_read;
