//! In front of the router: each core keeps the answers that it gave and gives them again, without a lock and without a
//! line of memory that another core writes, until something moves. What one core made the others need not make.
//!
//! Whatever is not kept goes through the router, which runs beside: nothing that takes long holds up a core. Only an answer
//! for which little is to be read, or that was made quickly before, is made on the core itself.

mod answers;
mod body;
mod date;
mod heads;
mod keeping;
mod question;
mod recall;
mod shared;

use std::{
    cell::RefCell,
    future::{Ready, ready},
    net::IpAddr,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, extract::ConnectInfo};
use bytes::Bytes;
use futures_util::future::{Either, LocalBoxFuture};
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::{runtime::Handle, task::JoinError};
use tokio_util::task::AbortOnDropHandle;
use tower::ServiceExt as _;

use super::{
    Settings, actuator, edge,
    error::Failure,
    gateways::Gateways,
    keep::Kept,
    peer::Peer,
    serve::{Busy, Clock},
};
use crate::{
    access::Access,
    environment_repository::{EnvironmentRepository, Reuse},
    ledger::Ledger,
    metrics::{Asked, CoreRequests, Requests},
};
use answers::{Answers, Entry, Key, Made};
pub(super) use body::Body;
use date::Date;
pub(super) use heads::Reply;
use keeping::Keeping;
use recall::Recalled;
use shared::Shared;

/// What answers requests; each core makes its own [`Core`] of it.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    router: Router,
    settings: Arc<Settings>,
    keeping: Option<Keeping>,
    requests: Requests,
}

/// The front of one core.
pub(super) struct Core {
    router: Router,
    settings: Arc<Settings>,
    keeping: Option<Keeping>,
    requests: CoreRequests,
    answers: RefCell<Answers>,
    clock: Rc<Clock>,
    date: Date,
    /// Where the router runs.
    beside: Handle,
}

/// An answer at once, or after a while.
pub(super) type Answering = Either<Ready<Answer>, LocalBoxFuture<'static, Answer>>;
/// Fails when a handler panics, and then the connection breaks.
type Answer = Result<Response<Body>, JoinError>;

/// Longer than most answers take. Whatever took longer when it was last made is made beside, unless little is to be read.
const QUICK: Duration = Duration::from_micros(250);

impl Front {
    /// Keeps answers of this router, if any of them may be given again.
    pub(super) fn new(
        router: Router,
        settings: Arc<Settings>,
        access: Access,
        repository: EnvironmentRepository,
        ledger: Ledger,
    ) -> Self {
        let room = settings.limits.kept_bytes / settings.limits.threads.max(1);
        let reuse = repository.reuse();
        let keeping = Keeping {
            access,
            repository,
            ledger,
            makes_sure: reuse == Reuse::Sure,
            room,
            shared: Shared::new(settings.limits.kept_bytes),
            settings: Arc::clone(&settings),
        };
        Self {
            router,
            settings,
            keeping: (room > 0 && reuse != Reuse::Never).then_some(keeping),
            requests: Requests::default(),
        }
    }

    /// Keeps nothing.
    pub(super) fn plain(router: Router, settings: Arc<Settings>) -> Self {
        Self {
            router,
            settings,
            keeping: None,
            requests: Requests::default(),
        }
    }

    /// Counts what it answers there.
    pub(super) fn counting(self, requests: Requests) -> Self {
        Self { requests, ..self }
    }

    /// Who is believed that says for whom it asks.
    pub(super) fn gateways(&self) -> &Gateways {
        &self.settings.gateways
    }

    pub(super) fn core(self, clock: Rc<Clock>, beside: Handle) -> Core {
        let room = self.keeping.as_ref().map_or(0, |keeping| keeping.room);
        Core {
            router: self.router,
            settings: self.settings,
            keeping: self.keeping,
            requests: self.requests.core(),
            answers: RefCell::new(Answers::new(room)),
            date: Date::new(Rc::clone(&clock)),
            clock,
            beside,
        }
    }
}

/// How an answer is made.
enum Making {
    /// For this request only.
    Once,
    /// To be kept.
    Beside(Key),
    /// To be kept, and quick enough not to go elsewhere for it.
    Here(Key),
}

