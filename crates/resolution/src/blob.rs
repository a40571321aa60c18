use std::sync::{Arc, OnceLock};

use crate::documents::{self, Document, Flaw, Syntax};

/// The content address of a file: the id of its Git blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId(pub [u8; 20]);

/// The content of a file, shared by all snapshots that hold it.
///
/// It is parsed when a request first needs it, and then never again.
#[derive(Debug)]
pub struct Blob {
    id: BlobId,
    content: Content,
    /// One place for each [`Syntax`]: files of the same content may have different extensions.
    parsed: [OnceLock<Result<Vec<Document>, Flaw>>; 3],
}

#[derive(Debug)]
enum Content {
    Bytes(Arc<[u8]>),
    TooLarge(u64),
}

impl Blob {
    /// A file's bytes.
    #[must_use]
    pub fn new(id: BlobId, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self {
            id,
            content: Content::Bytes(bytes.into()),
            parsed: Default::default(),
        }
    }

    /// A file that was too large to be read.
    #[must_use]
    pub fn too_large(id: BlobId, size: u64) -> Self {
        Self {
            id,
            content: Content::TooLarge(size),
            parsed: Default::default(),
        }
    }

    /// The content address.
    #[must_use]
    pub fn id(&self) -> BlobId {
        self.id
    }

    /// The bytes; `None` when there were too many to be read.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Bytes(bytes) => Some(bytes),
            Content::TooLarge(_) => None,
        }
    }

    /// The length in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match &self.content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::TooLarge(size) => *size,
        }
    }

    /// The documents that stand in the file when it is read in a syntax.
    pub(crate) fn documents(&self, syntax: Syntax) -> Result<&[Document], &Flaw> {
        let parse = || match &self.content {
            Content::Bytes(bytes) => documents::parse(syntax, bytes),
            Content::TooLarge(size) => Err(documents::too_large(*size)),
        };
        self.parsed[syntax as usize].get_or_init(parse).as_deref()
    }
}
