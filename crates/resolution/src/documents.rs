use std::sync::Arc;

use confbus_protocol::{Position, Properties, Property};

use crate::{Cause, Origin, Problem};

mod header;
mod java_map;
mod properties;
mod relaxed;
#[cfg(test)]
mod tests;
mod xml;
mod yaml;

pub(crate) use header::Header;
pub(crate) use java_map::{buckets_of_copy, sort_as_hash_map};
pub use yaml::nested_key;

/// The largest file that is read as configuration; people write kilobytes.
const SIZE_LIMIT: u64 = 3 << 20;

/// How many documents one file may hold.
const DOCUMENT_LIMIT: usize = 1_000;

/// How many keys one file may hold; each becomes a node of what is answered.
const KEY_LIMIT: usize = 100_000;

/// How much text the flattened keys of one file may take: a long key above a long list multiplies.
const KEY_TEXT_LIMIT: usize = 16 << 20;

/// What a file holds that Git LFS has taken out of the repository.
const LARGE_FILE_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// What a property takes besides itself and its texts: its place in the table, two allocations, the signs of JSON.
const PROPERTY_BYTES: usize = 80;

/// What a header takes that says something, with the texts it holds.
const HEADER_BYTES: usize = 1 << 10;

/// How a configuration file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    Properties,
    Xml,
    Yaml,
}

/// One document of a file.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) properties: Arc<Properties>,
    /// Only where it says something.
    header: Option<Box<Header>>,
}

impl Document {
    fn new(mut properties: Properties) -> Self {
        properties.shrink_to_fit();
        let header = Header::of(&properties);
        Self {
            header: (header != Header::NOTHING).then(|| Box::new(header)),
            properties: Arc::new(properties),
        }
    }

    pub(crate) fn header(&self) -> &Header {
        static NOTHING: Header = Header::NOTHING;
        self.header.as_deref().unwrap_or(&NOTHING)
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        let of_header = self.header.as_ref().map_or(0, |_| HEADER_BYTES);
        let property = |(key, property): (&String, &Property)| {
            let text = property.value.as_text().map_or(0, str::len);
            // Both texts stand in the JSON, too.
            size_of::<(String, Property)>() + PROPERTY_BYTES + 2 * (key.len() + text)
        };
        let properties = self.properties.iter().map(property);
        size_of::<Self>() + of_header + properties.sum::<usize>()
    }
}

/// What is wrong in a file, which is named by whoever asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) position: Option<Position>,
    pub(crate) problem: String,
    pub(crate) hint: Option<String>,
    pub(crate) cause: Cause,
}

/// The extensions of configuration files, the weakest first.
pub(crate) const EXTENSIONS: [(&str, Syntax); 4] = [
    ("yaml", Syntax::Yaml),
    ("yml", Syntax::Yaml),
    ("xml", Syntax::Xml),
    ("properties", Syntax::Properties),
];

/// Whether a file of this name may hold properties.
#[must_use]
pub fn is_configuration(path: &str) -> bool {
    Syntax::of(path).is_some()
}

impl Syntax {
    /// The syntax that a file's extension stands for; `None` when it is no configuration file.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let (_, extension) = path.rsplit_once('.')?;
        EXTENSIONS
            .iter()
            .find(|(known, _)| *known == extension)
            .map(|(_, syntax)| *syntax)
    }
}

impl Flaw {
    pub(crate) fn new(
        cause: Cause,
        position: Option<Position>,
        problem: impl Into<String>,
    ) -> Self {
        Self {
            cause,
            position,
            problem: problem.into(),
            hint: None,
        }
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    pub(crate) fn in_file(&self, path: &str) -> Problem {
        let origin = Origin {
            path: path.to_owned(),
            position: self.position,
        };
        Problem {
            origin,
            problem: self.problem.clone(),
            hint: self.hint.clone(),
            cause: self.cause.clone(),
        }
    }
}

/// A file that is too large to be configuration.
pub(crate) fn too_large(size: u64) -> Flaw {
    Flaw::new(
        Cause::Limit,
        None,
        format!("{size} bytes are too many for a configuration file"),
    )
    .with_hint(format!("split it; up to {SIZE_LIMIT} bytes are read"))
}

/// The documents of a file, those without any content left out.
pub(crate) fn parse(syntax: Syntax, bytes: &[u8]) -> Result<Vec<Document>, Flaw> {
    let size = bytes.len() as u64;
    if size > SIZE_LIMIT {
        return Err(too_large(size));
    }
    if bytes.starts_with(LARGE_FILE_POINTER) {
        return Err(Flaw::new(
            Cause::Pointer,
            None,
            "this is a pointer of Git LFS; the file itself lies elsewhere",
        )
        .with_hint("keep configuration out of LFS, in .gitattributes"));
    }
    let documents = match syntax {
        Syntax::Properties => properties::parse(bytes),
        Syntax::Xml => xml::parse(bytes).map(|properties| vec![properties]),
        Syntax::Yaml => yaml::parse(bytes),
    }?;
    if documents.len() > DOCUMENT_LIMIT {
        return Err(Flaw::new(
            Cause::Limit,
            None,
            format!("the file holds more than {DOCUMENT_LIMIT} documents"),
        ));
    }
    Ok(documents.into_iter().map(Document::new).collect())
}

/// Reads the documents of one file, YAML, `.properties` or `.xml` by its name, each flattened with positions.
///
/// Documents without any content are left out.
///
/// # Errors
/// [`Problem`] when the name is not one of a configuration file, or the file is too large or not well-formed.
pub fn parse_documents(path: &str, bytes: &[u8]) -> Result<Vec<Arc<Properties>>, Problem> {
    let unknown = || {
        Flaw::new(
            Cause::Name,
            None,
            "the name of a configuration file ends in .yml, .yaml, .properties or .xml",
        )
    };
    let documents = Syntax::of(path)
        .ok_or_else(unknown)
        .and_then(|syntax| parse(syntax, bytes));
    let documents = documents.map_err(|flaw| flaw.in_file(path))?;
    Ok(documents
        .into_iter()
        .map(|document| document.properties)
        .collect())
}
