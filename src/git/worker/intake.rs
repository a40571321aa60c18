use std::{io::Write as _, path::Path};

use git2::{Error, ErrorClass, Indexer, Odb};

use super::{lease::Lease, smart_http::Trouble};
use crate::look::LookError;

/// Objects in one pack.
const MAX_OBJECTS: u32 = 20_000_000;
/// What stands before the objects: `PACK`, a version and their number.
const HEADER: usize = 12;

/// Takes a pack as it comes, and makes its objects known to Git.
pub(super) struct Intake<'o> {
    lease: Lease,
    indexer: Indexer<'o>,
    header: Vec<u8>,
    objects: u32,
}

impl<'o> Intake<'o> {
    /// A pack that goes into a folder, and may build on objects of the database.
    pub(super) fn new(odb: &Odb<'o>, folder: &Path, lease: &Lease) -> Result<Self, Trouble> {
        let mut indexer = Indexer::new(Some(odb), folder, 0, false).map_err(unusable)?;
        // Taking the pack apart is work, and has the same end as waiting for it.
        let of_work = lease.clone();
        indexer.progress(move |progress| {
            of_work.note_objects(&progress);
            of_work.goes_on()
        });
        Ok(Self {
            lease: lease.clone(),
            indexer,
            header: Vec::new(),
            objects: 0,
        })
    }

    /// The next bytes.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.lease.add_bytes(bytes.len());
        let missing = HEADER.saturating_sub(self.header.len()).min(bytes.len());
        let (header, rest) = bytes.split_at(missing);
        if missing > 0 {
            self.header.extend_from_slice(header);
            if self.header.len() == HEADER {
                self.objects = number_of_objects(&self.header)?;
                self.append(&self.header.clone())?;
            }
        }
        self.append(rest)
    }

    /// The end. What was not complete is left out as a whole.
    pub(super) fn finish(self) -> Result<(), Trouble> {
        if self.header.len() < HEADER {
            return Err(Trouble::CutOff);
        }
        if self.objects > 0 {
            self.indexer.commit().map_err(unusable)?;
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        if bytes.is_empty() {
            return Ok(());
        }
        let written = self.indexer.write_all(bytes);
        written.map_err(|error| match error.downcast::<Error>() {
            Ok(error) => unusable(error),
            Err(error) => Trouble::Pack(error.to_string()),
        })
    }
}

fn number_of_objects(header: &[u8]) -> Result<u32, Trouble> {
    let (Some(b"PACK"), Some(number)) = (header.first_chunk(), header.last_chunk()) else {
        return Err(Trouble::Pack("they are not in a pack".into()));
    };
    let number = u32::from_be_bytes(*number);
    if number > MAX_OBJECTS {
        return Err(Trouble::TooLarge);
    }
    Ok(number)
}

fn unusable(error: Error) -> Trouble {
    let message = error.message().to_owned();
    match error.class() {
        // Not what came is to blame, but where it goes.
        ErrorClass::Os | ErrorClass::Filesystem | ErrorClass::NoMemory => {
            Trouble::Here(LookError::Disk(message))
        }
        _ => Trouble::Pack(message),
    }
}
