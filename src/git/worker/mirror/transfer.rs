use git2::{Odb, OdbLookupFlags, Oid, Repository};

use super::disk::{Disk, Entrance};
use crate::git::worker::{
    intake::Intake,
    lease::Lease,
    smart_http::{Received, SmartHttp, Trouble, Wish},
};

/// Wants of one request; a server may limit the length of requests.
const MAX_WANTS: usize = 8192;
/// Commits that we say we have.
const MAX_HAVES: usize = 128;

/// Brings objects into a mirror.
pub(super) struct Transfer<'t> {
    pub(super) http: &'t mut SmartHttp,
    pub(super) disk: &'t Disk,
    pub(super) repository: &'t Repository,
    pub(super) entrance: Entrance,
    pub(super) lease: &'t Lease,
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
        let haves: Vec<_> = haves
            .iter()
            .copied()
            .filter(|id| is_there(&odb, *id))
            .take(MAX_HAVES)
            .collect();
        let mut left_out = Vec::new();
        for wants in wants.chunks(MAX_WANTS) {
            let wish = Wish {
                wants,
                haves: &haves,
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
        let mut intake = Intake::new(odb, &folder, self.lease)?;
        let received = self
            .http
            .fetch(wish, self.lease, &mut |bytes| intake.take(bytes))
            .and_then(|received| intake.finish().map(|()| received));
        // Whoever takes the pack apart stops as well, and would blame the objects.
        let received = received.map_err(|trouble| match self.lease.is_over() {
            true => Trouble::Here(self.lease.in_words()),
            false => trouble,
        })?;
        odb.refresh().map_err(unusable)?;
        Ok(received)
    }
}

/// Whether the object is here; not whether it just came.
pub(super) fn is_there(odb: &Odb<'_>, id: Oid) -> bool {
    odb.exists_ext(id, OdbLookupFlags::NO_REFRESH)
}

fn unusable(error: git2::Error) -> Trouble {
    Trouble::Pack(error.message().to_owned())
}
