use std::{
    collections::{HashMap, VecDeque},
    io::{BufReader, Read as _, Write as _},
    net::TcpStream,
    sync::{Arc, Mutex},
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value},
    trace::v1::Span as Sent,
};
use prost::Message as _;

use super::{
    eventually, expect_that,
    listener::{Request, listen, request},
};

/// A collector of OpenTelemetry's: takes spans by OTLP over HTTP.
pub(crate) struct Collector {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    requests: Vec<Batch>,
    /// The statuses of the next answers; none is an answer that never comes.
    answers: VecDeque<Option<&'static str>>,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) path: String,
    /// With names in small letters.
    pub(crate) headers: HashMap<String, String>,
    /// Of the sender.
    pub(crate) resource: HashMap<String, String>,
    pub(crate) spans: Vec<Span>,
}

/// A span, with ids as hexadecimal digits.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Empty for the first of a trace.
    pub(crate) parent: String,
    pub(crate) kind: i32,
    /// Whether it is no longer than nothing.
    pub(crate) ends_after_its_start: bool,
    pub(crate) attributes: HashMap<String, String>,
    pub(crate) has_failed: bool,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        let port = listen(move |connection| answer_all(connection, &shared));
        Self { port, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Gives these answers first; without a status, none at all.
    pub(crate) fn answer(&self, answers: &[Option<&'static str>]) {
        self.state.lock().unwrap().answers.extend(answers);
    }

    /// All that came so far.
    pub(crate) fn batches(&self) -> Vec<Batch> {
        self.state.lock().unwrap().requests.clone()
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let batches = self.batches().into_iter();
        batches.flat_map(|batch| batch.spans).collect()
    }

    /// Waits for a span of this name.
    #[track_caller]
    pub(crate) fn span(&self, name: &str) -> Span {
        eventually(name, || {
            let spans = self.spans();
            let found = spans.iter().find(|span| span.name == name);
            expect_that(found.is_some(), &spans)?;
            found.cloned().ok_or_else(String::new)
        })
    }
}

fn answer_all(connection: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection);
    let mut writer = connection;
    while let Some(request) = request(&mut reader)? {
        let answer = {
            let mut state = state.lock().unwrap();
            let answer = state.answers.pop_front().unwrap_or(Some("200 OK"));
            state.requests.push(batch(request));
            answer
        };
        let Some(answer) = answer else {
            // Until the other side gives up.
            return reader.read_to_end(&mut Vec::new()).map(|_| ());
        };
        let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
        writer.write_all(answer.as_bytes())?;
    }
    Ok(())
}

fn batch(request: Request) -> Batch {
    let Request {
        line,
        headers,
        body,
    } = request;
    let request = ExportTraceServiceRequest::decode(&*body).unwrap();
    let resources = request.resource_spans.iter();
    let resources = resources.filter_map(|spans| spans.resource.as_ref());
    let resource = resources.flat_map(|resource| texts(&resource.attributes));
    let resource = resource.collect();
    let scopes = request.resource_spans.into_iter();
    let scopes = scopes.flat_map(|spans| spans.scope_spans);
    let spans = scopes.flat_map(|scope| scope.spans);
    Batch {
        path: line.split(' ').nth(1).unwrap_or_default().to_owned(),
        headers,
        resource,
        spans: spans.map(Span::of).collect(),
    }
}

impl Span {
    fn of(sent: Sent) -> Self {
        Self {
            name: sent.name,
            trace: hex(&sent.trace_id),
            id: hex(&sent.span_id),
            parent: hex(&sent.parent_span_id),
            kind: sent.kind,
            ends_after_its_start: sent.start_time_unix_nano <= sent.end_time_unix_nano,
            attributes: texts(&sent.attributes).collect(),
            has_failed: sent.status.is_some_and(|status| status.code == 2),
        }
    }
}

fn texts(attributes: &[KeyValue]) -> impl Iterator<Item = (String, String)> {
    attributes.iter().map(|attribute| {
        let value = attribute.value.as_ref();
        let value = match value.and_then(|value| value.value.as_ref()) {
            Some(any_value::Value::StringValue(text)) => text.clone(),
            other => format!("{other:?}"),
        };
        (attribute.key.clone(), value)
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
