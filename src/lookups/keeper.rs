use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use confbus_protocol::{Application, PropertySource};
use confbus_resolution::EnvironmentRequest;
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    Answer, Changed, Confirmed, Inner, LookupError, Reply, Wish,
    kept::{Kept, MOST_ANSWERS},
    question::{Asked, ForWhom},
    round::{NextRound, Round},
};
use crate::look::Trigger;

/// Questions of a round beside each other; first questions do not wait for them.
pub(super) const AT_ONCE: usize = 4;

/// First questions beside each other; what is more waits to be told to come again.
pub(super) const FIRST_AT_ONCE: usize = 64;

/// Asks the store, and alone changes what is kept.
pub(crate) struct Keeper {
    inner: Arc<Inner>,
    interval: Duration,
    wishes: mpsc::Receiver<Wish>,
    changed: mpsc::Sender<Changed>,
    swapped: Box<dyn Fn() + Send + Sync>,
    asking: FuturesUnordered<BoxFuture<'static, Asked>>,
    /// Who waits for a first answer.
    waiting: HashMap<EnvironmentRequest, Vec<Reply<Arc<Answer>>>>,
    round: Option<Round>,
    next: Option<NextRound>,
    /// Not kept; looked up with each round until they are found.
    wanted: HashSet<EnvironmentRequest>,
    /// Those of them that somebody asked for in vain, and may have been answered without.
    passed_over: HashSet<EnvironmentRequest>,
    /// There were more of those than are remembered.
    has_forgotten: bool,
    /// Whose answers changed and who was not told yet.
    untold: BTreeSet<String>,
    /// Why those are to be told, as soon as there is room for it.
    because: Option<Trigger>,
    is_trouble_told: bool,
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("of", &self.inner.shown)
            .finish()
    }
}

impl Keeper {
    pub(super) fn new(
        inner: Arc<Inner>,
        interval: Duration,
        wishes: mpsc::Receiver<Wish>,
        changed: mpsc::Sender<Changed>,
        swapped: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        Self {
            inner,
            interval,
            wishes,
            changed,
            swapped,
            asking: FuturesUnordered::new(),
            waiting: HashMap::new(),
            round: None,
            next: None,
            wanted: HashSet::new(),
            passed_over: HashSet::new(),
            has_forgotten: false,
            untold: BTreeSet::new(),
            because: None,
            is_trouble_told: false,
        }
    }

