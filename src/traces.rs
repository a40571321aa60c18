//! OpenTelemetry: a refresh is one trace, from the delivery to those who run the commit. Off unless a collector is named.
//!
//! A span is told when it is over, to a bounded queue; nobody waits for a collector. Reads have none.

mod context;
mod exporter;
mod names;
mod publications;
mod queue;
mod settings;
mod span;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use confbus_protocol::{Destination, Outcome, Report};
use http::HeaderMap;
use opentelemetry::trace::{Link, SpanBuilder, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};

use crate::metrics;
pub(crate) use context::TraceContext;
pub(crate) use exporter::Exporter;
pub(crate) use names::*;
use publications::{Place, Publication, Publications};
use queue::Queue;
pub(crate) use settings::Settings;
pub(crate) use span::Span;

/// Tells spans, or nothing at all where no collector is named.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traces(Option<Arc<Tracing>>);

#[derive(Debug)]
struct Tracing {
    tracer: SdkTracer,
    /// The broker's system, and its exchange or topic; absent where events stay in the process.
    destination: Option<(&'static str, String)>,
    /// Never held across a wait.
    publications: Mutex<Publications>,
}

impl Traces {
    /// The exporter has to run, or else spans are dropped and counted.
    ///
    /// # Errors
    /// When TLS is wanted and this machine trusts nobody.
    pub(crate) fn open(
        settings: Settings,
        destination: Option<(&'static str, String)>,
        counted: metrics::Spans,
    ) -> Result<(Self, Box<Exporter>), String> {
        let (queue, spans) = Queue::new(counted.clone());
        let resource = settings.resource();
        let sampler = Sampler::TraceIdRatioBased(settings.probability);
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(sampler)))
            .with_resource(resource.clone())
            .with_span_processor(queue)
            .build();
        let exporter = Exporter::new(settings, &resource, spans, counted)?;
        let tracing = Tracing {
            tracer: provider.tracer("confbus"),
            destination,
            publications: Mutex::default(),
        };
        Ok((Self(Some(Arc::new(tracing))), Box::new(exporter)))
    }

    /// A request that was believed, in the trace that its head names, or in a new one.
    pub(crate) fn request(
        &self,
        name: &'static str,
        headers: &HeaderMap,
        began: SystemTime,
    ) -> Span {
        let parent = headers.get("traceparent");
        let parent = parent.and_then(|value| value.to_str().ok());
        self.start(Part::Request(name), &self.elsewhere(parent), began)
    }

    /// What somebody else says of where it happens.
    pub(crate) fn elsewhere(&self, traceparent: Option<&str>) -> TraceContext {
        let said = traceparent.filter(|_| self.0.is_some());
        said.map_or_else(TraceContext::default, TraceContext::of_traceparent)
    }

    /// The beginning of a trace.
    pub(crate) fn root(&self, part: Part, began: SystemTime) -> Span {
        self.start(part, &TraceContext::default(), began)
    }

    /// A part of a trace; nothing where there is none.
    pub(crate) fn part(&self, part: Part, at: &TraceContext) -> Span {
        self.part_since(part, at, SystemTime::now())
    }

    /// The same of one that began earlier.
    pub(crate) fn part_since(&self, part: Part, at: &TraceContext, began: SystemTime) -> Span {
        if at.is_nowhere() {
            return Span::default();
        }
        self.start(part, at, began)
    }

    /// Keeps in mind that an event goes out, for those who answer it.
    pub(crate) fn published(
        &self,
        event: &str,
        destination: &Destination,
        commit: Option<&str>,
        at: &TraceContext,
    ) {
        if let Some(tracing) = self.0.as_ref().filter(|_| at.is_sampled()) {
            let publication = Publication::new(event, destination, commit, at.clone());
            tracing.with_publications(|all| all.add(publication));
        }
    }

    /// An instance says what became of a version.
    pub(crate) fn reported(&self, report: &Report) {
        let (Some(tracing), Some(version)) = (&self.0, report.version.as_deref()) else {
            return;
        };
        let refused = match &report.outcome {
            Outcome::Applied { .. } => false,
            Outcome::Rejected { .. } => true,
            // It says nothing about a version.
            Outcome::Leaving => return,
        };
        let place = tracing.with_publications(|all| all.applied(&report.instance, version));
        let Some(place) = place else {
            return;
        };
        let span = self.answer(Part::Apply, &place, report.instance.as_str());
        let span = span.with(APPLICATION, report.application.clone());
        let span = span.with(COMMIT, version.to_owned());
        if refused {
            // The reason may tell what is wrong with a value.
            span.with(OUTCOME, "rejected").failed("rejected").end();
        } else {
            span.with(OUTCOME, "applied").end();
        }
    }

    /// A member of the bus says that it acted on an event.
    pub(crate) fn acked(&self, instance: &str, event: Option<&str>) {
        let (Some(tracing), Some(event)) = (&self.0, event) else {
            return;
        };
        let place = tracing.with_publications(|all| all.acked(instance, event));
        if let Some(place) = place {
            let span = self.answer(Part::Process, &place, instance);
            span.with(MESSAGE, event.to_owned()).end();
        }
    }

    /// From the event to the answer.
    fn answer(&self, part: Part, place: &Place, instance: &str) -> Span {
        let span = if place.is_nested {
            self.part_since(part, &place.context, place.at)
        } else {
            let link = place.context.span().cloned().map(Link::with_context);
            self.build(part, &TraceContext::default(), place.at, link)
        };
        span.with(INSTANCE, instance.to_owned())
    }

    fn start(&self, part: Part, at: &TraceContext, began: SystemTime) -> Span {
        self.build(part, at, began, None)
    }

    fn build(&self, part: Part, at: &TraceContext, began: SystemTime, link: Option<Link>) -> Span {
        let Some(tracing) = &self.0 else {
            return Span::default();
        };
        let mut name = part.name().to_owned();
        if part.names_destination() {
            name.push(' ');
            name.push_str(tracing.destination());
        }
        let builder = SpanBuilder::from_name(name)
            .with_kind(part.kind())
            .with_start_time(began)
            .with_links(link.into_iter().collect());
        let span = tracing.tracer.build_with_context(builder, &at.as_parent());
        let span = Span::of(span);
        if !part.names_destination() {
            return span;
        }
        let system = tracing.destination.as_ref();
        let system = system.map_or("confbus", |(system, _)| system);
        span.with(SYSTEM, system)
            .with(OPERATION, part.name())
            .with(MESSAGING_DESTINATION, tracing.destination().to_owned())
    }
}

impl Tracing {
    fn destination(&self) -> &str {
        let known = self.destination.as_ref();
        known.map_or("in process", |(_, name)| name)
    }

    fn with_publications<T>(&self, work: impl FnOnce(&mut Publications) -> T) -> T {
        let all = self.publications.lock();
        work(&mut all.unwrap_or_else(PoisonError::into_inner))
    }
}
