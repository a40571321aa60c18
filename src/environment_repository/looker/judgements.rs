//! Who is told how the commits are to which labels moved, and that they are counted.

use super::{
    super::{judgement::Judgement, served::Moved},
    Looker,
};

impl Looker {
    /// Keeps in mind which labels moved, until it is known whether their files can be used.
    pub(super) fn note_moved(&mut self, moved: &[Moved]) {
        let labels = moved.iter().map(|moved| moved.label.clone());
        self.unjudged.extend(labels);
    }

    /// Tells about those of which that is known now.
    pub(super) fn tell_judgements(&mut self) {
        let served = self.outcome.served.load_full();
        let mut unjudged = std::mem::take(&mut self.unjudged);
        unjudged.retain(|label| {
            let history = served.labels.get(label);
            if let Some(history) = history.filter(|history| history.is_judged()) {
                let judgement = Judgement::of(&self.name, history);
                self.count_judgement(&judgement);
                self.count_diagnostics(history);
                // Nobody waits for it; what is too much is left out.
                _ = self.outcome.judgements.try_send(judgement);
            }
            history.is_some_and(|history| !history.is_judged())
        });
        self.unjudged = unjudged;
    }
}
