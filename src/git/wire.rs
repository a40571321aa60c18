//! What a worker is asked and what it answers. The two sides share nothing else, so that one may be a process of its own.

use std::{
    fmt,
    io::{self, Read, Write},
    path::PathBuf,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Address, Megabytes, Reach};
use crate::look::{Authorship, Fetch, File, LookError};

/// Bytes of one message; a file is never cut in two.
const LONGEST: u32 = 1 << 30;

/// A commit or blob by its id.
pub(super) type Id = [u8; 20];

/// The first message: what a worker works for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Assignment {
    pub(super) address: Address,
    /// Directory of the bare clone.
    pub(super) mirror: PathBuf,
    pub(super) reach: Reach,
    /// The worker before came to an end over it, so that the clone is not to be trusted.
    pub(super) suspect: bool,
}

/// What a worker is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// What labels name, after asking the remote: [`Answer::Looked`].
    Look { fetch: Fetch, labels: Vec<String> },
    /// The files of a commit, perhaps as what differs from one of the bases: [`Answer::Begin`] and what follows it.
    Read { commit: Id, bases: Vec<Id> },
    /// The files of the work tree, perhaps as what differs from those that were answered last.
    ReadWorkTree { commit: Id, since_last: bool },
}

/// What a worker answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// A first clone goes on, and its answer follows.
    Cloning(CloneProgress),
    Looked(Looked),
    /// Files follow, and an end or a failure.
    Begin(Begin),
    Files(Vec<File>),
    End(End),
    Failed(LookError),
}

/// What has come of a first clone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CloneProgress {
    pub(crate) bytes: u64,
    pub(crate) objects: u64,
    /// Objects that there are; 0 until the remote has said it.
    pub(crate) of_objects: u64,
}

impl fmt::Display for CloneProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Megabytes(self.bytes).fmt(f)
    }
}

/// What a look found.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Looked {
    /// How the fetch went, if one was asked for.
    pub(super) fetched: Option<Result<(), LookError>>,
    /// Whether all refs were read.
    pub(super) listed: bool,
    pub(super) refs: RefsNews,
    /// What each label names.
    pub(super) targets: Vec<Result<Named, LookError>>,
}

/// What became of refs since this worker told them last; at first there were none.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct RefsNews {
    /// `None` for those that are gone.
    pub(super) branches: Vec<(String, Option<Id>)>,
    pub(super) tags: Vec<(String, Option<Id>)>,
    pub(super) head: Option<String>,
}

/// What a label names.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum Named {
    Commit(Id),
    /// The files as they are, under the commit that is checked out.
    WorkTree(Id),
}

/// What files that follow are the difference to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Base {
    /// They are all files.
    Nothing,
    Commit(Id),
    /// The work tree as it was answered last.
    LastWorkTree,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Begin {
    /// Of the commit, in seconds since 1970.
    pub(super) time: i64,
    pub(super) authorship: Authorship,
    pub(super) base: Base,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct End {
    /// Some files stand where links lead: what differs from them cannot be told by names alone.
    pub(super) has_links: bool,
}

/// Writes a message, as a whole: a buffer of the stream would go on holding files and credentials.
pub(super) fn write(out: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let bytes = vec![0; size_of::<u32>()];
    let mut bytes = postcard::to_extend(message, bytes).map_err(io::Error::other)?;
    let (head, content) = bytes.split_at_mut(size_of::<u32>());
    let length = u32::try_from(content.len()).ok();
    let length = length.filter(|length| *length <= LONGEST);
    let length = length.ok_or(io::ErrorKind::FileTooLarge)?;
    head.copy_from_slice(&length.to_le_bytes());
    out.write_all(&bytes)
}

/// Reads a message, and nothing of the next one.
pub(super) fn read<T: DeserializeOwned>(input: &mut impl Read) -> io::Result<T> {
    let mut length = [0; size_of::<u32>()];
    input.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    input.take(length.into()).read_to_end(&mut bytes)?;
    if bytes.len() < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    // What postcard says does not quote the bytes.
    postcard::from_bytes(&bytes).map_err(io::Error::other)
}

/// A secret in a message: the one place where credentials leave the server's memory, for the worker that logs in.
pub(super) mod secret {
    use secrecy::{ExposeSecret as _, SecretString};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(in crate::git) fn serialize<S: Serializer>(
        secret: &SecretString,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        secret.expose_secret().serialize(serializer)
    }

    pub(in crate::git) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SecretString, D::Error> {
        String::deserialize(deserializer).map(SecretString::from)
    }

    /// One that may be missing.
    pub(in crate::git) mod option {
        use secrecy::{ExposeSecret as _, SecretString};
        use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

        pub(in crate::git) fn serialize<S: Serializer>(
            secret: &Option<SecretString>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            let exposed = secret.as_ref().map(SecretString::expose_secret);
            exposed.serialize(serializer)
        }

        pub(in crate::git) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<SecretString>, D::Error> {
            let read: Option<String> = Option::deserialize(deserializer)?;
            Ok(read.map(SecretString::from))
        }
    }
}
