use std::{
    collections::{HashMap, VecDeque},
    io::{BufReader, Write as _},
    net::TcpStream,
    sync::{Arc, Mutex},
};

use serde_json::Value;

use super::listener::{Request, listen, request};

/// The API of a Git host, as far as the status of a commit goes: takes all that is posted.
pub(crate) struct StatusHost {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    posts: Vec<Post>,
    /// Status and headers of the next answers.
    answers: VecDeque<String>,
}

/// What was posted.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) path: String,
    /// With names in small letters.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Value,
}

impl StatusHost {
    pub(crate) fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        let port = listen(move |connection| answer_all(connection, &shared));
        Self { port, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Gives these answers first: a status and lines of headers each.
    pub(crate) fn answer(&self, answers: &[&str]) {
        let answers = answers.iter().map(|answer| (*answer).to_owned());
        self.state.lock().unwrap().answers.extend(answers);
    }

    /// All that was posted so far.
    pub(crate) fn posts(&self) -> Vec<Post> {
        self.state.lock().unwrap().posts.clone()
    }
}

fn answer_all(connection: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection);
    let mut writer = connection;
    while let Some(request) = request(&mut reader)? {
        let Request {
            line,
            headers,
            body,
        } = request;
        let answer = {
            let mut state = state.lock().unwrap();
            state.posts.push(Post {
                path: line
                    .strip_prefix("POST ")
                    .and_then(|line| line.strip_suffix(" HTTP/1.1"))
                    .unwrap_or(&line)
                    .to_owned(),
                headers,
                body: serde_json::from_slice(&body).unwrap_or_default(),
            });
            let answer = state.answers.pop_front();
            answer.unwrap_or_else(|| "201 Created".to_owned())
        };
        let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 2\r\n\r\n{{}}");
        writer.write_all(answer.as_bytes())?;
    }
    Ok(())
}
