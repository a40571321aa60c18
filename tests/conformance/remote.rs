//! Repositories over HTTP, through Git's own `http-backend`.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use axum::{
    Router,
    body::{self, Body},
    extract::{Request, State},
    http::{HeaderMap, Response, StatusCode, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::AsyncWriteExt as _, net::TcpListener, process::Command, runtime::Runtime, time::timeout,
};

/// Bytes of the longest request that Git sends here.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Longer than Git takes for repositories of a few files.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What is served, and to whom.
struct Remote {
    folder: PathBuf,
    /// The value of `Authorization` that is let in.
    login: Option<String>,
}

/// Serves all repositories below a folder until the runtime ends; says where.
pub(crate) fn serve(
    runtime: &Runtime,
    folder: &Path,
    login: Option<&(String, String)>,
) -> anyhow::Result<SocketAddr> {
    let login = login
        .map(|(name, password)| format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))));
    let remote = Arc::new(Remote {
        folder: folder.to_owned(),
        login,
    });
    let router = Router::new().fallback(answer).with_state(remote);
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    runtime.spawn(async { axum::serve(listener, router).await });
    Ok(address)
}

async fn answer(State(remote): State<Arc<Remote>>, request: Request) -> Response<Body> {
    let authorization = field(request.headers(), "authorization");
    if remote
        .login
        .as_deref()
        .is_some_and(|login| login != authorization)
    {
        let challenge = Response::builder()
            .status(StatusCode::UNAUTHORIZED)
            .header(header::WWW_AUTHENTICATE, r#"Basic realm="git""#);
        return challenge
            .body(Body::empty())
            .expect("the challenge is well-formed");
    }
    match timeout(TIMEOUT, backend(&remote.folder, request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => failed(StatusCode::BAD_GATEWAY, &error.to_string()),
        Err(_) => failed(StatusCode::GATEWAY_TIMEOUT, "Git does not end"),
    }
}

fn failed(status: StatusCode, reason: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(reason.to_owned()));
    *response.status_mut() = status;
    response
}

async fn backend(folder: &Path, request: Request) -> anyhow::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let body = body::to_bytes(body, MOST_BYTES).await?;
    let mut git = Command::new("git")
        .arg("http-backend")
        // Nobody's configuration, and no repository that this test was started from.
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_PROJECT_ROOT", folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", head.uri.path())
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", head.method.as_str())
        .env("CONTENT_TYPE", field(&head.headers, "content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env(
            "HTTP_CONTENT_ENCODING",
            field(&head.headers, "content-encoding"),
        )
        .env("GIT_PROTOCOL", field(&head.headers, "git-protocol"))
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("git with its http-backend")?;
    let mut input = git.stdin.take().context("a pipe to Git")?;
    input.write_all(&body).await?;
    drop(input);
    relayed(&git.wait_with_output().await?.stdout)
}

/// The answer that a CGI program wrote.
fn relayed(output: &[u8]) -> anyhow::Result<Response<Body>> {
    let end = output
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .context("Git wrote no head")?;
    let mut response = Response::builder();
    for line in str::from_utf8(&output[..end])?.split("\r\n") {
        let (name, value) = line.split_once(": ").context("Git wrote an odd head")?;
        response = if name.eq_ignore_ascii_case("status") {
            response.status(value.split(' ').next().unwrap_or_default())
        } else {
            response.header(name, value)
        };
    }
    Ok(response.body(Body::from(output[end + 4..].to_vec()))?)
}

fn field<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}
