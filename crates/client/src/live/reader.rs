use std::{fmt, ops::Deref, sync::Arc};

use arc_swap::{ArcSwap, Cache};

use super::{Bound, Live};

/// A handle for reading in a hot loop, which belongs to one thread or task. Made by [`Live::reader`].
///
/// It keeps the value that it saw last and compares one pointer at each read: a tenth of a [`Live::load`], and no memory is
/// written, so threads do not disturb each other. The price: it has to be `mut`, and until its next read it holds an old
/// value, so one that is put aside holds it for as long. For reads here and there [`Live::load`] is the right one.
pub struct Reader<T>(Cache<Current<T>, Arc<T>>);

/// Where the current value stands.
struct Current<T>(Arc<Bound<T>>);

impl<T> Live<T> {
    /// A reader for a hot loop; each thread or task makes its own. It does not keep the client's tasks running.
    ///
    /// ```
    /// # use confbus_client::{Live, Rejection, testing};
    /// # let (client, mut server) = testing::client([("max", 10)]);
    /// let max: Live<u32> = client.bind("max").live()?;
    /// let mut reader = max.reader();
    /// assert_eq!(*reader.load(), 10);
    /// server.push([("max", 20)])?;
    /// assert_eq!(*reader.load(), 20);
    /// # Ok::<_, Rejection>(())
    /// ```
    #[must_use]
    pub fn reader(&self) -> Reader<T> {
        Reader(Cache::new(Current(Arc::clone(&self.section))))
    }
}

impl<T> Reader<T> {
    /// Reads the current value without a lock.
    #[must_use]
    pub fn load(&mut self) -> &T {
        self.0.load()
    }
}

impl<T> Clone for Reader<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Clone for Current<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Current<T> {
    type Target = ArcSwap<T>;

    fn deref(&self) -> &ArcSwap<T> {
        &self.0.current
    }
}

impl<T> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}