impl Core {
    /// Answers a request, from what is kept if possible. `busy` lasts until the answer was sent.
    pub(super) fn answer(
        self: &Rc<Self>,
        request: Request<Incoming>,
        peer: &Peer,
        busy: Busy,
    ) -> Answering {
        match self.recall_whole(&request, peer, false) {
            Recalled::Answer(answer) => {
                let answer = answer.map(|body| Body::kept(body, busy));
                Either::Left(ready(Ok(answer)))
            }
            recalled => {
                let later = Rc::clone(self).later(request, peer.clone(), recalled, busy);
                Either::Right(Box::pin(later))
            }
        }
    }

    /// Answers a request that nobody is to see; its connection ends.
    pub(super) fn refuse<B>(
        &self,
        request: &Request<B>,
        failure: Failure,
        busy: Busy,
    ) -> Answering {
        let answer = edge::refuse(request, &failure, &self.settings);
        let (method, status) = (request.method().as_str(), answer.status().as_u16());
        self.requests
            .made(Asked::default(), method, status, Duration::ZERO);
        Either::Left(ready(Ok(answer.map(|body| Body::routed(body, busy)))))
    }

    /// Whether what somebody at this address says of others counts.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.settings.gateways.trust(address)
    }

    /// Whether somebody asks how the server is.
    pub(super) fn is_health(&self, path: &str) -> bool {
        actuator::is_health(&self.settings, path)
    }

    async fn later(
        self: Rc<Self>,
        request: Request<Incoming>,
        peer: Peer,
        recalled: Recalled<Response<Bytes>, Making>,
        busy: Busy,
    ) -> Answer {
        let recalled = match (recalled, &self.keeping) {
            (Recalled::Unsure(kept), Some(keeping)) => {
                keeping.make_sure(&kept).await;
                self.recall_whole(&request, &peer, true)
            }
            (recalled, _) => recalled,
        };
        match recalled {
            Recalled::Answer(answer) => Ok(answer.map(|body| Body::kept(body, busy))),
            Recalled::Make(making) => self.make(request, peer, making, busy).await,
            Recalled::Unsure(_) => self.make(request, peer, Making::Once, busy).await,
        }
    }

    /// Makes a request that came through a gateway what it was there.
    fn unwrap<B>(&self, request: &mut Request<B>, peer: Peer) -> Peer {
        if !peer.is_gateway {
            return peer;
        }
        let gateways = &self.settings.gateways;
        let told = gateways.told(request.headers(), peer.address.ip().to_canonical());
        told.write_host(request.headers_mut());
        request.extensions_mut().insert(Arc::new(told.outside));
        Peer {
            address: (told.address, peer.address.port()).into(),
            ..peer
        }
    }

    /// Lets the router answer, and keeps the answer if it may be kept.
    async fn make(
        &self,
        request: Request<Incoming>,
        peer: Peer,
        making: Making,
        busy: Busy,
    ) -> Answer {
        // Before anything is read: what moves meanwhile makes this answer an old one.
        let generation = self.keeping.as_ref().map(Keeping::generation);
        let mut request = request.map(axum::body::Body::new);
        let peer = self.unwrap(&mut request, peer);
        request.extensions_mut().insert(ConnectInfo(peer.address));
        request.extensions_mut().insert(peer);
        let method = request.method().clone();
        let _making = self.requests.making();
        let began = Instant::now();
        let answer = self.router.clone().oneshot(request);
        let Ok(mut answer) = match making {
            Making::Here(_) => answer.await,
            // It ends with this future, as it would here: nobody waits for it any more.
            Making::Beside(_) | Making::Once => {
                AbortOnDropHandle::new(self.beside.spawn(answer)).await?
            }
        };
        let took = began.elapsed();
        let asked = answer.extensions_mut().remove::<Asked>();
        let (asked, status) = (asked.unwrap_or_default(), answer.status().as_u16());
        self.requests.made(asked, method.as_str(), status, took);
        let kept = answer.extensions_mut().remove::<Arc<Kept>>();
        if let (Making::Here(key) | Making::Beside(key), Some(generation), Some(kept)) =
            (making, generation, kept)
        {
            let made = Made {
                generation,
                at: self.clock.now(),
                was_quick: took < QUICK,
            };
            if let Some(keeping) = &self.keeping {
                keeping.shared.insert(key.clone(), &kept, made);
            }
            self.answers
                .borrow_mut()
                .insert(key, Entry::new(kept, made));
        }
        Ok(answer.map(|body| Body::routed(body, busy)))
    }
}
