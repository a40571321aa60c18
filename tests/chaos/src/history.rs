//! What was recorded of a run: every push, answer, event and application, every fault, in the order of one clock.
//!
//! A history is of one label of one repository. It is written as JSON lines, an [`Entry`] each.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Microseconds since the run began, by a clock that nobody sets.
pub type Micros = u64;

/// Who did something, a commit, an address: said again and again, so it is shared.
pub type Name = Arc<str>;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was over; of a push, before anybody could see it.
    pub at: Micros,
    /// What it was.
    #[serde(flatten)]
    pub what: What,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum What {
    /// The label was moved to a commit, whether by a commit on top, by force, or back.
    Pushed {
        /// The commit's id.
        commit: Name,
        /// By address: what an answer at this commit holds, for every address whose files are good.
        contents: BTreeMap<Name, Name>,
        /// Addresses whose files are broken at this commit, so that nobody may see it there.
        broken: BTreeSet<Name>,
        /// Addresses whose values clients refuse.
        unfit: BTreeSet<Name>,
    },
    /// A read came to its end.
    Read(Read),
    /// A message was heard on the bus.
    Event {
        /// Who sent it.
        origin: Name,
        /// Who should act.
        destination: Name,
        /// The commit that it names.
        commit: Option<Name>,
    },
    /// Somebody said on the bus that an event was done.
    Acknowledged {
        /// Who.
        origin: Name,
    },
    /// A client made a version its own.
    Applied {
        /// Which client.
        client: Name,
        /// What it runs now.
        version: Name,
        /// What that holds, unless it was replaced before anybody could look.
        content: Option<Name>,
    },
    /// A client was asked what it runs.
    Holds {
        /// Which client.
        client: Name,
        /// The version that it names; nothing when it has no configuration.
        version: Option<Name>,
        /// What it holds.
        content: Option<Name>,
    },
    /// A client refused a version.
    Refused {
        /// Which client.
        client: Name,
        /// Why.
        reason: String,
    },
    /// A client began to follow an address.
    ClientStarted {
        /// Which client.
        client: Name,
        /// What it follows.
        address: Name,
    },
    /// A client has ended.
    ClientStopped {
        /// Which client.
        client: Name,
    },
    /// A server takes connections.
    ServerStarted {
        /// Which server; it keeps its name when it is started again.
        server: Name,
    },
    /// A server was ended, or is about to be.
    ServerStopped {
        /// Which server.
        server: Name,
    },
    /// A server is about to be halted with `SIGSTOP`.
    ServerPaused {
        /// Which server.
        server: Name,
    },
    /// A halted server goes on.
    ServerContinued {
        /// Which server.
        server: Name,
    },
    /// The disk of a server that is down was emptied, so that it has nothing to serve at its next start.
    DiskLost {
        /// Which server.
        server: Name,
    },
    /// Something that others depend on is about to fail.
    FaultBegan {
        /// Its name, unique among those that last.
        fault: Name,
    },
    /// It works again.
    FaultEnded {
        /// The name it began with.
        fault: Name,
    },
}

/// A read of one address from one server; the entry's time is when it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Who was asked.
    pub server: Name,
    /// For what.
    pub address: Name,
    /// When.
    pub asked: Micros,
    /// What came of it.
    pub outcome: Outcome,
}

/// How a read ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// With a configuration.
    Found {
        /// The version that the answer names.
        version: Name,
        /// What it holds.
        content: Name,
        /// Whether it says that it is old because newer files are broken.
        held: bool,
    },
    /// With another status, or with a body that is no configuration.
    Other {
        /// The status.
        status: u16,
    },
    /// Without an answer.
    Failed {
        /// Why.
        reason: String,
    },
}

impl What {
    /// Of a fault that begins now.
    pub fn began(fault: impl Into<Name>) -> Self {
        Self::FaultBegan {
            fault: fault.into(),
        }
    }

    /// Of a fault that is over.
    pub fn ended(fault: impl Into<Name>) -> Self {
        Self::FaultEnded {
            fault: fault.into(),
        }
    }
}

/// Writes a history, one line for each entry.
///
/// # Errors
/// Those of the writer.
pub fn write(entries: &[Entry], mut to: impl Write) -> io::Result<()> {
    for entry in entries {
        serde_json::to_writer(&mut to, entry)?;
        to.write_all(b"\n")?;
    }
    to.flush()
}

/// Reads what [`write()`] wrote.
///
/// # Errors
/// Those of the reader; a line that is no entry is named by its number, counted from one.
pub fn read(from: impl BufRead) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for (number, line) in (1..).zip(from.lines()) {
        let entry = serde_json::from_str(&line?)
            .map_err(|error| io::Error::other(format!("line {number}: {error}")))?;
        entries.push(entry);
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<Entry> {
        let found = Outcome::Found {
            version: "c1".into(),
            content: "d1".into(),
            held: false,
        };
        let read = |outcome| {
            What::Read(Read {
                server: "s1".into(),
                address: "/orders/prod/main".into(),
                asked: 3,
                outcome,
            })
        };
        let failed = Outcome::Failed {
            reason: "refused".to_owned(),
        };
        let pushed = What::Pushed {
            commit: "c1".into(),
            contents: BTreeMap::from([("/orders/prod/main".into(), "d1".into())]),
            broken: BTreeSet::new(),
            unfit: BTreeSet::from(["/billing/prod/main".into()]),
        };
        [
            pushed,
            What::began("broker"),
            read(found),
            read(Outcome::Other { status: 503 }),
            read(failed),
        ]
        .into_iter()
        .zip(1..)
        .map(|(what, at)| Entry { at, what })
        .collect()
    }

    #[test]
    fn what_was_written_is_read() {
        let mut written = Vec::new();
        write(&entries(), &mut written).unwrap();
        assert_eq!(read(written.as_slice()).unwrap(), entries());
        let text = String::from_utf8(written).unwrap();
        let second = text.lines().nth(1).unwrap();
        assert_eq!(second, r#"{"at":2,"what":"fault-began","fault":"broker"}"#);
    }

    #[test]
    fn a_line_that_is_no_entry_is_named() {
        let error = read(&b"{\"at\":1,\"what\":\"fault-ended\",\"fault\":\"x\"}\nhello\n"[..]);
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("line 2: "), "{error}");
    }
}
