use std::{net::IpAddr, sync::Arc, time::Instant};

use http::HeaderMap;

use super::{
    super::{
        Settings,
        configuration::is_small,
        fields::Fields,
        keep::{Keep, Kept},
        peer::Peer,
        reader::Reader,
    },
    Making,
    answers::{Entry, Turn},
    question::Question,
    recall::Miss,
    shared::Shared,
};
use crate::{access::Access, environment_repository::EnvironmentRepository, ledger::Ledger};

/// What it takes to give an answer again.
#[derive(Debug, Clone)]
pub(super) struct Keeping {
    pub(super) settings: Arc<Settings>,
    pub(super) access: Access,
    pub(super) repository: EnvironmentRepository,
    pub(super) ledger: Ledger,
    pub(super) makes_sure: bool,
    /// Bytes of answers for each core.
    pub(super) room: usize,
    pub(super) shared: Shared,
}

impl Keeping {
    /// Here, if that takes no longer than to go elsewhere: it did when it was made last, or little is to be read for it.
    pub(super) fn making(&self, question: &Question<'_, HeaderMap>, miss: Miss) -> Making {
        let (key, headers) = (question.key.to_owned(), question.wish.fields);
        let (settings, repository) = (&self.settings, &self.repository);
        let is_quick = match miss {
            Miss::Never => return Making::Once,
            Miss::NotYet => is_small(settings, repository, question.key.target(), headers),
            Miss::Old { was_quick } => was_quick,
        };
        if is_quick && !question.wish.gzip {
            Making::Here(key)
        } else {
            Making::Beside(key)
        }
    }

    /// Whether it is certain that somebody may be given this.
    pub(super) fn may<F: Fields + ?Sized>(
        &self,
        question: &Question<'_, F>,
        peer: &Peer,
        address: IpAddr,
        keep: &Keep,
    ) -> bool {
        let address = Some(address);
        let evidence = question.said.evidence(address, peer.certificate.as_deref());
        let is_ours = || !peer.is_gateway && question.said.is_of_this_machine(address, None);
        self.access
            .surely_allows(&evidence, is_ours, keep.wanted.as_ref())
    }

    pub(super) fn generation(&self) -> u64 {
        self.repository.generation()
    }

    pub(super) async fn make_sure(&self, kept: &Kept) {
        if let Some((request, labels)) = &kept.keep.sure_of {
            self.repository.make_sure(request, *labels).await;
        }
    }

    /// Tells the ledger who read this. Of those who do not name themselves it need not hear all.
    pub(super) fn note<F: Fields + ?Sized>(
        &self,
        entry: &Entry,
        question: &Question<'_, F>,
        peer: IpAddr,
        now: Instant,
    ) {
        if !entry.is_noted || question.wish.is_head {
            return;
        }
        let reader = || Reader::new(question.wish.fields, peer);
        let named = question.has_name.then(reader).filter(Reader::names_itself);
        let (reader, stands_for_more) = match named {
            Some(reader) => (reader, false),
            None => match entry.repeats.turn(peer, self.ledger.published(), now) {
                Turn::LeaveOut => return,
                turn => (reader(), turn == Turn::StandsForMore),
            },
        };
        if let Some(answered) = &entry.kept.keep.answered {
            self.ledger
                .read(reader.read(Arc::clone(answered), stands_for_more));
        }
    }
}
