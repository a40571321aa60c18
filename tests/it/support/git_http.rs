//! Git's own HTTP server, `git http-backend`, behind as much of a web server as it needs.

use std::{
    io::{BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// What the server does otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Ordinary,
    /// Asks for `ana` with `s3cret`.
    WithLogin,
    /// Knows only the first versions of the protocol.
    Older,
    /// Sends half of each pack and closes the connection.
    CutsPacks,
    /// Sends packs a little at a time: about a megabyte a second.
    SlowPacks,
    /// Changes a byte within each pack.
    SpoilsPacks,
}

/// Serves the repositories of a folder.
pub(crate) struct GitHttp {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    manner: Arc<Mutex<Manner>>,
}

impl GitHttp {
    pub(crate) fn serve(folder: &Path, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            manner: Arc::new(Mutex::new(manner)),
        };
        let (folder, asked) = (folder.to_path_buf(), Arc::clone(&server.asked));
        let manner = Arc::clone(&server.manner);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let connection = Connection {
                    folder: folder.clone(),
                    asked: Arc::clone(&asked),
                    manner: Arc::clone(&manner),
                };
                // A client that goes away is no failure.
                thread::spawn(move || _ = connection.serve(stream));
            }
        });
        server
    }

    pub(crate) fn url(&self, repository: &str) -> String {
        format!("http://{}/{repository}", self.address)
    }

    pub(crate) fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// The lines of the requests since the last call.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

struct Connection {
    folder: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
    manner: Arc<Mutex<Manner>>,
}

#[derive(Default)]
struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn read(reader: &mut impl std::io::BufRead) -> std::io::Result<Option<Self>> {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split(' ').map(str::to_owned);
        let mut request = Self {
            method: words.next().unwrap_or_default(),
            target: words.next().unwrap_or_default(),
            ..Self::default()
        };
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            let header = (name.to_ascii_lowercase(), value.to_owned());
            request.headers.push(header);
        }
        let length = request.header("content-length").parse().unwrap_or(0);
        request.body = vec![0; length];
        reader.read_exact(&mut request.body)?;
        Ok(Some(request))
    }

    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// A pkt-line begins with its length.
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{} {}", self.method, self.target)];
        let text = String::from_utf8_lossy(&self.body);
        let mut rest: &str = &text;
        while let Some(digits) = rest.get(..4) {
            let length = usize::from_str_radix(digits, 16).unwrap_or(0).max(4);
            let (line, after) = rest.split_at(length.min(rest.len()));
            lines.push(line[4..].trim_end().to_owned());
            rest = after;
        }
        lines
    }
}

impl Connection {
    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some(request) = Request::read(&mut reader)? {
            self.asked.lock().unwrap().extend(request.lines());
            let manner = *self.manner.lock().unwrap();
            let answer = self.answer(&request, manner);
            if manner == Manner::SlowPacks && is_pack(&request) {
                write_slowly(&stream, &answer)?;
            } else {
                (&stream).write_all(&answer)?;
            }
            if manner == Manner::CutsPacks && is_pack(&request) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn answer(&self, request: &Request, manner: Manner) -> Vec<u8> {
        // `ana:s3cret`
        let login = "Basic YW5hOnMzY3JldA==";
        if manner == Manner::WithLogin && request.header("authorization") != login {
            let realm = "WWW-Authenticate: Basic realm=\"git\"\r\n";
            return format!("HTTP/1.1 401 Unauthorized\r\n{realm}Content-Length: 0\r\n\r\n").into();
        }
        let output = self.backend(request, manner);
        let end = output.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = output.split_at(end.expect("an answer of git http-backend") + 4);
        let head = String::from_utf8_lossy(head);
        let status = head
            .lines()
            .find_map(|line| line.strip_prefix("Status: "))
            .unwrap_or("200 OK");
        let length = body.len();
        let mut body = body.to_vec();
        if is_pack(request) && manner == Manner::CutsPacks {
            body.truncate(length / 2);
        } else if is_pack(request) && manner == Manner::SpoilsPacks {
            let pack = body.windows(4).position(|four| four == b"PACK");
            // Behind the header, within the first object.
            body[pack.expect("a pack") + 16] ^= 0x55;
        }
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{head}");
        [head.into_bytes(), body].concat()
    }

    fn backend(&self, request: &Request, manner: Manner) -> Vec<u8> {
        let (path, query) = request
            .target
            .split_once('?')
            .unwrap_or((&request.target, ""));
        let version = if manner == Manner::Older {
            ""
        } else {
            request.header("git-protocol")
        };
        let mut child = Command::new("git")
            .arg("http-backend")
            .env("GIT_PROJECT_ROOT", &self.folder)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("GIT_PROTOCOL", version)
            .env("PATH_INFO", path)
            .env("QUERY_STRING", query)
            .env("REQUEST_METHOD", &request.method)
            .env("CONTENT_TYPE", request.header("content-type"))
            .env("CONTENT_LENGTH", request.body.len().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("git with its HTTP server");
        let mut input = child.stdin.take().unwrap();
        // It may answer without reading all.
        _ = input.write_all(&request.body);
        drop(input);
        let mut output = Vec::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut output)
            .unwrap();
        _ = child.wait();
        output
    }
}

fn write_slowly(mut stream: &TcpStream, answer: &[u8]) -> std::io::Result<()> {
    for piece in answer.chunks(64 << 10) {
        stream.write_all(piece)?;
        thread::sleep(Duration::from_millis(60));
    }
    Ok(())
}

fn is_pack(request: &Request) -> bool {
    request
        .body
        .windows(13)
        .any(|part| part == b"command=fetch")
}
