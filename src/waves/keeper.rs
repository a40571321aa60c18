mod look;

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use confbus_protocol::Destination;
use tokio::{sync::mpsc, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    Decision, Order, Wish,
    course::{Course, Event, Next, State, Tell, Wave},
    line::Line,
    lines::Lines,
    now,
    rule::Rule,
    store::Store,
    survey::Survey,
    view::WaveView,
};
use crate::{
    environment_repository::{EnvironmentRepository, Release},
    ledger::Ledger,
    look::Trigger,
    refresh::Refresh,
};

/// Between two looks at those whose turn it is.
const PULSE: Duration = Duration::from_millis(500);
/// Generations may follow one another fast; until the last of them was looked at, nobody is given what is new.
const SETTLE: Duration = Duration::from_millis(5);
/// More instances than these are told with their whole application; those whose turn has not come have nothing new then.
const MAX_EVENTS: usize = 50;

/// Moves on what addresses are given, and tells those for whom that is something else.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(super) rules: Vec<Arc<Rule>>,
    pub(super) lines: Arc<ArcSwap<Lines>>,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) store: Store,
}

/// Whom the keeper asks and tells.
pub(super) struct Others {
    repository: EnvironmentRepository,
    refresh: Refresh,
    ledger: Ledger,
}

impl Keeper {
    /// Keeps the waves until `shutdown`; after [`Keeper::prepare`].
    pub(crate) async fn run(
        mut self,
        repository: EnvironmentRepository,
        refresh: Refresh,
        ledger: Ledger,
        shutdown: CancellationToken,
    ) {
        let others = Others {
            repository,
            refresh,
            ledger,
        };
        let work = async {
            // First: a rule that is gone and comes back some day must not find where its address once was.
            self.save(&self.lines.load_full()).await;
            if self.rules.is_empty() {
                self.decline_all().await;
            }
            self.look(&others).await;
            self.tell_again(&others).await;
            // Outside of the loop: whatever happens more often than it must not put it off.
            let mut pulse = tokio::time::interval(PULSE);
            pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    Some(order) = self.orders.recv() => self.carry_out(order, &others).await,
                    () = others.repository.another_generation() => tokio::time::sleep(SETTLE).await,
                    _ = pulse.tick(), if self.is_busy() => self.count_all(&others).await,
                }
                self.look(&others).await;
            }
        };
        _ = shutdown.run_until_cancelled(work).await;
    }

    /// Without rules there is nothing to decide about.
    async fn decline_all(&mut self) {
        while let Some(Order { reply, .. }) = self.orders.recv().await {
            // Whoever asked may have gone.
            _ = reply.send(Vec::new());
        }
        std::future::pending::<()>().await;
    }

    /// Whether there is something to come back to though nothing moves.
    fn is_busy(&self) -> bool {
        let lines = self.lines.load();
        lines.iter().any(|line| {
            line.misses_something() || line.course.wave.as_ref().is_some_and(Wave::is_running)
        })
    }

    async fn carry_out(&self, order: Order, others: &Others) {
        let Order { wish, by, reply } = order;
        let mut decided = Vec::new();
        for line in self
            .lines
            .load_full()
            .iter()
            .filter(|line| wish.is_about(line))
        {
            let event = event_of(&wish, &by);
            let next = line.course.after(&event, &line.rule, now());
            if let (Some(next), Some(view)) = (next, WaveView::of(line)) {
                let reason = wish.reason.as_deref();
                info!(event = "audit.wave", decision = "allowed", address = %line.rule.address, commit = view.commit, by, reason, "{}", word(wish.decision));
                self.go_on(line, next, None, others).await;
                decided.push(view);
            }
        }
        // Whoever asked may have gone.
        _ = reply.send(decided);
    }

    /// Sees how far those are whose turn it is.
    async fn count_all(&self, others: &Others) {
        for line in self.lines.load_full().iter() {
            let Some(wave) = line.course.wave.as_ref().filter(|wave| wave.is_running()) else {
                continue;
            };
            let Some(survey) = self.survey(line, others).await else {
                return;
            };
            let count = survey.count(wave, now());
            let fleet = survey.fleet();
            let event = Event::Counted {
                count: &count,
                fleet: &fleet,
            };
            let next = line.course.after(&event, &line.rule, now());
            let counted = Arc::new(Line {
                count,
                ..Line::clone(line)
            });
            self.put([Line::clone(&counted)]);
            if let Some(next) = next {
                self.go_on(&counted, next, None, others).await;
            }
        }
    }

    async fn survey(&self, line: &Arc<Line>, others: &Others) -> Option<Survey> {
        let lines = self.lines.load_full();
        Survey::of(line, &lines, &others.repository, &others.ledger).await
    }

    /// Writes down what follows, puts it in force and tells whom it concerns.
    async fn go_on(&self, line: &Arc<Line>, next: Next, newest: Option<&Release>, others: &Others) {
        let Next { course, tell } = next.clone();
        say(&line.course, &course);
        let went_on = line.after(next, newest);
        self.save_with(&went_on).await;
        self.put([went_on.clone()]);
        others.repository.answers_change();
        self.tell(&Arc::new(went_on), tell, others).await;
    }

    /// A step is in force before anybody is told, and the server may have stopped in between.
    async fn tell_again(&self, others: &Others) {
        for line in self.lines.load_full().iter() {
            if let Some(wave) = &line.course.wave {
                self.tell(line, wave.again(), others).await;
            }
        }
    }

    async fn tell(&self, line: &Arc<Line>, tell: Tell, others: &Others) {
        let survey = match tell {
            Tell::Nobody => return,
            Tell::Everyone => None,
            Tell::Some { .. } => self.survey(line, others).await,
        };
        let whole = || vec![Destination::complete(&line.rule.address.application)];
        let destinations = match survey.as_ref().map(|survey| survey.told(tell)) {
            Some(instances) if instances.len() <= MAX_EVENTS => {
                let each = instances.into_iter();
                each.map(|id| Destination::complete(id.as_str())).collect()
            }
            _ => whole(),
        };
        if !destinations.is_empty() {
            others.refresh.tell(Trigger::Wave, destinations).await;
        }
    }

    /// To stand still because a disk is full would be worse than to take a step again after a restart.
    async fn save_with(&self, line: &Line) {
        let mut lines = Lines::clone(&self.lines.load());
        lines.put(line.clone());
        self.save(&lines).await;
    }

    async fn save(&self, lines: &Lines) {
        if let Err(error) = self.store.save(lines.courses()).await {
            warn!(%error, "the waves cannot be saved; after a restart they go on from where they were saved last");
        }
    }

    /// Whoever reads from now on is answered so.
    fn put(&self, changed: impl IntoIterator<Item = Line>) {
        let mut lines = Lines::clone(&self.lines.load());
        changed.into_iter().for_each(|line| lines.put(line));
        self.lines.store(Arc::new(lines));
    }
}

