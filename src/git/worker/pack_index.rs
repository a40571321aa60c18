//! Which objects a pack has, and where: the file beside it.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use git2::Oid;

/// What an index of version 2 begins with.
const MAGIC: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];
/// For each first byte of an id, how many ids begin with it or a smaller one.
const FANOUT: usize = MAGIC.len();
const IDS: usize = FANOUT + 256 * 4;
/// Bytes of an id.
pub(super) const ID: usize = 20;

/// The index of a pack, as it lies on disk.
pub(super) struct PackIndex(Vec<u8>);

impl PackIndex {
    /// Reads one; fails when it is of another version.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        Self::new(fs::read(path)?)
    }

    /// How many objects a pack has, from the first bytes of its index; fails when that is of another version.
    pub(super) fn count(path: &Path) -> io::Result<usize> {
        let mut head = Vec::with_capacity(IDS);
        File::open(path)?.take(IDS as u64).read_to_end(&mut head)?;
        let count = Self::new(head)?.until(255);
        count.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn new(bytes: Vec<u8>) -> io::Result<Self> {
        match bytes.starts_with(&MAGIC) {
            true => Ok(Self(bytes)),
            false => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// The ids of all objects; `None` when the index is damaged.
    pub(super) fn ids(&self) -> Option<impl Iterator<Item = Oid>> {
        let length = self.until(255)?.checked_mul(ID)?;
        let (ids, _) = self.0.get(IDS..)?.get(..length)?.as_chunks::<ID>();
        Some(ids.iter().filter_map(|id| Oid::from_bytes(id).ok()))
    }

    /// Where in the pack an object begins; `None` when it is not there, or beyond two gigabytes.
    pub(super) fn place(&self, id: &[u8]) -> Option<u32> {
        let first = usize::from(*id.first()?);
        let begin = first
            .checked_sub(1)
            .map_or(Some(0), |before| self.until(before))?;
        let (end, all) = (self.until(first)?, self.until(255)?);
        let ids = self.0.get(IDS..)?.get(begin * ID..end * ID)?;
        let (ids, _) = ids.as_chunks::<ID>();
        let found = begin + ids.binary_search_by(|found| found[..].cmp(id)).ok()?;
        // After the ids a checksum of each, then the places; the highest bit says that it does not fit.
        let place = self.number(IDS + all * (ID + 4) + found * 4)?;
        (place >> 31 == 0).then_some(place)
    }

    fn until(&self, first: usize) -> Option<usize> {
        usize::try_from(self.number(FANOUT + first * 4)?).ok()
    }

    fn number(&self, at: usize) -> Option<u32> {
        let bytes = self.0.get(at..)?.first_chunk()?;
        Some(u32::from_be_bytes(*bytes))
    }
}
