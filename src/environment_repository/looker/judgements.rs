//! Who is told how the commits are to which labels moved.

use super::{
    super::{judgement::Judgement, served::Moved},
    Looker,
};

impl Looker {
    /// Keeps in mind which labels moved, until it is known whether their files can be used.
    pub(super) fn note_moved(&mut self, moved: &[Moved]) {
        if !self.outcome.judgements.is_closed() {
            let labels = moved.iter().map(|moved| moved.label.clone());
            self.unjudged.extend(labels);
        }
    }

    /// Tells about those of which that is known now.
    pub(super) fn tell_judgements(&mut self) {
        let (outcome, repository) = (&self.outcome, &self.name);
        let served = outcome.served.load();
        self.unjudged.retain(|label| {
            let history = served.labels.get(label);
            if let Some(history) = history.filter(|history| history.is_judged()) {
                // Nobody waits for it; what is too much is left out.
                _ = outcome
                    .judgements
                    .try_send(Judgement::of(repository, history));
            }
            history.is_some_and(|history| !history.is_judged())
        });
    }
}