fn event_of<'e>(wish: &'e Wish, by: &'e str) -> Event<'e> {
    match wish.decision {
        Decision::Promote => Event::Promoted,
        Decision::Abort => Event::Aborted {
            by,
            reason: wish.reason.as_deref(),
        },
    }
}

fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Promote => "wave promoted",
        Decision::Abort => "wave aborted",
    }
}

/// Tells the log how a course goes on.
fn say(before: &Course, after: &Course) {
    let (address, label) = (&after.address, &after.label);
    let commit = |wave: &Wave| wave.commit;
    match (&before.wave, &after.wave) {
        (_, Some(wave)) if wave.state == State::Stopped => {
            warn!(event = "wave.stopped", %address, label, commit = %wave.commit, reason = wave.reason, "wave stopped: everybody is given what was before, until somebody decides or a newer commit comes");
        }
        (before, Some(wave)) if wave.is_running() => {
            let in_place_of = before
                .as_ref()
                .map(commit)
                .filter(|old| *old != wave.commit);
            info!(event = "wave.step", %address, label, commit = %wave.commit, percent = wave.percent, ?in_place_of, "wave goes on");
        }
        (Some(_), None) => {
            info!(event = "wave.over", %address, label, commit = %after.settled(), "wave over: everybody has the same");
        }
        _ => {}
    }
}
