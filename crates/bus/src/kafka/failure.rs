use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// Why there is no connection and what to do about it: words for an operator, without credentials.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{path} cannot be read: {cause}", path = .0.display(), cause = .1)]
    File(PathBuf, io::Error),
    #[error("certificates and keys for TLS: {0}")]
    Keys(String),
    /// In the words of librdkafka.
    #[error("{problem}{}", hint(*.code))]
    Said {
        code: RDKafkaErrorCode,
        problem: String,
    },
    #[error("{doing}: no answer within {within:?}{}", because(.last))]
    NoAnswer {
        doing: &'static str,
        within: Duration,
        last: Option<String>,
    },
    #[error("topic `{0}` does not exist: create it, or switch its creation on")]
    NoTopic(String),
    #[error("topic `{topic}` cannot be created: {problem}")]
    NotCreated { topic: String, problem: String },
    #[error("the partitions cannot be read from their ends: {0}")]
    Assignment(String),
    #[error("no thread can be had: {0}")]
    Thread(io::Error),
    #[error("stopped")]
    Stopped,
}

impl Failure {
    /// For `map_err`: of reading a file.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::File(path.to_owned(), error)
    }

    /// An error of the library, with what it said last about a connection.
    pub(super) fn of(error: &KafkaError, last: Option<String>) -> Self {
        let code = code(error);
        let problem = match (code, last) {
            // It says no more than that it has gone on to fail.
            (
                RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::BrokerTransportFailure,
                Some(last),
            ) => last,
            (_, Some(last)) if last.contains(&words(error)) => last,
            _ => words(error),
        };
        Self::Said { code, problem }
    }
}

/// What kind of error it is.
pub(super) fn code(error: &KafkaError) -> RDKafkaErrorCode {
    error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail)
}

/// An error as part of a sentence. Never the value of a setting.
pub(super) fn words(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(_, _, key, _) => format!("librdkafka does not take `{key}`"),
        KafkaError::ClientCreation(problem) => problem.clone(),
        error => match error.rdkafka_error_code() {
            Some(code) => code.to_string(),
            None => error.to_string(),
        },
    }
}

fn because(last: &Option<String>) -> String {
    last.as_ref()
        .map(|last| format!("; {last}"))
        .unwrap_or_default()
}

fn hint(code: RDKafkaErrorCode) -> &'static str {
    match code {
        RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed => {
            "; check user name, password and mechanism (`sasl.jaas.config`, `sasl.mechanism`)"
        }
        RDKafkaErrorCode::SSL => {
            "; check whom we trust, and that this is the broker's port for TLS"
        }
        RDKafkaErrorCode::TopicAuthorizationFailed => {
            "; grant `Read`, `Write` and `Describe` on the topic, and `Create` unless it exists"
        }
        RDKafkaErrorCode::GroupAuthorizationFailed => {
            "; grant `Read` on consumer groups that begin with `anonymous.`"
        }
        RDKafkaErrorCode::AutoOffsetReset => "; the broker has dropped what was to be read next",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_its_advice() {
        let text = |code| Failure::of(&KafkaError::MessageConsumption(code), None).to_string();
        assert!(text(RDKafkaErrorCode::Authentication).contains("password"));
        assert!(text(RDKafkaErrorCode::GroupAuthorizationFailed).contains("`anonymous.`"));
        assert!(text(RDKafkaErrorCode::TopicAuthorizationFailed).contains("`Write`"));
        assert!(text(RDKafkaErrorCode::SSL).contains("port for TLS"));
        assert!(text(RDKafkaErrorCode::AutoOffsetReset).contains("dropped"));
        let down = KafkaError::MessageConsumption(RDKafkaErrorCode::AllBrokersDown);
        let failure = Failure::of(&down, Some("broker:9092: refused".into()));
        assert_eq!(failure.to_string(), "broker:9092: refused");
    }
}
