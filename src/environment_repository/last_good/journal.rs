//! The file: a beginning, then records that each hold their length and checksum. What is not whole ends it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
    time::SystemTime,
};

use crc32fast::hash;
use serde::{Deserialize, Serialize};

use crate::look::{self, Authorship};

const MAGIC: [u8; 16] = *b"confbus served1\n";
/// Bytes of one record; a file is never cut in two.
const LONGEST: u32 = 1 << 30;
/// Length and checksum.
const HEAD: usize = 8;
/// Bytes that are read or written at once.
const BUFFER: usize = 128 * 1024;

/// One entry.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Record {
    /// In which start of the machine what follows is written.
    Begin { boot: String },
    /// A snapshot by a number of this journal; its files follow.
    Snapshot {
        number: u32,
        commit: [u8; 20],
        /// When its files were changed last, in seconds since 1970.
        time: i64,
        has_links: bool,
        /// The snapshot to which its files are the difference.
        base: Option<u32>,
    },
    /// More files of the last snapshot.
    Files(Vec<look::File>),
    /// Where a label is.
    Label {
        label: String,
        /// It is a commit id.
        pinned: bool,
        /// How often it has moved.
        generation: u64,
        /// The commits that answered under it, newest first.
        served: Vec<[u8; 20]>,
        /// In service, newest first; none for one that rests.
        snapshots: Vec<u32>,
    },
    /// Of a label nothing is known any more.
    Forgotten(String),
    /// No label that was forgotten has moved more often.
    Floor(u64),
    /// That of the commit of a snapshot which is whole. Journals of earlier releases have none.
    Authorship { number: u32, authorship: Authorship },
}

/// A file that is written at its end.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    /// Bytes that are whole.
    length: u64,
    /// There were others behind them.
    was_cut: bool,
    /// When what it says was last known to be right, which is what the file's own time says.
    confirmed: Option<SystemTime>,
}

impl Journal {
    /// Begins a new one.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        // For nobody else to read: there are passwords in configurations.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(&MAGIC)?;
        let length = MAGIC.len() as u64;
        Ok(Self {
            file,
            length,
            was_cut: false,
            confirmed: None,
        })
    }

    /// Opens one and gives each whole record to `take`.
    pub(super) fn open(path: &Path, mut take: impl FnMut(Record)) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut input = BufReader::with_capacity(BUFFER, &file);
        let mut magic = [0; MAGIC.len()];
        input.read_exact(&mut magic)?;
        if magic != MAGIC {
            return Err(io::Error::other("it is of another version"));
        }
        let mut length = MAGIC.len() as u64;
        let mut bytes = Vec::new();
        while let Some(record) = next(&mut input, &mut bytes) {
            take(record);
            length += (HEAD + bytes.len()) as u64;
        }
        drop(input);
        let metadata = file.metadata()?;
        let confirmed = metadata.modified().ok();
        Ok(Self {
            was_cut: metadata.len() > length,
            confirmed: confirmed.filter(|at| *at > SystemTime::UNIX_EPOCH),
            file,
            length,
        })
    }

    /// Whether its end was not whole when it was opened.
    pub(super) fn was_cut(&self) -> bool {
        self.was_cut
    }

    /// When what it says was last known to be right.
    pub(super) fn confirmed(&self) -> Option<SystemTime> {
        self.confirmed
    }

    /// Notes that what it says is right.
    pub(super) fn confirm(&mut self, at: SystemTime) {
        self.confirmed = Some(at);
        self.keep_time();
    }

    fn keep_time(&self) {
        let at = self.confirmed.unwrap_or(SystemTime::UNIX_EPOCH);
        // Only tells how old it is.
        _ = self.file.set_modified(at);
    }

    /// Bytes in it.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Adds records, all or none.
    pub(super) fn append(
        &mut self,
        write: impl FnOnce(&mut Records<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        // What was not whole goes first.
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length))?;
        let mut records = Records {
            file: BufWriter::with_capacity(BUFFER, &self.file),
            length: 0,
        };
        write(&mut records)?;
        records.file.flush()?;
        let length = records.length;
        drop(records);
        self.length += length;
        self.keep_time();
        Ok(())
    }

    /// The file, to wait for the disk without holding the journal.
    pub(super) fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}

/// Records on their way to the file.
pub(super) struct Records<'j> {
    file: BufWriter<&'j File>,
    length: u64,
}

impl Records<'_> {
    pub(super) fn push(&mut self, record: &Record) -> io::Result<()> {
        let bytes = postcard::to_stdvec(record).map_err(io::Error::other)?;
        let length = u32::try_from(bytes.len()).ok();
        let length = length.filter(|length| *length <= LONGEST);
        let length = length.ok_or(io::ErrorKind::FileTooLarge)?;
        self.file.write_all(&length.to_le_bytes())?;
        self.file.write_all(&hash(&bytes).to_le_bytes())?;
        self.file.write_all(&bytes)?;
        self.length += HEAD as u64 + u64::from(length);
        Ok(())
    }
}

/// The next record, whose bytes are left in the buffer; nothing at the end, or where it is not whole.
fn next(input: &mut impl io::Read, bytes: &mut Vec<u8>) -> Option<Record> {
    let (mut length, mut sum) = ([0; 4], [0; 4]);
    input.read_exact(&mut length).ok()?;
    input.read_exact(&mut sum).ok()?;
    let length = u32::from_le_bytes(length);
    if length > LONGEST {
        return None;
    }
    bytes.clear();
    input.take(length.into()).read_to_end(bytes).ok()?;
    let is_whole = bytes.len() == length as usize && hash(bytes) == u32::from_le_bytes(sum);
    is_whole.then(|| postcard::from_bytes(bytes).ok())?
}
