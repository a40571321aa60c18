use git2::Oid;

use super::{
    Trouble,
    listing::oid,
    pkt_line::{FLUSH, Line, text, write},
    session::Session,
};

/// Bytes of one answer.
const MAX_PACK: u64 = 4 << 30;
/// Commits that end the history that we have.
const MAX_SHALLOW: usize = 100_000;

/// Which objects we would like to have.
#[derive(Debug, Default)]
pub(in crate::git::worker) struct Wish<'a> {
    /// Commits and tags with all that they lead to.
    pub(in crate::git::worker) wants: &'a [Oid],
    /// Commits that we have with all that they lead to.
    pub(in crate::git::worker) haves: &'a [Oid],
    /// Commits whose parents we do not have.
    pub(in crate::git::worker) shallow: &'a [Oid],
    /// How many commits deep; all if not said.
    pub(in crate::git::worker) depth: Option<u32>,
}

/// What the remote said about the history that it sent.
#[derive(Debug, Default)]
pub(in crate::git::worker) struct Received {
    /// Commits whose parents were left out.
    pub(in crate::git::worker) shallow: Vec<Oid>,
}

impl Session {
    pub(super) async fn fetch(
        &mut self,
        wish: &Wish<'_>,
        take: &mut dyn FnMut(&[u8]) -> Result<(), Trouble>,
    ) -> Result<Received, Trouble> {
        let mut body = self.begin("fetch").await?;
        wish.write(&mut body);
        let mut lines = self.post(body, MAX_PACK).await?;
        let mut received = Received::default();
        loop {
            let Some(part) = lines.text().await? else {
                return Err(Trouble::NotGit);
            };
            if part == "packfile" {
                break;
            }
            while let Some(line) = lines.text().await? {
                received.note(&line)?;
            }
        }
        loop {
            match lines.next().await? {
                Line::Data(data) => side_band(&data, take)?,
                Line::Flush => break,
                Line::Delimiter => return Err(Trouble::NotGit),
            }
        }
        lines.finish().await?;
        Ok(received)
    }
}

impl Wish<'_> {
    fn write(&self, body: &mut String) {
        write(body, "thin-pack");
        write(body, "ofs-delta");
        for id in self.shallow {
            write(body, &format!("shallow {id}"));
        }
        if let Some(depth) = self.depth {
            write(body, &format!("deepen {depth}"));
        }
        for id in self.wants {
            write(body, &format!("want {id}"));
        }
        for id in self.haves {
            write(body, &format!("have {id}"));
        }
        write(body, "done");
        body.push_str(FLUSH);
    }
}

impl Received {
    fn note(&mut self, line: &str) -> Result<(), Trouble> {
        if let Some(id) = line.strip_prefix("shallow ") {
            if self.shallow.len() >= MAX_SHALLOW {
                return Err(Trouble::TooLarge);
            }
            self.shallow.push(oid(id)?);
        }
        Ok(())
    }
}

/// The first byte says what the rest is: the pack, how far it is, or why there is none.
fn side_band(
    data: &[u8],
    take: &mut dyn FnMut(&[u8]) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    match data.split_first() {
        Some((1, pack)) => take(pack),
        Some((2, _)) => Ok(()),
        Some((3, reason)) => Err(Trouble::Refused(
            text(reason).unwrap_or("no reason").to_owned(),
        )),
        _ => Err(Trouble::NotGit),
    }
}
