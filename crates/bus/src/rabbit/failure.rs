use std::{fmt, io, path::PathBuf, time::Duration};

use lapin::{ErrorKind, protocol::AMQPError};

/// Why there is no connection and what to do about it: words for an operator, without credentials.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("no answer within {0:?}")]
    NoAnswer(Duration),
    #[error("connecting failed: {0}")]
    Socket(io::Error),
    #[error("the TLS handshake failed: {0}")]
    Tls(io::Error),
    #[error("{path} cannot be read: {cause}", path = .0.display(), cause = .1)]
    File(PathBuf, io::Error),
    #[error("certificates and keys for TLS: {0}")]
    Keys(String),
    #[error("{0} is longer than the 255 bytes that AMQP allows")]
    TooLong(&'static str),
    #[error("{step} failed: {problem}{}", hint(*.step, *.code))]
    Step {
        step: Step,
        problem: String,
        code: Option<u16>,
    },
    #[error("the queue was deleted, or the broker ended our subscription")]
    QueueGone,
    #[error("the connection ended: {0}")]
    Ended(String),
    #[error("an event could not be published")]
    Doubtful,
}

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Connect,
    DeclareExchange,
    DeclareQueue,
    BindQueue,
    Consume,
    OpenPublisher,
}

const ACCESS_REFUSED: u16 = 403;
const NOT_FOUND: u16 = 404;
const RESOURCE_LOCKED: u16 = 405;
const PRECONDITION_FAILED: u16 = 406;
const NOT_ALLOWED: u16 = 530;

impl Failure {
    /// For `map_err`: what lapin says, and the step it was said in.
    pub(super) fn of(step: Step) -> impl FnOnce(lapin::Error) -> Self {
        move |error| Self::Step {
            step,
            problem: words(&error),
            code: reply(&error).map(AMQPError::get_id),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::DeclareExchange => "declaring the exchange",
            Self::DeclareQueue => "declaring the queue",
            Self::BindQueue => "binding the queue",
            Self::Consume => "consuming",
            Self::OpenPublisher => "opening the channel for publishing",
        })
    }
}

fn hint(step: Step, code: Option<u16>) -> &'static str {
    match (step, code) {
        (Step::Connect, Some(ACCESS_REFUSED | NOT_ALLOWED)) => {
            "; check user name, password and virtual host, and the user's permissions on that virtual host"
        }
        (Step::DeclareExchange, Some(PRECONDITION_FAILED)) => {
            "; the exchange exists with other attributes than topic, durable, not auto-delete and no arguments: delete it, \
             then it is declared anew, or choose another exchange with `spring.cloud.bus.destination`"
        }
        (Step::DeclareExchange, Some(ACCESS_REFUSED)) => {
            "; grant the user the `configure` permission on the exchange, or create the exchange beforehand and switch its \
             declaration off"
        }
        (Step::BindQueue, Some(NOT_FOUND)) => {
            "; the exchange does not exist: create it, or switch its declaration on"
        }
        (_, Some(ACCESS_REFUSED)) => {
            "; grant the user the permissions `configure`, `write` and `read` on its queues, and `read` and `write` on the exchange"
        }
        (_, Some(RESOURCE_LOCKED)) => {
            "; another connection holds the queue, the next try takes a new name"
        }
        _ => "",
    }
}

/// The answer of the broker, if it was one.
pub(super) fn reply(error: &lapin::Error) -> Option<&AMQPError> {
    match error.kind() {
        ErrorKind::ProtocolError(reply) => Some(reply),
        _ => None,
    }
}

/// Whether the broker forbade it.
pub(super) fn is_forbidden(error: &lapin::Error) -> bool {
    reply(error).is_some_and(|reply| reply.get_id() == ACCESS_REFUSED)
}

/// An error of lapin as part of a sentence.
pub(super) fn words(error: &lapin::Error) -> String {
    let words = match error.kind() {
        ErrorKind::ProtocolError(reply) => reply.get_message().to_string(),
        ErrorKind::IOError(cause) => cause.to_string(),
        ErrorKind::ParsingError(_) => {
            "the answer is not AMQP 0-9-1; is this the broker's port for TLS?".into()
        }
        _ => error.to_string(),
    };
    words.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(step: Step, code: u16, reply: &str) -> String {
        let reply = AMQPError::from_id(code, reply.into()).unwrap();
        Failure::of(step)(ErrorKind::ProtocolError(reply).into()).to_string()
    }

    #[test]
    fn an_exchange_declared_otherwise_says_what_to_do() {
        let text = text(
            Step::DeclareExchange,
            PRECONDITION_FAILED,
            "PRECONDITION_FAILED - inequivalent arg 'type'",
        );
        assert!(
            text.starts_with(
                "declaring the exchange failed: PRECONDITION_FAILED - inequivalent arg 'type'; "
            ),
            "{text}"
        );
        assert!(
            text.contains("delete it") && text.contains("spring.cloud.bus.destination"),
            "{text}"
        );
    }

    #[test]
    fn each_refusal_has_its_advice() {
        assert!(text(Step::Connect, ACCESS_REFUSED, "Login was refused").contains("password"));
        assert!(text(Step::DeclareQueue, ACCESS_REFUSED, "").contains("`configure`"));
        assert!(text(Step::Consume, RESOURCE_LOCKED, "").contains("new name"));
        assert!(text(Step::BindQueue, NOT_FOUND, "").contains("does not exist"));
    }
}
