use std::sync::Arc;

use super::{Chunk, Entry};

/// A place in the files; past the last one there is no entry.
#[derive(Debug)]
pub(super) struct Cursor<'f> {
    chunks: &'f [Chunk],
    /// In the first of the chunks that are left.
    index: usize,
}

impl<'f> Cursor<'f> {
    pub(super) fn start(chunks: &'f [Chunk]) -> Self {
        Self { chunks, index: 0 }
    }

    /// At a path, or the next one behind it.
    pub(super) fn at(chunks: &'f [Chunk], path: &str) -> Self {
        let before = |(other, _): &Entry| other.as_str() < path;
        let begun = chunks.partition_point(|chunk| chunk[0].0.as_str() <= path);
        let chunks = &chunks[begun.saturating_sub(1)..];
        let index = chunks
            .first()
            .map_or(0, |chunk| chunk.partition_point(before));
        let mut cursor = Self { chunks, index };
        cursor.leave_finished();
        cursor
    }

    pub(super) fn entry(&self) -> Option<&'f Entry> {
        self.chunks.first().map(|chunk| &chunk[self.index])
    }

    /// Passes the chunks that begin at both places and are one.
    pub(super) fn skip_shared(&mut self, other: &mut Self) {
        while let (0, 0, [one, rest @ ..], [same, others @ ..]) =
            (self.index, other.index, self.chunks, other.chunks)
        {
            if !Arc::ptr_eq(one, same) {
                return;
            }
            (self.chunks, other.chunks) = (rest, others);
        }
    }

    fn leave_finished(&mut self) {
        if let [first, rest @ ..] = self.chunks
            && self.index == first.len()
        {
            (self.chunks, self.index) = (rest, 0);
        }
    }
}

impl<'f> Iterator for Cursor<'f> {
    type Item = &'f Entry;

    /// The entry here; then the next is here.
    fn next(&mut self) -> Option<&'f Entry> {
        let entry = self.entry()?;
        self.index += 1;
        self.leave_finished();
        Some(entry)
    }
}
