//! What is in service, on disk: a start answers from it before anybody asks Git, and never goes back behind it.
//!
//! It is a journal. What comes into service is added before readers see it, as what differs from what is there already, so
//! that costs what differs; the disk is waited for aside. Now and then the journal is written anew.

mod book;
mod journal;
mod restored;

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use confbus_protocol::Label;
use tracing::{info, warn};

use super::{history::History, trail::Trails};
use crate::look::Limits;
use book::Book;
use restored::Restored;

/// What is in service by the labels that name it.
pub(super) type Labels = Arc<HashMap<Label, Arc<History>>>;

/// What a start is to find again.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    pub(super) labels: Labels,
    /// Where labels have been that are not in service.
    pub(super) trails: Trails,
    /// Grows from one to the next.
    number: u64,
}

static STANDINGS: AtomicU64 = AtomicU64::new(1);

/// What was in service before the last stop.
#[derive(Debug)]
pub(super) struct Before {
    pub(super) standing: Standing,
    /// When the remote last said that this is right.
    pub(super) confirmed: Option<SystemTime>,
}

/// The journal of one repository.
#[derive(Debug, Clone)]
pub(super) struct LastGood(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    limits: Limits,
    /// Nothing before the first snapshot, or when the disk refuses. Whoever has it may wait for the disk.
    book: Mutex<Option<Book>>,
    /// Nobody waits for this one.
    trouble: Mutex<Option<String>>,
}

impl LastGood {
    /// Uses the file beside a clone; it need not exist.
    pub(super) fn beside(clone: &Path, limits: Limits) -> Self {
        Self(Some(Arc::new(Inner {
            path: clone.with_extension("served"),
            limits,
            book: Mutex::default(),
            trouble: Mutex::default(),
        })))
    }

    /// For files that are where they were after a restart.
    pub(super) fn nothing() -> Self {
        Self(None)
    }

    /// What was in service; nothing when there is no file or it makes no sense.
    pub(super) fn load(&self) -> Option<Before> {
        let inner = self.0.as_ref()?;
        match inner.load() {
            Ok(before) => Some(before),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                warn!(%error, "what was in service cannot be read; labels start anew");
                None
            }
        }
    }

    /// Adds what came into service, unless something newer is there already. A failure costs freshness after a restart,
    /// never an answer.
    pub(super) fn note(&self, standing: &Standing) {
        let Some(inner) = &self.0 else { return };
        if let Err(error) = inner.note(standing) {
            inner.note_trouble(&error);
        }
    }

    /// Waits until all is on disk, and writes the journal anew when it has grown too long. Nobody should wait for this.
    pub(super) fn settle(&self) {
        let Some(inner) = &self.0 else { return };
        match inner.settle() {
            Ok(true) => inner.end_trouble(),
            Ok(false) => {}
            Err(error) => inner.note_trouble(&error),
        }
    }

    /// Notes that the remote just said that what is in service is right.
    pub(super) fn confirm(&self) {
        let Some(inner) = &self.0 else { return };
        if let Some(book) = &mut *inner.book() {
            book.journal.confirm(SystemTime::now());
        }
    }

    /// Why what is in service is not on disk. Waits for nothing.
    pub(super) fn trouble(&self) -> Option<String> {
        let trouble = self.0.as_ref()?.trouble.lock();
        trouble.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Inner {
    fn book(&self) -> MutexGuard<'_, Option<Book>> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self) -> io::Result<Before> {
        let (restored, journal) = Restored::read(&self.path, self.limits)?;
        let confirmed = journal.confirmed();
        let may_lack = restored.may_lack(&journal);
        let standing = restored.standing(may_lack);
        let mut book = Book::of(journal, restored);
        if may_lack {
            // Another such stop must not lead back here.
            let written = book.note(&standing).and_then(|()| book.begin());
            written.unwrap_or_else(|error| self.note_trouble(&error));
        }
        *self.book() = Some(book);
        Ok(Before {
            standing,
            confirmed,
        })
    }

    fn note(&self, standing: &Standing) -> io::Result<()> {
        let mut book = self.book();
        match &mut *book {
            Some(book) => book.note(standing),
            None => {
                *book = Some(Book::create(&self.path, standing)?);
                Ok(())
            }
        }
    }

    /// Whether everything is on disk.
    fn settle(&self) -> io::Result<bool> {
        let (file, outgrown) = match &*self.book() {
            Some(book) => (book.journal.file()?, book.outgrown()),
            None => return Ok(false),
        };
        file.sync_data()?;
        if let Some(standing) = outgrown {
            self.write_anew(&standing)?;
        }
        Ok(self.book().as_ref().is_some_and(|book| !book.is_behind()))
    }

    fn write_anew(&self, standing: &Standing) -> io::Result<()> {
        let aside = self.path.with_extension("served-new");
        let written = self.write_aside(&aside, standing);
        if written.is_err() {
            _ = fs::remove_file(&aside);
            if let Some(book) = &mut *self.book() {
                book.put_off();
            }
        }
        written
    }

    /// What comes into service meanwhile is added in the end.
    fn write_aside(&self, aside: &Path, standing: &Standing) -> io::Result<()> {
        let mut fresh = Book::create(aside, standing)?;
        fresh.journal.file()?.sync_all()?;
        let mut book = self.book();
        if let Some(old) = &*book {
            fresh.take_over(old)?;
        }
        fs::rename(aside, &self.path)?;
        *book = Some(fresh);
        drop(book);
        if let Some(folder) = self.path.parent() {
            fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    fn note_trouble(&self, error: &io::Error) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.is_none() {
            warn!(event = "journal.failed", error.text = %error, "what is in service is not on disk; a restart would serve what was before");
            *trouble = Some(error.kind().to_string());
        }
    }

    fn end_trouble(&self) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.take().is_some() {
            info!(
                event = "journal.saved",
                "what is in service is on disk again"
            );
        }
    }
}

impl Standing {
    /// What follows all those before.
    pub(super) fn new(labels: Labels, trails: Trails) -> Self {
        Self {
            labels,
            trails,
            number: STANDINGS.fetch_add(1, Ordering::Relaxed),
        }
    }

    fn knows(&self, label: &Label) -> bool {
        self.labels.contains_key(label) || self.trails.knows(label)
    }
}

#[cfg(test)]
mod tests;
