use std::{
    collections::HashSet,
    io::{self, BufWriter, Write as _},
    os::unix::net::UnixStream,
};

use confbus_resolution::{Blob, RepoPath};

use crate::git::wire::{self, Answer, Begin, Content, End, File, Id};

/// Bytes of files in one message, and a file that may be larger.
const PIECE: usize = 128 * 1024;

/// Answers to whoever asks.
pub(super) type Out = BufWriter<UnixStream>;

/// Sends files, a few at a time, so that neither side has all of them in memory twice.
#[derive(Debug)]
pub(super) struct Pieces<'o> {
    out: &'o mut Out,
    files: Vec<File>,
    bytes: usize,
    sent: HashSet<Id>,
    /// Nobody is there any more; what follows is for nobody.
    gone: Option<io::Error>,
}

impl<'o> Pieces<'o> {
    pub(super) fn new(out: &'o mut Out, begin: Begin) -> Self {
        let gone = wire::write(out, &Answer::Begin(begin)).err();
        Self {
            out,
            files: Vec::new(),
            bytes: 0,
            sent: HashSet::new(),
            gone,
        }
    }

    /// A file that is gone.
    pub(super) fn without(&mut self, path: &RepoPath) {
        self.push(path, None);
    }

    /// A file.
    pub(super) fn file(&mut self, path: &RepoPath, blob: &Blob) {
        let id = blob.id().0;
        let content = match blob.bytes() {
            Some(_) if !self.sent.insert(id) => Content::Again(id),
            Some(bytes) => Content::Bytes(id, bytes.to_vec()),
            None => Content::TooLarge(id, blob.size()),
        };
        self.bytes += blob.bytes().map_or(0, <[u8]>::len);
        self.push(path, Some(content));
    }

    fn push(&mut self, path: &RepoPath, content: Option<Content>) {
        let path = path.as_str().to_owned();
        self.bytes += path.len();
        self.files.push(File { path, content });
        if self.bytes > PIECE {
            self.send();
        }
    }

    fn send(&mut self) {
        self.bytes = 0;
        let files = std::mem::take(&mut self.files);
        if !files.is_empty() && self.gone.is_none() {
            self.gone = wire::write(self.out, &Answer::Files(files)).err();
        }
    }

    /// Says that these were all, or why they are not.
    pub(super) fn end(mut self, end: Result<End, crate::look::LookError>) -> io::Result<()> {
        self.send();
        if let Some(gone) = self.gone {
            return Err(gone);
        }
        let last = match end {
            Ok(end) => Answer::End(end),
            Err(error) => Answer::Failed(error),
        };
        wire::write(self.out, &last)?;
        self.out.flush()
    }
}
