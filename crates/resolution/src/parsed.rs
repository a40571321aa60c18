use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::documents::{Document, Flaw, Syntax};

/// What a file says when it is read in a syntax.
#[derive(Debug)]
pub(crate) struct Parsed {
    syntax: Syntax,
    documents: Result<Box<[Document]>, Flaw>,
    bytes: usize,
    was_read: AtomicBool,
    /// Where its budget keeps it, as far as it does.
    place: AtomicUsize,
}

/// What is remembered of a file for good: the little that is worth knowing before somebody needs it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Remarks {
    /// What is wrong with it, whoever reads it.
    pub(crate) flaws: Vec<Flaw>,
    /// The locations that its documents import, as written.
    pub(crate) imports: Vec<String>,
}

impl Parsed {
    pub(crate) fn new(syntax: Syntax, documents: Result<Vec<Document>, Flaw>) -> Self {
        let documents = documents.map(Vec::into_boxed_slice);
        let of_documents = |documents: &[Document]| documents.iter().map(Document::bytes).sum();
        Self {
            syntax,
            bytes: size_of::<Self>() + documents.as_deref().map_or(0, of_documents),
            documents,
            was_read: AtomicBool::new(true),
            place: AtomicUsize::new(usize::MAX),
        }
    }

    pub(crate) fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// The documents, those without any content left out.
    pub(crate) fn documents(&self) -> Result<&[Document], &Flaw> {
        self.documents.as_deref()
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Notes that somebody reads it.
    pub(crate) fn touch(&self) {
        // Most files are read by several cores at once; a look spares them the cache line.
        if !self.was_read.load(Ordering::Relaxed) {
            self.was_read.store(true, Ordering::Relaxed);
        }
    }

    /// Whether somebody read it since this was asked last.
    pub(crate) fn was_read(&self) -> bool {
        self.was_read.swap(false, Ordering::Relaxed)
    }

    /// Notes where its budget keeps it.
    pub(crate) fn is_at(&self, place: usize) {
        self.place.store(place, Ordering::Relaxed);
    }

    /// The place that was noted last.
    pub(crate) fn place(&self) -> usize {
        self.place.load(Ordering::Relaxed)
    }

    pub(crate) fn remarks(&self) -> Remarks {
        let documents = match &self.documents {
            Ok(documents) => documents,
            Err(flaw) => {
                return Remarks {
                    flaws: vec![flaw.clone()],
                    imports: Vec::new(),
                };
            }
        };
        let headers = documents.iter().map(Document::header);
        let flaws = headers
            .clone()
            .flat_map(|header| header.flaws.iter().chain(&header.flaws_of_choice));
        Remarks {
            flaws: flaws.cloned().collect(),
            imports: headers.flat_map(|header| header.imports.clone()).collect(),
        }
    }
}
