//! Joins the small packs that fetches leave behind: with thousands of them Git looks for each object in each.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
};

use git2::Oid;

use super::{
    disk::{Disk, Entrance},
    open_exactly,
};
use crate::{
    git::worker::{objects::unreadable, pack_index::PackIndex},
    look::LookError,
};

/// Packs of a size that lie beside each other before they are joined.
const MANY: usize = 50;
/// What is joined at a time; whoever asks meanwhile waits for it, and it takes memory for each object.
const MOST: usize = 20_000;
const MOST_BYTES: u64 = 64 << 20;
/// Packs are joined with those of their size, so that no object is written anew with every few fetches.
const SIZES: [Size; 2] = [
    Size {
        objects: 0..1_000,
        most_bytes: 8 << 20,
    },
    Size {
        // At least two of them are joined at a time.
        objects: 1_000..MOST / 2,
        most_bytes: MOST_BYTES / 2,
    },
];
/// Bytes that are compared with each other at a time.
const WINDOW: i64 = 32 << 20;

/// When to join packs.
#[derive(Debug, Default)]
pub(super) struct Packing {
    /// How many are left as they are; with as many and a few more it is looked again.
    left: usize,
}

impl Packing {
    /// Makes one pack of those of a size when there are many. Nobody else may write there meanwhile.
    pub(super) fn join(&mut self, disk: &Disk) -> Result<(), LookError> {
        let folder = disk.path().join("objects/pack");
        let indexes = files(&folder, "idx").map_err(|error| failed(&error))?;
        if indexes.len() < self.left + MANY {
            return Ok(());
        }
        self.left = indexes.len();
        let mut packs: Vec<_> = indexes.iter().filter_map(|index| pack(index)).collect();
        for size in SIZES {
            let (mut alike, others): (Vec<_>, _) =
                packs.into_iter().partition(|pack| size.fits(pack));
            packs = others;
            if alike.len() >= MANY {
                // The smallest first, so that many are joined.
                alike.sort_by_key(|pack: &Pack<'_>| (pack.objects, pack.bytes));
                truncate(&mut alike);
                join(disk, &alike)?;
            } else if size.objects.start > 0 {
                // They wait for many more fetches than the small ones do.
                continue;
            }
            self.left -= alike.len();
        }
        remove_halves(&folder).map_err(|error| failed(&error))
    }
}

/// Packs that are joined with each other.
struct Size {
    objects: Range<usize>,
    most_bytes: u64,
}

impl Size {
    fn fits(&self, pack: &Pack<'_>) -> bool {
        self.objects.contains(&pack.objects) && pack.bytes <= self.most_bytes
    }
}

/// A pack that may be joined with others.
struct Pack<'p> {
    index: &'p Path,
    objects: usize,
    bytes: u64,
}

/// One that cannot be read stays: it may be the only one that has what is in it.
fn pack(index: &Path) -> Option<Pack<'_>> {
    Some(Pack {
        index,
        objects: PackIndex::count(index).ok()?,
        bytes: fs::metadata(index.with_extension("pack")).ok()?.len(),
    })
}

/// The same for its index, of which only the beginning was read.
fn ids(pack: &Pack<'_>) -> Option<Vec<Oid>> {
    let index = PackIndex::read(pack.index).ok()?;
    index.ids().map(Iterator::collect)
}

/// Leaves as many as are joined at a time.
fn truncate(packs: &mut Vec<Pack<'_>>) {
    let (mut objects, mut bytes) = (0, 0);
    let mut fits = |pack: &Pack<'_>| {
        objects += pack.objects;
        bytes += pack.bytes;
        objects <= MOST && bytes <= MOST_BYTES
    };
    let fitting = packs.iter().take_while(|pack| fits(pack)).count();
    packs.truncate(fitting);
}

fn files(folder: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new(extension)) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Packs without an index, which nobody reads: a power cut came between the two.
fn remove_halves(folder: &Path) -> io::Result<()> {
    let packs = files(folder, "pack")?.into_iter();
    let mut halves = packs.filter(|pack| !pack.with_extension("idx").exists());
    halves.try_for_each(fs::remove_file)
}

