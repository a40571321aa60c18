//! The files of one commit in one file beside the packs: a start reads it at once, where packs would have to be put
//! together from thousands of differences. What it lacks or has too much is mended by the difference of the trees.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write},
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use confbus_protocol::CommitId;
use confbus_resolution::{Blob, BlobId, Files, RepoPath};
use crc32fast::Hasher;
use git2::Oid;
use tracing::warn;

use super::{
    durable,
    objects::{Content, Shape},
};
use crate::look::{Blobs, Limits};

const NAME: &str = "checkpoint";
const MAGIC: [u8; 16] = *b"confbus files 1\n";
/// Bytes of the files of a commit that is worth it.
const MOST: u64 = 64 << 20;
/// Bytes of the longest path.
const LONGEST_PATH: u64 = 64 * 1024;
/// Bytes that are read at once.
const BUFFER: usize = 128 * 1024;
/// Between two of them: an old one costs a start hardly more.
const REST: Duration = Duration::from_secs(10);

/// The checkpoint of one mirror.
#[derive(Debug)]
pub(super) struct Checkpoint {
    file: PathBuf,
    /// The commit that is in it, or is on its way there.
    commit: Option<CommitId>,
    saved: Option<Instant>,
    saving: Option<JoinHandle<()>>,
}

/// A commit with all of its files.
#[derive(Debug)]
pub(super) struct Saved {
    pub(super) commit: CommitId,
    /// Of the commit, in seconds since 1970.
    pub(super) time: i64,
    pub(super) content: Content,
}

impl Checkpoint {
    pub(super) fn of(mirror: &Path) -> Self {
        Self {
            file: mirror.join(NAME),
            commit: None,
            saved: None,
            saving: None,
        }
    }

    /// What was saved; nothing when that is damaged or beyond the limits of today.
    pub(super) fn load(&mut self, limits: Limits, blobs: &mut Blobs) -> Option<Saved> {
        let file = File::open(&self.file).ok()?;
        let length = file.metadata().ok()?.len();
        let saved = read(Input::new(file, length)?, limits, blobs)?;
        self.commit = Some(saved.commit);
        Some(saved)
    }

    /// Whether this commit should be saved now.
    pub(super) fn wants(&self, commit: CommitId) -> bool {
        let is_new = self.commit != Some(commit) || !self.file.exists();
        is_new
            && self.saved.is_none_or(|saved| saved.elapsed() >= REST)
            && self.saving.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Saves a commit aside: nobody waits for it.
    pub(super) fn save(&mut self, saved: Saved) {
        self.commit = Some(saved.commit);
        self.saved = Some(Instant::now());
        let file = self.file.clone();
        let write = move || {
            // An old one is worse than none: what is in it may have been removed with reason.
            if saved.content.shape.bytes > MOST {
                _ = fs::remove_file(&file);
            } else if let Err(error) = write(&file, &saved) {
                _ = fs::remove_file(&file);
                warn!(%error, "the next start is a slow one, since its files could not be put beside the packs");
            }
        };
        self.saving = thread::Builder::new()
            .name("checkpoint".into())
            .spawn(write)
            .ok();
    }
}

fn read(mut input: Input, limits: Limits, blobs: &mut Blobs) -> Option<Saved> {
    if input.array()? != MAGIC {
        return None;
    }
    let commit = CommitId::from_bytes(input.array()?);
    let tree = Oid::from_bytes(&input.array::<20>()?).ok()?;
    let time = i64::from_le_bytes(input.array()?);
    let has_links = input.array()? == [1];
    let (mut files, mut bytes) = (Vec::new(), 0);
    while input.left > 0 {
        let (path, blob) = input.file(limits, blobs)?;
        bytes += blob.bytes().map_or(0, |bytes| bytes.len() as u64);
        files.push((path, blob));
        if files.len() > limits.files || bytes > limits.total_bytes {
            return None;
        }
    }
    input.ends_well()?;
    let files: Files = files.into_iter().collect();
    let shape = Shape {
        tree,
        bytes,
        has_links,
    };
    Some(Saved {
        commit,
        time,
        content: Content { files, shape },
    })
}

/// A file that is read from its beginning to its checksum.
struct Input {
    file: BufReader<File>,
    sum: Hasher,
    /// Bytes before the checksum.
    left: u64,
    /// Holds what does not lie in one piece.
    aside: Vec<u8>,
}

impl Input {
    fn new(file: File, length: u64) -> Option<Self> {
        Some(Self {
            file: BufReader::with_capacity(BUFFER, file),
            sum: Hasher::new(),
            left: length.checked_sub(size_of::<u32>() as u64)?,
            aside: Vec::new(),
        })
    }

    /// What `make` makes of the next bytes.
    fn next<T>(&mut self, length: u64, make: impl FnOnce(&[u8]) -> T) -> Option<T> {
        self.left = self.left.checked_sub(length)?;
        let length = usize::try_from(length).ok()?;
        if let Some(bytes) = self.file.buffer().get(..length) {
            self.sum.update(bytes);
            let made = make(bytes);
            self.file.consume(length);
            return Some(made);
        }
        self.aside.resize(length, 0);
        self.file.read_exact(&mut self.aside).ok()?;
        self.sum.update(&self.aside);
        Some(make(&self.aside))
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.next(N as u64, |bytes| bytes.try_into().ok())?
    }

    fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.array()?))
    }

    fn file(&mut self, limits: Limits, blobs: &mut Blobs) -> Option<(RepoPath, Arc<Blob>)> {
        let length = self.number().filter(|length| *length <= LONGEST_PATH)?;
        let path = self.next(length, |path| RepoPath::parse(str::from_utf8(path).ok()?))??;
        let id = BlobId(self.array()?);
        let is_whole = self.array()? == [1];
        let size = self.number()?;
        if is_whole == (size > limits.file_bytes) {
            return None;
        }
        let blob = if is_whole {
            self.next(size, |content| blobs.get(id, || Blob::new(id, content)))?
        } else {
            blobs.get(id, || Blob::too_large(id, size))
        };
        Some((path, blob))
    }

    fn ends_well(mut self) -> Option<()> {
        let mut sum = [0; size_of::<u32>()];
        self.file.read_exact(&mut sum).ok()?;
        (self.sum.finalize() == u32::from_le_bytes(sum)).then_some(())
    }
}

fn write(path: &Path, saved: &Saved) -> io::Result<()> {
    let aside = path.with_extension("new");
    let mut out = Summed {
        file: BufWriter::new(create(&aside)?),
        sum: Hasher::new(),
    };
    out.write_all(&MAGIC)?;
    out.write_all(saved.commit.as_bytes())?;
    out.write_all(saved.content.shape.tree.as_bytes())?;
    out.write_all(&saved.time.to_le_bytes())?;
    out.write_all(&[u8::from(saved.content.shape.has_links)])?;
    for (path, blob) in saved.content.files.iter() {
        out.write_all(&(path.as_str().len() as u64).to_le_bytes())?;
        out.write_all(path.as_str().as_bytes())?;
        out.write_all(&blob.id().0)?;
        out.write_all(&[u8::from(blob.bytes().is_some())])?;
        out.write_all(&blob.size().to_le_bytes())?;
        out.write_all(blob.bytes().unwrap_or_default())?;
    }
    let sum = out.sum.finalize();
    let mut file = out.file;
    file.write_all(&sum.to_le_bytes())?;
    file.into_inner()?.sync_all()?;
    fs::rename(&aside, path)?;
    durable::sync_folder_of(path)
}

/// For nobody else to read: there are passwords in configurations.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A file with the checksum of what was written to it.
struct Summed {
    file: BufWriter<File>,
    sum: Hasher,
}

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        files: 3,
        file_bytes: 10,
        total_bytes: 12,
    };

    fn saved() -> Saved {
        let blob = |id, text: &str| Arc::new(Blob::new(BlobId([id; 20]), text.as_bytes()));
        let files = [
            ("a.yml", blob(1, "a: 1\n")),
            ("b/c.yml", blob(2, "")),
            ("d.yml", Arc::new(Blob::too_large(BlobId([3; 20]), 99))),
        ];
        let files = files.map(|(path, blob)| (RepoPath::parse(path).unwrap(), blob));
        Saved {
            commit: CommitId::from_bytes([7; 20]),
            time: -5,
            content: Content {
                files: files.into_iter().collect(),
                shape: Shape {
                    tree: Oid::from_bytes(&[9; 20]).unwrap(),
                    bytes: 5,
                    has_links: true,
                },
            },
        }
    }

    fn loaded(file: &Path, limits: Limits) -> Option<Saved> {
        Checkpoint::of(file.parent()?).load(limits, &mut Blobs::default())
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let mut checkpoint = Checkpoint::of(folder.path());
        let expected = saved();
        assert!(checkpoint.wants(expected.commit));
        checkpoint.save(saved());
        assert!(!checkpoint.wants(expected.commit));
        checkpoint.saving.take().unwrap().join().unwrap();
        // Too soon for another one.
        assert!(!checkpoint.wants(CommitId::from_bytes([8; 20])));
        let found = loaded(&checkpoint.file, LIMITS).unwrap();
        assert_eq!((found.commit, found.time), (expected.commit, expected.time));
        let shown = |saved: &Saved| {
            let files = saved.content.files.iter();
            let files = files.map(|(path, blob)| {
                (
                    path.clone(),
                    blob.id(),
                    blob.size(),
                    blob.bytes().map(<[u8]>::to_vec),
                )
            });
            (files.collect::<Vec<_>>(), saved.content.shape)
        };
        assert_eq!(shown(&found), shown(&expected));
    }

    #[test]
    fn what_is_damaged_or_beyond_a_limit_is_as_if_it_were_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(NAME);
        assert!(loaded(&file, LIMITS).is_none());
        write(&file, &saved()).unwrap();
        let bytes = fs::read(&file).unwrap();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            fs::write(&file, &damaged).unwrap();
            assert!(loaded(&file, LIMITS).is_none(), "byte {at}");
            fs::write(&file, &bytes[..at]).unwrap();
            assert!(loaded(&file, LIMITS).is_none(), "cut at {at}");
        }
        fs::write(&file, &bytes).unwrap();
        for limits in [
            Limits { files: 2, ..LIMITS },
            Limits {
                file_bytes: 4,
                ..LIMITS
            },
            Limits {
                file_bytes: 99,
                ..LIMITS
            },
            Limits {
                total_bytes: 4,
                ..LIMITS
            },
        ] {
            assert!(loaded(&file, limits).is_none(), "{limits:?}");
        }
        assert!(loaded(&file, LIMITS).is_some());
    }
}
