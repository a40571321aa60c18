use std::{collections::HashSet, time::Instant};

use git2::{Odb, OdbLookupFlags, Oid, Repository};

use super::disk::{Disk, Entrance};
use crate::git::{
    intake::Intake,
    smart_http::{Received, SmartHttp, Trouble, Wish},
};

/// Wants of one request; a server may limit the length of requests.
const MAX_WANTS: usize = 8192;
/// Commits that we say we have.
const MAX_HAVES: usize = 128;
/// Generations back from a commit that we have: the remote may have rewritten the last ones.
const MAX_PARENTS: usize = 4;

/// Brings objects into a mirror.
pub(super) struct Transfer<'t> {
    pub(super) http: &'t mut SmartHttp,
    pub(super) disk: &'t Disk,
    pub(super) repository: &'t Repository,
    pub(super) entrance: Entrance,
    pub(super) until: Instant,
}

impl Transfer<'_> {
    /// Brings what the wants lead to, and gives the commits whose parents were left out.
    ///
    /// With `depth`, that many commits from each; what is shallow so far becomes as deep.
    pub(super) fn bring(
        &mut self,
        wants: &[Oid],
        haves: &[Oid],
        depth: Option<u32>,
    ) -> Result<Vec<Oid>, Trouble> {
        let odb = self.repository.odb().map_err(unusable)?;
        let shallow = self.disk.shallow();
        let mut left_out = Vec::new();
        for wants in wants.chunks(MAX_WANTS) {
            let wish = Wish {
                wants,
                haves: &haves[..haves.len().min(MAX_HAVES)],
                shallow: &shallow,
                depth,
            };
            left_out.extend(self.pack(&odb, &wish)?.shallow);
        }
        if wants.iter().all(|want| is_there(&odb, *want)) {
            return Ok(left_out);
        }
        Err(Trouble::Pack("some are missing".into()))
    }

    fn pack(&mut self, odb: &Odb<'_>, wish: &Wish<'_>) -> Result<Received, Trouble> {
        let folder = self.disk.packs(self.entrance);
        let mut intake = Intake::new(odb, &folder, self.until)?;
        let received = self
            .http
            .fetch(wish, self.until, &mut |bytes| intake.take(bytes))?;
        intake.finish()?;
        odb.refresh().map_err(unusable)?;
        Ok(received)
    }
}

/// Whether the object is here; not whether it just came.
pub(super) fn is_there(odb: &Odb<'_>, id: Oid) -> bool {
    odb.exists_ext(id, OdbLookupFlags::NO_REFRESH)
}

/// These commits and some of those before them, each once.
pub(super) fn with_parents(
    repository: &Repository,
    commits: impl IntoIterator<Item = Oid>,
) -> Vec<Oid> {
    let mut seen = HashSet::new();
    let mut haves = Vec::new();
    for id in commits {
        let mut next = repository.find_commit(id).ok();
        for _ in 0..MAX_PARENTS {
            let Some(commit) = next else { break };
            if haves.len() >= MAX_HAVES || !seen.insert(commit.id()) {
                break;
            }
            haves.push(commit.id());
            next = commit.parent(0).ok();
        }
        if haves.len() >= MAX_HAVES {
            break;
        }
    }
    haves
}

fn unusable(error: git2::Error) -> Trouble {
    Trouble::Pack(error.message().to_owned())
}
