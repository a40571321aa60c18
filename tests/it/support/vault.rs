use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

/// What a test may read of everything; other tokens are let in one by one.
pub(crate) const ROOT: &str = "s.root-of-the-test";

/// A server that answers as Vault's documented KV API does, and refuses requests that do not follow it.
pub(crate) struct VaultServer {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// By namespace and path below `/v1/`, `data/` of version 2 left in.
    secrets: HashMap<(String, String), Value>,
    /// For each token the beginnings of the paths that it may read.
    tokens: HashMap<String, Vec<String>>,
    /// For how many seconds a token is good from now on; all others are for ever.
    lives: HashMap<String, u32>,
    requests: Vec<VaultRequest>,
    connections: usize,
    mood: Mood,
}

/// How it answers.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) enum Mood {
    #[default]
    Well,
    /// With this status, whatever is asked.
    Status(u16),
    /// With this body, whatever is asked.
    Body(&'static str),
    /// With more than anybody reads.
    Endlessly,
    /// Never.
    Silent,
}

/// What it was asked, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VaultRequest {
    pub(crate) path: String,
    pub(crate) token: String,
}

impl VaultServer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state: Arc<Mutex<State>> = Arc::default();
        let server = Self { port, state };
        server.allow(ROOT, "");
        let state = Arc::clone(&server.state);
        // Ends with the test program.
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&state);
                state.lock().unwrap().connections += 1;
                std::thread::spawn(move || answer_all(&connection, &state));
            }
        });
        server
    }

    pub(crate) fn port(&self) -> String {
        self.port.to_string()
    }

    /// Keeps a secret of an engine without versions.
    pub(crate) fn keep(&self, path: &str, values: Value) {
        self.keep_in("", path, values);
    }

    pub(crate) fn keep_in(&self, namespace: &str, path: &str, values: Value) {
        let place = (namespace.to_owned(), path.to_owned());
        self.state.lock().unwrap().secrets.insert(place, values);
    }

    /// Keeps a secret of an engine with versions.
    pub(crate) fn keep_version(&self, mount: &str, path: &str, version: u32, values: Value) {
        let metadata = json!({ "created_time": "2026-01-01T00:00:00Z", "custom_metadata": null, "deletion_time": "",
            "destroyed": false, "version": version });
        let path = format!("{mount}/data/{path}");
        self.keep(&path, json!({ "data": values, "metadata": metadata }));
    }

    /// Lets a token read all paths that begin so.
    pub(crate) fn allow(&self, token: &str, beginning: &str) {
        let mut state = self.state.lock().unwrap();
        let beginnings = state.tokens.entry(token.to_owned()).or_default();
        beginnings.push(beginning.to_owned());
    }

    /// Lets a token run out unless it is renewed.
    pub(crate) fn limit(&self, token: &str, seconds: u32) {
        let mut state = self.state.lock().unwrap();
        state.lives.insert(token.to_owned(), seconds);
    }

    pub(crate) fn answer(&self, mood: Mood) {
        self.state.lock().unwrap().mood = mood;
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    /// What it was asked, and goes on being told.
    pub(crate) fn asked(&self) -> Vec<VaultRequest> {
        self.state.lock().unwrap().requests.clone()
    }

    /// What it was asked since the last time that somebody wanted to know.
    pub(crate) fn requests(&self) -> Vec<VaultRequest> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }
}

struct Asked {
    line: String,
    headers: HashMap<String, String>,
}

fn answer_all(connection: &TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(connection);
    while let Some(asked) = read(&mut reader) {
        let (mood, answer) = {
            let mut state = state.lock().unwrap();
            (state.mood, state.answer(&asked))
        };
        let written = match mood {
            Mood::Well => write(connection, answer.0, &answer.1.to_string()),
            Mood::Status(status) => write(connection, status, r#"{"errors":["told so"]}"#),
            Mood::Body(body) => write(connection, 200, body),
            Mood::Endlessly => write(connection, 200, &" ".repeat(5 << 20)),
            Mood::Silent => Ok(()),
        };
        if written.is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl std::io::BufRead) -> Option<Asked> {
    let mut lines = reader.lines().map_while(Result::ok);
    let line = lines.next()?;
    let headers = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        })
        .collect();
    Some(Asked { line, headers })
}

fn write(mut connection: &TcpStream, status: u16, body: &str) -> std::io::Result<()> {
    let elsewhere = "http://127.0.0.1:1/v1/elsewhere";
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nLocation: {elsewhere}\r\nContent-Length: {length}\r\n\r\n"
    );
    connection.write_all(head.as_bytes())?;
    connection.write_all(body.as_bytes())
}

impl State {
    fn answer(&mut self, asked: &Asked) -> (u16, Value) {
        let error = |status, text: &str| (status, json!({ "errors": [text] }));
        let header = |name: &str| asked.headers.get(name).cloned().unwrap_or_default();
        let line = asked.line.strip_suffix(" HTTP/1.1").unwrap_or_default();
        let renewal = "POST /v1/auth/token/renew-self";
        let path = line.strip_prefix("GET /v1/");
        let Some(path) = path.or_else(|| (line == renewal).then(|| &line["POST /v1/".len()..]))
        else {
            return error(405, "only reads and renewals are expected");
        };
        let request = VaultRequest {
            path: decoded(path),
            token: header("x-vault-token"),
        };
        self.requests.push(request.clone());
        let strange = ["authorization", "cookie", "x-config-token"];
        let is_strange = |name: &&str| asked.headers.contains_key(*name);
        if path.contains('?') || strange.iter().any(is_strange) {
            return error(400, "unexpected query or header");
        }
        if header("x-vault-request") != "true" {
            return error(400, "missing 'X-Vault-Request' header");
        }
        let allowed = self.tokens.get(&request.token);
        if let (Some(_), Some(what)) = (allowed, request.path.strip_prefix("auth/token/")) {
            return (200, self.life(what, &request.token));
        }
        let may_read = |beginning: &String| request.path.starts_with(beginning.as_str());
        if !allowed.is_some_and(|beginnings| beginnings.iter().any(may_read)) {
            return error(403, "permission denied");
        }
        let place = (header("x-vault-namespace"), request.path);
        let Some(data) = self.secrets.get(&place) else {
            return (404, json!({ "errors": [] }));
        };
        let is_deleted = data.get("metadata").is_some() && data["data"].is_null();
        let status = if is_deleted { 404 } else { 200 };
        let body = json!({ "request_id": "1", "lease_id": "", "renewable": false, "lease_duration": 2_764_800,
            "data": data, "wrap_info": null, "warnings": null, "auth": null });
        (status, body)
    }
}

impl State {
    /// The answers to `lookup-self` and `renew-self`.
    fn life(&self, what: &str, token: &str) -> Value {
        let seconds = self.lives.get(token).copied().unwrap_or_default();
        match what {
            "lookup-self" => {
                json!({ "auth": null, "data": { "ttl": seconds, "renewable": seconds > 0 } })
            }
            _ => {
                json!({ "auth": { "lease_duration": seconds, "renewable": true }, "data": null })
            }
        }
    }
}

fn decoded(path: &str) -> String {
    percent_encoding::percent_decode_str(path)
        .decode_utf8()
        .unwrap()
        .into_owned()
}
