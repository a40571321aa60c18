use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, LazyLock, Weak},
};

use confbus_resolution::{Blob, BlobId, Budget};

/// Bytes of parsed files in the whole process: some 5,000 files of a few hundred bytes, so that those of 3,000 hot answers
/// stay while a commit a second makes all of them anew.
const PARSED: usize = 24 << 20;

/// One for all repositories, because memory is.
static BUDGET: LazyLock<Arc<Budget>> = LazyLock::new(|| Arc::new(Budget::new(PARSED)));

/// File contents that some snapshot still holds, by content: commits and branches share them.
#[derive(Debug, Default)]
pub(crate) struct Blobs {
    known: HashMap<BlobId, Weak<Blob>>,
}

impl Blobs {
    /// The blob with this id, made at its first use.
    pub(crate) fn get(&mut self, id: BlobId, make: impl FnOnce() -> Blob) -> Arc<Blob> {
        match self.try_get(id, || Ok::<_, Infallible>(make())) {
            Ok(blob) => blob,
        }
    }

    /// The blob with this id, made at its first use if that succeeds.
    pub(crate) fn try_get<E>(
        &mut self,
        id: BlobId,
        make: impl FnOnce() -> Result<Blob, E>,
    ) -> Result<Arc<Blob>, E> {
        if let Some(blob) = self.known.get(&id).and_then(Weak::upgrade) {
            return Ok(blob);
        }
        let blob = Arc::new(make()?.kept_in(&BUDGET));
        self.known.insert(id, Arc::downgrade(&blob));
        Ok(blob)
    }

    /// Drops what no snapshot holds any more.
    pub(crate) fn forget_unused(&mut self) {
        self.known.retain(|_, blob| blob.strong_count() > 0);
    }
}
