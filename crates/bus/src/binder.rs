use std::{fmt, pin::Pin};

use tokio_util::sync::CancellationToken;

use crate::{Counters, Message, PublishError, Status, Subscription};

/// What carries events between the members of a fleet, by Spring Cloud Stream's word for it. Whoever wants another broker
/// writes one, and makes a [`Bus`](crate::Bus) of it with [`Bus::over`](crate::Bus::over).
///
/// What all of them promise, and `tests/conformance` asks of each:
///
/// - Every subscription gets every event that is published while it is there, those of its own process too, and none twice
///   unless the broker gives it twice. Events of one sender come in the order in which they were published.
/// - All fields of a [`Message`] arrive, and the JSON of the event has Spring's keys and no others: what is ours travels
///   beside it.
/// - Nothing is stored for those who are away. Instead [`Signal::LookAgain`](crate::Signal::LookAgain) comes after every
///   connect, the first one too, as soon as no later event can be missed; and whenever events may have been lost.
/// - A broker that is away at the start, or goes away, is no error: it is looked for until it is there.
/// - Everything is bounded: what waits, how long a publish takes, how large a message may be. A message that is no event is
///   counted and dropped, and ends nothing.
/// - No error and no line of the log holds a password, or the content of a message.
pub trait Binder: fmt::Debug + Send + Sync {
    /// What it is called in metrics: `local`, `rabbitmq`, `kafka`.
    fn name(&self) -> &'static str;

    /// Sends an event. Returns when the broker has taken it, or, within a bounded time, with an error whose variant says whether
    /// it may have been sent, and which is transient where the same call may succeed later. Fails at once while there is no
    /// connection.
    fn publish<'a>(&'a self, message: &'a Message) -> Publishing<'a>;

    /// All events from now on. It ends when the binder does.
    fn subscribe(&self) -> Subscription;

    /// How it is doing, from memory.
    fn status(&self) -> Status;

    /// What came and went since the start.
    fn counters(&self) -> Counters;
}

/// Keeps the connection of a bus whose broker is elsewhere. Nothing happens until it runs, in a task of its own.
pub trait Driver: fmt::Debug + Send {
    /// Connects, and connects again after every fault. Returns only on `shutdown`, after it took leave of the broker; then all
    /// subscriptions end.
    fn run(self: Box<Self>, shutdown: CancellationToken) -> Running;
}

/// An event on its way to the broker.
pub type Publishing<'a> = Pin<Box<dyn Future<Output = Result<(), PublishError>> + Send + 'a>>;

/// A driver at work.
pub type Running = Pin<Box<dyn Future<Output = ()> + Send>>;
