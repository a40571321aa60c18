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
    sync::{Arc, Mutex, PoisonError},
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
}

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
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Nothing before the first snapshot, or when the disk refuses.
    book: Option<Book>,
    trouble: Option<String>,
}

impl LastGood {
    /// Uses the file beside a clone; it need not exist.
    pub(super) fn beside(clone: &Path, limits: Limits) -> Self {
        Self(Some(Arc::new(Inner {
            path: clone.with_extension("served"),
            limits,
            state: Mutex::default(),
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

    /// Adds what came into service. A failure costs freshness after a restart, never an answer.
    pub(super) fn note(&self, standing: &Standing) {
        let Some(inner) = &self.0 else { return };
        let mut state = inner.state();
        let noted = match &mut state.book {
            Some(book) => book.note(standing),
            None => Book::create(&inner.path, standing).map(|book| state.book = Some(book)),
        };
        if let Err(error) = noted {
            state.note_trouble(&error);
        }
    }

    /// Waits until all is on disk, and writes the journal anew when it has grown too long. Nobody should wait for this.
    pub(super) fn settle(&self) {
        let Some(inner) = &self.0 else { return };
        match inner.settle() {
            Ok(true) => inner.state().end_trouble(),
            Ok(false) => {}
            Err(error) => inner.state().note_trouble(&error),
        }
    }

    /// Notes that the remote just said that what is in service is right.
    pub(super) fn confirm(&self) {
        let Some(inner) = &self.0 else { return };
        let state = inner.state();
        if let Some(book) = &state.book {
            let file = book.journal.file();
            // Only tells how old it is.
            _ = file.and_then(|file| file.set_modified(SystemTime::now()));
        }
    }

    /// Why what is in service is not on disk.
    pub(super) fn trouble(&self) -> Option<String> {
        self.0.as_ref()?.state().trouble.clone()
    }
}

impl Inner {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self) -> io::Result<Before> {
        let (restored, journal) = Restored::read(&self.path, self.limits)?;
        let confirmed = journal.file().and_then(|file| file.metadata()?.modified());
        let may_lack = restored.may_lack(&journal);
        let standing = restored.standing(may_lack);
        let book = Book::of(journal, restored);
        self.state().book = Some(book);
        if may_lack {
            // Another such stop must not lead back here.
            let written = self.write_anew(&standing);
            written.unwrap_or_else(|error| self.state().note_trouble(&error));
        }
        Ok(Before {
            standing,
            confirmed: confirmed.ok(),
        })
    }

    /// Whether everything is on disk.
    fn settle(&self) -> io::Result<bool> {
        let (file, outgrown, is_behind) = match &self.state().book {
            Some(book) => (book.journal.file()?, book.outgrown(), book.is_behind()),
            None => return Ok(false),
        };
        file.sync_data()?;
        if let Some(standing) = outgrown {
            self.write_anew(&standing)?;
        }
        Ok(!is_behind)
    }

    /// What comes into service meanwhile is added in the end.
    fn write_anew(&self, standing: &Standing) -> io::Result<()> {
        let aside = self.path.with_extension("served-new");
        let mut fresh = Book::create(&aside, standing)?;
        fresh.journal.file()?.sync_all()?;
        let mut state = self.state();
        let newer = state.book.as_ref().map(Book::known);
        if let Some(newer) = newer.filter(|newer| !newer.labels.is_empty()) {
            fresh.note(newer)?;
        }
        fs::rename(&aside, &self.path)?;
        state.book = Some(fresh);
        drop(state);
        if let Some(folder) = self.path.parent() {
            fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl State {
    fn note_trouble(&mut self, error: &io::Error) {
        if self.trouble.is_none() {
            warn!(%error, "what is in service is not on disk; a restart would serve what was before");
            self.trouble = Some(error.kind().to_string());
        }
    }

    fn end_trouble(&mut self) {
        if self.trouble.take().is_some() {
            info!("what is in service is on disk again");
        }
    }
}

impl Standing {
    fn knows(&self, label: &Label) -> bool {
        self.labels.contains_key(label) || self.trails.knows(label)
    }
}

#[cfg(test)]
mod tests;
