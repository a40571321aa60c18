//! Whether an answer may be given again, to whom and how long, and whether it is worth keeping at all.

use confbus_resolution::EnvironmentRequest;
use tokio::sync::futures::Notified;

use super::{
    EnvironmentRepository,
    backend::{Backend, Vaults},
    git_backend::Labels,
    repository::Before,
};

/// Whether an answer may be given again in the generation in which it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// A Vault is asked each time.
    Never,
    /// After [`EnvironmentRepository::make_sure`], if the generation is the same then.
    Sure,
    /// Yes.
    Free,
}

/// Bytes of files from which an answer is made in a small part of a millisecond.
const SMALL: u64 = 16 << 10;

impl EnvironmentRepository {
    /// Counts what answers depend on: an answer that was made in a generation is the answer as long as that lasts, unless
    /// it needed a Vault.
    pub(crate) fn generation(&self) -> u64 {
        self.inner.generation.now()
    }

    /// Resolves when another generation begins, or one has since the last time; for one who waits.
    pub(crate) async fn another_generation(&self) {
        self.inner.generation.another().await;
    }

    /// Resolves when another generation begins, or a look that somebody's doubt caused is over; for any number of those who
    /// wait, from this call on.
    pub(crate) fn news(&self) -> Notified<'_> {
        self.inner.generation.news()
    }

    /// Whether what is answered to a request may depend on who asks: then no answer is for somebody else.
    pub(crate) fn is_divided(&self, request: &EnvironmentRequest) -> bool {
        let label = request.label.as_ref();
        self.inner.waves.divide(request, |name, served| {
            let mut of_name = self.git_repositories();
            of_name.retain(|repository| repository.name() == name);
            // One that is not open may be opened for this request.
            let mut answering = of_name.iter();
            of_name.is_empty() || answering.any(|one| one.may_answer_from(label, served))
        })
    }

    /// Whether answers may be given again.
    pub(crate) fn reuse(&self) -> Reuse {
        let backends = || self.inner.backends.iter();
        if backends().any(Backend::is_vault) {
            Reuse::Never
        } else if backends().any(Backend::makes_sure) {
            Reuse::Sure
        } else {
            Reuse::Free
        }
    }

    /// Makes sure of what a read of this would make sure of before it takes what is in service.
    pub(crate) async fn make_sure(&self, request: &EnvironmentRequest, labels: Labels) {
        // What came of it shows in the generation, or in the read that follows.
        _ = self
            .gather(request, labels, Before::Freshness.nameless(), Vaults::Skip)
            .await;
    }

    /// Whether so little is read for an environment that its answer is made sooner than another thread takes over. Neither
    /// waits nor parses anything.
    pub(crate) fn is_small(&self, request: &EnvironmentRequest) -> bool {
        let mut backends = self.inner.backends.iter();
        let bytes = backends.try_fold(0, |bytes, backend| {
            Some(bytes + backend.bytes_to_read(request)?)
        });
        bytes.is_some_and(|bytes| bytes <= SMALL)
    }
}