/// The new pack is on disk for good before the first of the old ones goes.
fn join(disk: &Disk, packs: &[Pack<'_>]) -> Result<(), LookError> {
    let repository = open_exactly(disk.path()).map_err(unreadable)?;
    let config = repository.config();
    config
        .and_then(|mut config| config.set_i64("pack.windowMemory", WINDOW))
        .map_err(unreadable)?;
    let mut builder = repository.packbuilder().map_err(unreadable)?;
    builder.set_threads(1);
    let (mut joined, mut objects) = (Vec::new(), BTreeSet::new());
    for pack in packs {
        if let Some(ids) = ids(pack) {
            objects.extend(ids);
            joined.push(pack.index);
        }
    }
    for object in objects {
        builder.insert_object(object, None).map_err(unreadable)?;
    }
    let folder = disk.packs(Entrance::Looks);
    fs::create_dir_all(&folder).map_err(|error| failed(&error))?;
    builder.write(&folder, 0).map_err(unreadable)?;
    disk.settle(Entrance::Looks)
        .map_err(|error| failed(&error))?;
    let name = builder.name().map_err(unreadable)?.unwrap_or_default();
    let name = format!("pack-{name}.idx");
    let is_new = |index: &Path| index.file_name() == Some(OsStr::new(&name));
    for index in joined.into_iter().filter(|index| !is_new(index)) {
        // Without its index a pack is not one.
        for path in [index.to_path_buf(), index.with_extension("pack")] {
            fs::remove_file(path).map_err(|error| failed(&error))?;
        }
    }
    Ok(())
}

fn failed(error: &io::Error) -> LookError {
    LookError::Disk(error.kind().to_string())
}

#[cfg(test)]
mod tests {
    use git2::Repository;

    use super::*;

    /// A mirror with packs of so many objects each, and the objects.
    fn mirror(packs: &[usize]) -> (tempfile::TempDir, Disk, Vec<Oid>) {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(&folder.path().join("mirror"));
        disk.create().unwrap();
        let ids = (0..)
            .zip(packs)
            .flat_map(|(number, objects)| add_pack(&disk, number, *objects).into_iter());
        let ids = ids.collect();
        (folder, disk, ids)
    }

    fn add_pack(disk: &Disk, number: usize, objects: usize) -> Vec<Oid> {
        let elsewhere = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(elsewhere.path()).unwrap();
        let odb = repository.odb().unwrap();
        // Thousands of files would take long to write.
        odb.add_new_mempack_backend(i32::MAX).unwrap();
        let mut builder = repository.packbuilder().unwrap();
        let blob = |object| format!("object {object} of pack {number}");
        let ids: Vec<_> = (0..objects)
            .map(|object| repository.blob(blob(object).as_bytes()).unwrap())
            .collect();
        for id in &ids {
            builder.insert_object(*id, None).unwrap();
        }
        builder.write(&disk.path().join("objects/pack"), 0).unwrap();
        ids
    }

    fn packs(disk: &Disk) -> usize {
        files(&disk.path().join("objects/pack"), "idx")
            .unwrap()
            .len()
    }

    fn all_are_there(disk: &Disk, ids: &[Oid]) {
        let mirror = open_exactly(disk.path()).unwrap();
        for id in ids {
            mirror.find_blob(*id).unwrap();
        }
    }

    #[test]
    fn small_packs_are_joined_and_large_ones_stay() {
        let mut sizes = vec![1; MANY - 1];
        sizes.push(SIZES[0].objects.end);
        let (_folder, disk, mut ids) = mirror(&sizes);
        let mut packing = Packing::default();
        packing.join(&disk).unwrap();
        assert_eq!(packs(&disk), MANY, "there were not many small ones");
        ids.extend(add_pack(&disk, 1_000, 2));
        packing.join(&disk).unwrap();
        assert_eq!(packs(&disk), 2);
        all_are_there(&disk, &ids);
        // From here on, as many more.
        for number in 0..MANY - 2 {
            ids.extend(add_pack(&disk, 2_000 + number, 1));
            packing.join(&disk).unwrap();
        }
        assert_eq!(packs(&disk), MANY);
        ids.extend(add_pack(&disk, 3_000, 1));
        packing.join(&disk).unwrap();
        assert_eq!(packs(&disk), 2);
        all_are_there(&disk, &ids);
        let left = fs::read_dir(disk.path().join("objects/pack")).unwrap();
        assert_eq!(left.count(), 4, "a pack and an index each");
    }

    #[test]
    fn what_was_joined_waits_for_more_of_its_size() {
        let middle = SIZES[1].objects.start;
        let mut sizes = vec![middle; MANY];
        sizes.push(SIZES[1].objects.end);
        sizes.extend([1; MANY]);
        let (_folder, disk, ids) = mirror(&sizes);
        Packing::default().join(&disk).unwrap();
        // As many as are joined at a time, in one; the large one; and the small ones.
        assert_eq!(packs(&disk), MANY - MOST / middle + 3);
        all_are_there(&disk, &ids);
    }

    #[test]
    fn what_cannot_be_read_stays_as_it_is() {
        let (_folder, disk, _) = mirror(&[1; MANY + 2]);
        let folder = disk.path().join("objects/pack");
        let damaged = files(&folder, "idx").unwrap().split_off(MANY);
        for (index, length) in damaged.iter().zip([100, 1_040]) {
            let text = fs::read(index).unwrap();
            fs::remove_file(index).unwrap();
            fs::write(index, &text[..length]).unwrap();
        }
        let half = folder.join("pack-half.pack");
        fs::write(&half, "PACK").unwrap();
        Packing::default().join(&disk).unwrap();
        assert_eq!(packs(&disk), 3);
        let stays = |index: &PathBuf| index.with_extension("pack").exists();
        assert!(damaged.iter().all(stays) && !half.exists());
    }

    #[test]
    fn what_cannot_be_joined_stays_and_is_not_tried_each_time() {
        let (_folder, disk, _) = mirror(&[1; MANY]);
        let broken = files(&disk.path().join("objects/pack"), "idx").unwrap();
        let broken = broken[0].with_extension("pack");
        fs::remove_file(&broken).unwrap();
        fs::write(&broken, "PACK").unwrap();
        let mut packing = Packing::default();
        packing.join(&disk).unwrap_err();
        assert_eq!(packs(&disk), MANY);
        packing.join(&disk).unwrap();
        assert_eq!(packs(&disk), MANY);
    }
}
