//! What is kept, for who may have it and as long as it is the answer.

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use tracing::debug;

use super::{
    Core, Making,
    answers::{Entry, KeyRef},
    keeping::Keeping,
    question::{Head, Question},
};
use crate::http::{fields::Fields, keep::Kept, peer::Peer};

/// What is known of an answer that is asked for.
pub(super) enum Recalled<A, M> {
    Answer(A),
    /// It may be given once it is sure that nothing has moved.
    Unsure(Arc<Kept>),
    Make(M),
}

/// Why an answer has to be made.
pub(super) enum Miss {
    /// It cannot be kept.
    Never,
    NotYet,
    /// It was kept, and may be given no longer.
    Old {
        was_quick: bool,
    },
}

impl Core {
    /// The answer with head and body, or how it is made.
    pub(super) fn recall_whole<B>(
        &self,
        request: &Request<B>,
        peer: &Peer,
        is_sure: bool,
    ) -> Recalled<Response<Bytes>, Making> {
        let question = Head::of(request).and_then(|head| Question::of(&head));
        let Some((question, keeping)) = question.zip(self.keeping.as_ref()) else {
            return Recalled::Make(Making::Once);
        };
        let began = self.requests.begins();
        let answer = |entry: &Entry| {
            let chosen = entry.kept.finished.choose(&question.wish)?;
            let (is_head, status) = (question.wish.is_head, chosen.status().as_u16());
            self.requests
                .recalled(entry.kept.asked, is_head, status, began);
            Some(chosen.answer())
        };
        match self.recall(&question, peer, is_sure, answer) {
            Recalled::Answer(answer) => Recalled::Answer(answer),
            Recalled::Unsure(kept) => Recalled::Unsure(kept),
            Recalled::Make(miss) => Recalled::Make(keeping.making(&question, miss)),
        }
    }

    /// What `give` makes of the answer that is kept.
    pub(super) fn recall<F: Fields + ?Sized, A>(
        &self,
        question: &Question<'_, F>,
        peer: &Peer,
        is_sure: bool,
        mut give: impl FnMut(&Entry) -> Option<A>,
    ) -> Recalled<A, Miss> {
        let Some(keeping) = &self.keeping else {
            return Recalled::Make(Miss::Never);
        };
        match self.known(keeping, question, peer, is_sure, &mut give) {
            Recalled::Make(_) if self.adopt(keeping, &question.key) => {
                self.known(keeping, question, peer, is_sure, &mut give)
            }
            recalled => recalled,
        }
    }

    fn known<F: Fields + ?Sized, A>(
        &self,
        keeping: &Keeping,
        question: &Question<'_, F>,
        peer: &Peer,
        is_sure: bool,
        give: &mut impl FnMut(&Entry) -> Option<A>,
    ) -> Recalled<A, Miss> {
        let now = self.clock.now();
        let answers = self.answers.borrow();
        let Some(entry) = answers.get(&question.key) else {
            return Recalled::Make(Miss::NotYet);
        };
        let keep = &entry.kept.keep;
        let address = self.asker(question.wish.fields, peer);
        // Whoever may not, or has yet to prove who it is, hears more from the router.
        if !keeping.may(question, peer, address, keep) {
            return Recalled::Make(Miss::Never);
        }
        // Before the generation, which says that what looks have shown till then is true of this answer.
        let covers = question.minimum.is_none_or(|minimum| keep.covers(minimum));
        let is_valid = covers && entry.is_of(keeping.generation(), now);
        if is_valid && keeping.makes_sure && !is_sure && keep.sure_of.is_some() {
            return Recalled::Unsure(Arc::clone(&entry.kept));
        }
        match is_valid.then(|| give(entry)).flatten() {
            Some(answer) => {
                keeping.note(entry, question, address, now);
                debug!(path = question.path, "request answered from memory");
                Recalled::Answer(answer)
            }
            None => Recalled::Make(Miss::Old {
                was_quick: entry.made.was_quick,
            }),
        }
    }

    /// Who asks: whoever is at the other end, unless that is a gateway.
    fn asker(&self, fields: &(impl Fields + ?Sized), peer: &Peer) -> IpAddr {
        let address = peer.address.ip().to_canonical();
        if peer.is_gateway {
            return self.settings.gateways.asker(fields, address);
        }
        address
    }

    /// Keeps an answer that another core made; whether there is one that is not kept here yet.
    fn adopt(&self, keeping: &Keeping, key: &KeyRef<'_>) -> bool {
        let Some((kept, made)) = keeping.shared.get(key, keeping.generation()) else {
            return false;
        };
        let mut answers = self.answers.borrow_mut();
        let is_new = answers
            .get(key)
            .is_none_or(|own| !Arc::ptr_eq(&own.kept, &kept));
        if is_new {
            answers.insert(key.to_owned(), Entry::new(kept, made));
        }
        is_new
    }
}
