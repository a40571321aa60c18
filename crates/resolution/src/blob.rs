use std::sync::{Arc, OnceLock, Weak};

use arc_swap::ArcSwapWeak;

use crate::{
    Budget,
    documents::{self, Syntax},
    parsed::{Parsed, Remarks},
};

/// The content address of a file: the id of its Git blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId(pub [u8; 20]);

/// The content of a file, shared by all snapshots that hold it.
///
/// It is parsed when a request first needs it, and again only if it was not read for so long that what came of it made room
/// for others in its [`Budget`].
#[derive(Debug)]
pub struct Blob {
    id: BlobId,
    content: Content,
    budget: Option<Arc<Budget>>,
    /// As long as the budget or a reader holds it. Files of the same content hardly ever have different syntaxes; if they do,
    /// they take turns.
    parsed: ArcSwapWeak<Parsed>,
    /// For the syntax that was asked for first; `None` if there are none.
    remarks: OnceLock<(Syntax, Option<Arc<Remarks>>)>,
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
        Self::of(id, Content::Bytes(bytes.into()))
    }

    /// A file that was too large to be read.
    #[must_use]
    pub fn too_large(id: BlobId, size: u64) -> Self {
        Self::of(id, Content::TooLarge(size))
    }

    fn of(id: BlobId, content: Content) -> Self {
        Self {
            id,
            content,
            budget: None,
            parsed: ArcSwapWeak::new(Weak::new()),
            remarks: OnceLock::new(),
        }
    }

    /// Keeps what it is parsed to in a budget; otherwise it is parsed for each read.
    #[must_use]
    pub fn kept_in(mut self, budget: &Arc<Budget>) -> Self {
        self.budget = Some(Arc::clone(budget));
        self
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

    /// What the file says when it is read in a syntax, for somebody who asks for its values.
    pub(crate) fn parsed(&self, syntax: Syntax) -> Arc<Parsed> {
        if let Some(parsed) = self.kept(syntax) {
            parsed.touch();
            return parsed;
        }
        let parsed = Arc::new(self.parse(syntax));
        self.remember(&parsed);
        if let Some(budget) = &self.budget {
            // In this order whatever is replaced, by another syntax or by somebody who was as quick, is in the budget.
            budget.keep(&parsed);
            let before = self.parsed.swap(Arc::downgrade(&parsed));
            if let Some(before) = before.upgrade() {
                budget.forget(&before);
            }
        }
        parsed
    }

    /// What is worth knowing about the file before somebody asks for its values; `None` if nothing is.
    pub(crate) fn remarks(&self, syntax: Syntax) -> Option<Arc<Remarks>> {
        match self.remarks.get() {
            Some((known, remarks)) if *known == syntax => remarks.clone(),
            _ => match self.kept(syntax) {
                Some(parsed) => self.remember(&parsed),
                None => self.remember(&self.parse(syntax)),
            },
        }
    }

    fn kept(&self, syntax: Syntax) -> Option<Arc<Parsed>> {
        let parsed = self.parsed.load().upgrade()?;
        (parsed.syntax() == syntax).then_some(parsed)
    }

    fn parse(&self, syntax: Syntax) -> Parsed {
        let documents = match &self.content {
            Content::Bytes(bytes) => documents::parse(syntax, bytes),
            Content::TooLarge(size) => Err(documents::too_large(*size)),
        };
        Parsed::new(syntax, documents)
    }

    fn remember(&self, parsed: &Parsed) -> Option<Arc<Remarks>> {
        let of_parsed = || {
            let remarks = parsed.remarks();
            (remarks != Remarks::default()).then(|| Arc::new(remarks))
        };
        let (known, remarks) = self.remarks.get_or_init(|| (parsed.syntax(), of_parsed()));
        if *known == parsed.syntax() {
            remarks.clone()
        } else {
            of_parsed()
        }
    }

    #[cfg(test)]
    pub(crate) fn is_parsed(&self) -> bool {
        self.parsed.load().strong_count() > 0
    }
}

/// What no snapshot holds any more takes no room, and what it said is freed.
impl Drop for Blob {
    fn drop(&mut self) {
        if let (Some(budget), Some(parsed)) = (&self.budget, self.parsed.load().upgrade()) {
            budget.forget(&parsed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_place_however_often_it_is_parsed() {
        let budget = Arc::new(Budget::new(1 << 20));
        let blob = Blob::new(BlobId([1; 20]), *b"a: 1").kept_in(&budget);
        let mut kept = [0; 4];
        for kept in &mut kept {
            blob.parsed(Syntax::Yaml);
            blob.parsed(Syntax::Properties);
            *kept = budget.kept();
        }
        assert_eq!(kept, [kept[0]; 4]);
        drop(blob);
        assert_eq!(budget.kept(), 0);
    }

    #[test]
    fn the_same_bytes_may_be_read_in_two_syntaxes() {
        let budget = Arc::new(Budget::new(1 << 20));
        let blob = Blob::new(BlobId([1; 20]), *b"a: [").kept_in(&budget);
        for _ in 0..2 {
            assert!(blob.parsed(Syntax::Yaml).documents().is_err());
            assert!(blob.parsed(Syntax::Properties).documents().is_ok());
            assert!(blob.remarks(Syntax::Yaml).is_some());
            assert_eq!(blob.remarks(Syntax::Properties), None);
        }
    }

    #[test]
    fn to_be_judged_leaves_nothing_behind() {
        let budget = Arc::new(Budget::new(1 << 20));
        let blob = Blob::new(BlobId([1; 20]), *b"a: 1").kept_in(&budget);
        assert_eq!(blob.remarks(Syntax::Yaml), None);
        assert!(!blob.is_parsed());
        assert_eq!(budget.kept(), 0);
    }
}
