//! Reads and writes YAML exactly as SnakeYAML does, with positions and limits.
//!
//! Spring applications read their configuration through SnakeYAML: YAML 1.1 with its own rules for numbers, merge keys and duplicates.
//! [`load_all`] follows those rules as Spring Boot sets them up (dates stay text, a duplicate key is an error) and keeps the place of every value.
//! [`dump`] writes what SnakeYAML's `dumpAsMap` writes, byte for byte.
//!
//! A file may come from anyone who can push to a repository, so reading is bounded: see [`Limits`].
//!
//! ```
//! use confbus_snake_yaml::{Limits, NodeKind, load_all};
//!
//! let documents = load_all(b"port: 0x1F90\n", &Limits::default()).expect("this is well-formed");
//! let NodeKind::Map(entries) = documents[0].kind() else { panic!("not a map") };
//! let (_, port) = &entries[0];
//! assert_eq!(*port.kind(), NodeKind::Integer(8080));
//! assert_eq!(port.mark().to_string(), "1:7");
//! ```
//!
//! Source: SnakeYAML 2.5; `OriginTrackedYamlLoader`, Spring Boot.
#![forbid(unsafe_code)]

mod base64;
mod composer;
mod cursor;
mod emitter;
mod error;
mod java_double;
mod limits;
mod mapping;
mod node;
mod parser;
mod resolver;
mod scalar;
mod scanner;
mod source;
mod timestamp;
mod token;

pub use composer::load_all;
pub use emitter::{Value, dump};
pub use error::{Error, ErrorKind};
pub use limits::Limits;
pub use node::{Mark, Node, NodeKind};