    /// Answers and looks again until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        stop.run_until_cancelled(self.work()).await;
    }

    async fn work(&mut self) {
        let mut ticks = interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first one is due at once, so that the first round is nobody's but ours.
        ticks.tick().await;
        self.poll();
        loop {
            self.go_on();
            tokio::select! {
                Some(wish) = self.wishes.recv() => self.wish(wish),
                Some(asked) = self.asking.next(), if !self.asking.is_empty() => {
                    self.settle(asked);
                }
                // Nobody waits here: whom it tells may wait for a round.
                Ok(room) = self.changed.clone().reserve_owned(), if self.because.is_some() => {
                    if let Some(trigger) = self.because.take() {
                        room.send(changed(std::mem::take(&mut self.untold), trigger));
                        self.inner.all_are_told();
                    }
                }
                // A store whose rounds take longer than that is left alone in between.
                _ = ticks.tick() => if self.round.is_none() { self.poll() },
            }
        }
    }

    fn poll(&mut self) {
        let next = self.next.get_or_insert_default();
        next.because = next.because.max(Some(Trigger::Poll));
    }

    fn wish(&mut self, wish: Wish) {
        match wish {
            Wish::Find(request, reply) => self.find(request, reply),
            Wish::Look(because, reply) => {
                let next = self.next.get_or_insert_default();
                next.because = next.because.max(because);
                next.replies.push(reply);
            }
            Wish::Want(requests) => self.want_all(requests),
        }
    }

    /// What is kept is looked up anyway; the rest need not wait until the interval is over.
    fn want_all(&mut self, requests: Vec<EnvironmentRequest>) {
        let kept = self.inner.kept.load();
        let unkept = requests.into_iter();
        let mut unkept = unkept
            .filter(|request| kept.get(request).is_none())
            .peekable();
        if unkept.peek().is_some() {
            self.poll();
        }
        unkept.for_each(|request| self.want(request));
    }

    fn want(&mut self, request: EnvironmentRequest) {
        if self.wanted.len() < MOST_ANSWERS {
            self.wanted.insert(request);
        }
    }

    fn pass_over(&mut self, request: EnvironmentRequest) {
        self.want(request.clone());
        if self.wanted.contains(&request) {
            self.passed_over.insert(request);
        } else {
            self.has_forgotten = true;
        }
    }

    /// Whether somebody may have been answered without it; who that is hears of it.
    fn was_passed_over(&mut self, request: &EnvironmentRequest) -> bool {
        self.wanted.remove(request);
        let was_passed_over = self.passed_over.remove(request);
        if was_passed_over {
            self.note_untold(request);
        }
        was_passed_over
    }

    /// Before its answer is put in service.
    fn note_untold(&mut self, request: &EnvironmentRequest) {
        self.untold.insert(request.application.to_string());
        self.inner.is_untold.store(true, Ordering::Release);
    }

    fn find(&mut self, request: EnvironmentRequest, reply: Reply<Arc<Answer>>) {
        // Meanwhile it may have been found.
        if let Some(answer) = self.inner.kept.load().get(&request) {
            _ = reply.send(Ok(answer));
            return;
        }
        if let Some(waiting) = self.waiting.get_mut(&request) {
            waiting.push(reply);
            return;
        }
        if self.waiting.len() >= FIRST_AT_ONCE {
            _ = reply.send(Err(LookupError::Busy));
            return;
        }
        self.waiting.insert(request.clone(), vec![reply]);
        self.ask(ForWhom::First(request));
    }

    fn ask(&mut self, for_whom: ForWhom) {
        let inner = Arc::clone(&self.inner);
        let asked = async move {
            let found = inner.ask(for_whom.request()).await;
            Asked { for_whom, found }
        };
        self.asking.push(asked.boxed());
    }

    /// Ends a round that is over, begins the next where one is wanted, and asks what there is room for. A round that begins
    /// has something at work, so none is over before something was answered.
    fn go_on(&mut self) {
        if let Some(round) = self.round.take_if(|round| round.is_over()) {
            self.end(round);
        }
        if self.round.is_none()
            && let Some(next) = self.next.take()
        {
            self.begin(next);
        }
        while let Some(round) = &mut self.round
            && round.at_work < AT_ONCE
            && let Some(request) = round.next()
        {
            self.ask(ForWhom::Round(Some(request)));
        }
    }

    /// Where there is nothing to look up, the store is greeted.
    fn begin(&mut self, next: NextRound) {
        let kept = self.inner.kept.load();
        // What is asked right now may have been read before whatever the round is for.
        let unkept = self.waiting.keys().chain(&self.wanted);
        let requests: HashSet<_> = kept.requests().chain(unkept).cloned().collect();
        let has_none = requests.is_empty();
        let mut round = Round::new(requests, next);
        if has_none {
            round.at_work += 1;
            self.ask(ForWhom::Round(None));
        }
        self.round = Some(round);
    }

    fn settle(&mut self, asked: Asked) {
        if asked.found.is_ok() {
            self.inner.is_serving.store(true, Ordering::Release);
        }
        match asked.for_whom {
            ForWhom::First(request) => self.first(request, asked.found),
            ForWhom::Round(request) => {
                let Some(round) = &mut self.round else { return };
                round.at_work -= 1;
                match (asked.found, request) {
                    (Ok(sources), Some(request)) => {
                        round.found.push((request, Arc::new(Answer::new(sources))));
                    }
                    (Ok(_), None) => {}
                    (Err(error), request) => self.missed(request, error),
                }
            }
        }
    }

    /// What only somebody's question is refused, who has no answer yet, is that one's trouble and not the store's.
    fn missed(&mut self, request: Option<EnvironmentRequest>, error: LookupError) {
        let kept = self.inner.kept.load();
        let unkept = request.filter(|request| kept.get(request).is_none());
        if let Some(round) = &mut self.round
            && (unkept.is_none() || error.is_outage())
        {
            round.failed(error.clone());
        }
        if let Some(request) = unkept.filter(|_| error.is_of_caller()) {
            self.wanted.remove(&request);
        }
    }

    fn first(
        &mut self,
        request: EnvironmentRequest,
        found: Result<Vec<PropertySource>, LookupError>,
    ) {
        let waiting = self.waiting.remove(&request).unwrap_or_default();
        let answered = match found {
            Ok(sources) => {
                let answer = Arc::new(Answer::new(sources));
                let was_passed_over = self.was_passed_over(&request);
                let mut kept = Kept::clone(&self.inner.kept.load());
                kept.put(request, Arc::clone(&answer));
                let let_go = kept.fit();
                self.inner.keep(kept);
                // What was answered without it, or is not looked up any more, may be kept elsewhere.
                if was_passed_over || let_go {
                    (self.swapped)();
                }
                Ok(answer)
            }
            Err(error) => {
                if error.is_outage() {
                    self.tell(&error);
                }
                if !error.is_of_caller() {
                    self.pass_over(request);
                }
                Err(error)
            }
        };
        for reply in waiting {
            // Whoever asked may have stopped waiting.
            _ = reply.send(answered.clone());
        }
    }

    /// Puts in service what a round found, all together; whom it concerns is told then.
    fn end(&mut self, mut round: Round) {
        let found = std::mem::take(&mut round.found);
        let because = round.because;
        self.put(found);
        match round.end() {
            Ok(began) => self.recovered(began),
            Err(error) => self.tell(&error),
        }
        if !self.untold.is_empty() {
            self.because = self.because.max(because);
        }
    }

    fn put(&mut self, found: Vec<(EnvironmentRequest, Arc<Answer>)>) {
        let mut kept = Kept::clone(&self.inner.kept.load());
        let mut differs = std::mem::take(&mut self.has_forgotten);
        for (request, answer) in found {
            differs |= self.was_passed_over(&request);
            match kept.get(&request) {
                Some(before) if before.says_the_same(&answer) => continue,
                Some(_) => self.note_untold(&request),
                None => {}
            }
            kept.put(request, answer);
            differs = true;
        }
        let let_go = kept.fit();
        if differs || let_go {
            self.inner.keep(kept);
            (self.swapped)();
        }
    }

    fn recovered(&mut self, began: Instant) {
        let confirmed = Arc::new(Confirmed::new(began));
        self.inner.confirmed.store(Some(confirmed));
        self.inner.error.store(None);
        if std::mem::take(&mut self.is_trouble_told) {
            let store = &self.inner.shown;
            info!(event = "store.reachable", store, "the store answers again");
        }
    }

    fn tell(&mut self, error: &LookupError) {
        self.inner.error.store(Some(Arc::new(error.clone())));
        if !std::mem::replace(&mut self.is_trouble_told, true) {
            warn!(
                event = "store.unreachable",
                store = self.inner.shown,
                error.text = %error,
                "the store could not be asked; what it said last is served"
            );
        }
    }
}

fn changed(names: BTreeSet<String>, trigger: Trigger) -> Changed {
    let applications = names.iter();
    let applications = applications.filter_map(|name| Application::parse(name).ok());
    Changed {
        applications: applications.collect(),
        trigger,
    }
}
