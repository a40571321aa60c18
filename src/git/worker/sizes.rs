//! How large objects in packs are, told by the first bytes of each. libgit2 goes through everything that an object builds
//! on to say so, which takes longer than to read it.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use flate2::{Decompress, FlushDecompress};
use git2::Oid;

use super::pack_index::{ID, PackIndex};

/// Bytes of the indexes that are read; larger ones cost more than they save.
const MAX_INDEXES: u64 = 8 << 20;
/// Packs that are open at once.
const MOST_PACKS: usize = 64;
/// Bytes at the beginning of an object, enough for the sizes in it but for rare ones.
const BEGINNING: usize = 256;
/// An object that is the difference to one at another place of the pack, or to one that is named.
const TO_PLACE: u8 = 6;
const TO_NAMED: u8 = 7;

/// The packs of a repository.
pub(super) struct Sizes {
    packs: Vec<Pack>,
    inflate: Decompress,
}

struct Pack {
    index: PackIndex,
    pack: File,
}

impl Sizes {
    /// Reads the indexes in these folders. What cannot be read is left out: whoever asks must have another way.
    pub(super) fn of(folders: &[PathBuf]) -> Self {
        let mut left = MAX_INDEXES;
        let entries = folders
            .iter()
            .filter_map(|folder| fs::read_dir(folder).ok());
        let indexes = entries
            .flat_map(Iterator::flatten)
            .map(|entry| entry.path())
            .filter(|path| path.extension() == Some(OsStr::new("idx")))
            .take(MOST_PACKS);
        Self {
            packs: indexes
                .filter_map(|index| Pack::open(&index, &mut left))
                .collect(),
            inflate: Decompress::new(true),
        }
    }

    /// Bytes of an object; `None` when its beginning does not tell, or it is in none of the packs.
    pub(super) fn size(&mut self, id: Oid) -> Option<u64> {
        let Self { packs, inflate } = self;
        packs.iter().find_map(|pack| {
            let place = pack.index.place(id.as_bytes())?;
            let mut beginning = Vec::with_capacity(BEGINNING);
            let mut file = &pack.pack;
            file.seek(SeekFrom::Start(place.into())).ok()?;
            let limit = BEGINNING as u64;
            file.take(limit).read_to_end(&mut beginning).ok()?;
            size(&beginning, inflate)
        })
    }
}

impl Pack {
    fn open(index: &Path, left: &mut u64) -> Option<Self> {
        *left = left.checked_sub(fs::metadata(index).ok()?.len())?;
        let pack = File::open(index.with_extension("pack")).ok()?;
        let index = PackIndex::read(index).ok()?;
        Some(Self { index, pack })
    }
}

/// The size that stands at the beginning of an object, or of the difference that it is.
fn size(mut data: &[u8], inflate: &mut Decompress) -> Option<u64> {
    let (first, rest) = data.split_first()?;
    data = rest;
    let mut size = u64::from(first & 15);
    if first & 128 != 0 {
        size |= varint(&mut data)?.checked_mul(16)?;
    }
    match first >> 4 & 7 {
        TO_PLACE => _ = varint(&mut data)?,
        TO_NAMED => data = data.get(ID..)?,
        _ => return Some(size),
    }
    // The size of what it is the difference to, then its own.
    let mut sizes = [0; 20];
    inflate.reset(true);
    inflate
        .decompress(data, &mut sizes, FlushDecompress::None)
        .ok()?;
    let told = usize::try_from(inflate.total_out()).ok()?;
    let mut sizes = sizes.get(..told)?;
    varint(&mut sizes)?;
    varint(&mut sizes)
}

/// Seven bits in each byte, the lowest first; the eighth says that there are more.
fn varint(data: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = data.split_first()?;
        *data = rest;
        number |= u64::from(byte & 127) << shift;
        if byte & 128 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use git2::Repository;

    use super::*;

    #[test]
    fn sizes_are_what_libgit2_says() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path()).unwrap();
        let text = |number: usize| {
            let lines = (0..40 * number).map(|line| format!("key-{line}: {}\n", line * 7919));
            lines.chain([format!("{number}\n")]).collect::<String>()
        };
        let ids: Vec<_> = (0..40)
            .map(|number| repository.blob(text(number).as_bytes()).unwrap())
            .collect();
        let mut builder = repository.packbuilder().unwrap();
        for id in &ids {
            builder.insert_object(*id, None).unwrap();
        }
        let packs = folder.path().join("objects/pack");
        builder.write(&packs, 0).unwrap();
        let mut sizes = Sizes::of(std::slice::from_ref(&packs));
        let told: Vec<_> = ids.iter().map(|id| sizes.size(*id)).collect();
        let lengths = (0..40).map(|number| Some(text(number).len() as u64));
        assert_eq!(told, lengths.collect::<Vec<_>>());
        let packed: u64 = fs::read_dir(packs)
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert!(packed < 40 * 1024, "nothing is the difference to another");
        assert_eq!(sizes.size(Oid::from_bytes(&[1; 20]).unwrap()), None);
    }

    #[test]
    fn what_is_cut_off_or_damaged_tells_nothing() {
        let mut inflate = Decompress::new(true);
        for data in [&[][..], &[0x80 | 3 << 4], &[6 << 4, 1], &[7 << 4, 1, 2]] {
            assert_eq!(size(data, &mut inflate), None, "{data:?}");
        }
        assert_eq!(size(&[6 << 4, 1, 255, 255, 255], &mut inflate), None);
        assert_eq!(size(&[0x80 | 3 << 4 | 5, 2], &mut inflate), Some(37));
    }
}
