//! What happens to every request and every answer: the container's refusals, errors written out, one line in the log.

use std::{sync::Arc, time::Instant};

use axum::{
    body::{Body, HttpBody as _},
    extract::State,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use tracing::{debug, error, info, warn};

use super::{
    Settings,
    accept::{Accept, ErrorForm},
    body::{content_type, is_json},
    error::Failure,
    finished::{Finished, Wish},
    gateways::Outside,
    keep::{Keep, Kept},
    pages,
    serve::Seldom,
    target::{decoded, is_refused},
};
use crate::metrics::Asked;

/// Told once a minute: whoever is not answered asks again, and others with it.
static NOT_READY: Seldom = Seldom::new();
/// Everything that Tomcat answers to TRACE.
const TRACE_ALLOW: &str = "HEAD, DELETE, POST, GET, OPTIONS, PUT";
/// Extensions that a browser may take for what they say; Spring adds a harmless file name to all others.
const SAFE_EXTENSIONS: [&str; 48] = [
    "txt",
    "text",
    "yml",
    "yaml",
    "properties",
    "csv",
    "json",
    "xml",
    "atom",
    "rss",
    "png",
    "jpe",
    "jpeg",
    "jpg",
    "gif",
    "wbmp",
    "bmp",
    "svg",
    "svgz",
    "xhtml",
    "xht",
    "ico",
    "webp",
    "tif",
    "tiff",
    "psd",
    "djvu",
    "mp3",
    "mpga",
    "m4a",
    "oga",
    "ogg",
    "wav",
    "mid",
    "midi",
    "aac",
    "flac",
    "weba",
    "mp4",
    "m4v",
    "mpeg",
    "mpg",
    "mov",
    "qt",
    "avi",
    "webm",
    "ogv",
    "mkv",
];

/// The outermost layer.
pub(super) async fn edge(
    State(settings): State<Arc<Settings>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let headers = request.headers().clone();
    let outside = outside(&request);
    let wish = Wish::of(&method, &headers);

    let mut answer = match refusal(&request, &settings) {
        Some(refused) => refused.into_response(),
        None => next.run(request).await,
    };
    let keep = answer.extensions_mut().remove::<Keep>();
    let failure = answer.extensions_mut().remove::<Failure>();
    let asked = answer.extensions_mut().remove::<Asked>();
    let asked = asked.unwrap_or_default();
    let asked = failure
        .as_ref()
        .map_or(asked, |failure| failure.asked(asked));
    let mut answer = failure.as_ref().map_or(answer, |failure| {
        written(failure, &path, &headers, &outside, &settings)
    });

    disarm(&path, &mut answer);
    guard(&settings, &mut answer);
    let keep = keep.map(|keep| (keep, asked));
    let mut answer = finish(answer, keep, &wish, &settings).await;
    answer.extensions_mut().insert(asked);
    let reason = failure
        .as_ref()
        .and_then(|failure| failure.message.as_deref());
    match failure.as_ref().and_then(|failure| failure.denial.as_ref()) {
        Some(denial) => denial.log(&method, &path, answer.status()),
        None => log(&method, &path, answer.status(), reason, began),
    }
    answer
}

/// What a request is told that nobody is to see, and for which its connection ends.
pub(super) fn refuse<B>(request: &Request<B>, failure: &Failure, settings: &Settings) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let mut answer = written(
        failure,
        path,
        request.headers(),
        &outside(request),
        settings,
    );
    guard(settings, &mut answer);
    let close = HeaderValue::from_static("close");
    answer.headers_mut().insert(header::CONNECTION, close);
    log(
        method,
        path,
        answer.status(),
        failure.message.as_deref(),
        Instant::now(),
    );
    answer
}

/// How this server looks from where a request comes.
fn outside<B>(request: &Request<B>) -> Arc<Outside> {
    let outside = request.extensions().get::<Arc<Outside>>();
    outside.cloned().unwrap_or_default()
}

fn written(
    failure: &Failure,
    path: &str,
    headers: &HeaderMap,
    outside: &Outside,
    settings: &Settings,
) -> Response {
    let accept = Accept::of(headers);
    let written = failure.write(path, &accept, settings.include_message);
    if pages::has(settings, path) && accept.error() == ErrorForm::Html {
        return pages::failure(settings, outside, failure, written);
    }
    written
}

/// Gives the answer in the form that is wanted. What may be kept goes along, to be given again.
async fn finish(
    answer: Response,
    keep: Option<(Keep, Asked)>,
    wish: &Wish<'_, HeaderMap>,
    settings: &Settings,
) -> Response {
    let finished = match Finished::of(answer, wish.gzip, &settings.compression).await {
        Ok(finished) => finished,
        Err(unfinished) => return *unfinished,
    };
    let mut answer = finished
        .choose(wish)
        .expect("the form that is wanted was made")
        .answer();
    let keep = keep.filter(|_| matches!(finished.status(), StatusCode::OK | StatusCode::NOT_FOUND));
    if let Some((keep, asked)) = keep {
        let kept = Kept {
            finished,
            keep,
            asked,
        };
        answer.extensions_mut().insert(Arc::new(kept));
    }
    answer
}

fn refusal(request: &Request<Body>, settings: &Settings) -> Option<Failure> {
    let uri = request.uri();
    if uri.path().len() + uri.query().map_or(0, str::len) > settings.limits.target {
        return Some(Failure::container(StatusCode::URI_TOO_LONG));
    }
    if is_refused(uri.path(), uri.query()) {
        return Some(Failure::container(StatusCode::BAD_REQUEST));
    }
    if request.method() == Method::TRACE {
        return Some(Failure::method_not_allowed(TRACE_ALLOW));
    }
    let context = settings.context_path.as_str();
    if !context.is_empty() && uri.path() == context {
        return Some(to_the_slash(request, settings));
    }
    settings
        .context_path
        .below(uri.path())
        .is_none()
        .then(|| Failure::container(StatusCode::NOT_FOUND))
}

/// A context path without its slash leads to the one with it, as in Tomcat. On the host that was asked, whichever that
/// is: what a request calls it stands in no answer.
fn to_the_slash(request: &Request<Body>, settings: &Settings) -> Failure {
    let base = outside(request).base(settings);
    let query = request.uri().query().map(|query| format!("?{query}"));
    let place = format!("{base}/{}", query.unwrap_or_default());
    let failure = Failure::empty(StatusCode::FOUND);
    match HeaderValue::try_from(place) {
        Ok(place) => failure.with(header::LOCATION, place),
        Err(_) => failure,
    }
}

/// Gives a body whose URL ends like a program or a page a file name of ours, so that no browser runs it.
fn disarm(path: &str, answer: &mut Response) {
    let status = answer.status();
    let is_page = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|content_type| content_type == "text/html;charset=utf-8");
    let written = (status.is_success() || status.as_u16() >= 400)
        && answer.body().size_hint().exact() != Some(0);
    if written && !is_page && !ends_safely(path) {
        answer.headers_mut().insert(
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("inline;filename=f.txt"),
        );
    }
}

/// Tells browsers to take nothing for more than it is, to load nothing for it, and to stay with TLS.
fn guard(settings: &Settings, answer: &mut Response) {
    let content_type = content_type(answer.headers());
    let is_data = is_json(&content_type) || matches!(content_type.as_str(), "" | "text/plain");
    let headers = answer.headers_mut();
    let has_policy = headers.contains_key(header::CONTENT_SECURITY_POLICY);
    let mut say = |name, value| headers.insert(name, HeaderValue::from_static(value));
    say(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // A page says itself what it loads.
    if !is_data && !has_policy {
        say(header::CONTENT_SECURITY_POLICY, "default-src 'none'");
    }
    if settings.tls.is_some() {
        say(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

fn ends_safely(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    let (file, parameters) = last.split_once(';').unwrap_or((last, ""));
    [file, parameters].into_iter().all(|part| {
        let part = decoded(part);
        let extension = part
            .rsplit_once('.')
            .map(|(_, extension)| extension.to_lowercase())
            .unwrap_or_default();
        extension.trim().is_empty() || SAFE_EXTENSIONS.contains(&extension.as_str())
    })
}

/// The query stays out: it may hold what is nobody's business.
fn log(method: &Method, path: &str, status: StatusCode, reason: Option<&str>, began: Instant) {
    let status = status.as_u16();
    let duration_ms = began.elapsed().as_millis();
    match (status, reason) {
        (503, reason) if NOT_READY.is_due() => {
            warn!(event = "http.not_ready", %method, path, status, reason, "not ready to answer; others like it are told at `debug` for a minute");
        }
        (503, reason) => debug!(%method, path, status, reason, "not ready to answer"),
        (500.., reason) => {
            error!(event = "http.failed", %method, path, status, reason, "request failed");
        }
        (401 | 403, reason) => {
            info!(event = "http.refused", %method, path, status, reason, "request refused");
        }
        (_, reason) => debug!(%method, path, status, reason, duration_ms, "request answered"),
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, middleware, routing::get};
    use tower::ServiceExt as _;

    use super::*;
    use crate::http::settings::BasePath;

    async fn ask(method: &str, path: &str) -> Response {
        let settings = Arc::new(Settings {
            context_path: BasePath::parse("/ctx").unwrap(),
            ..Settings::default()
        });
        let router = Router::new()
            .route(
                "/ctx/{*path}",
                get(|| async { "text" }).fallback(|| async { Failure::method_not_allowed("GET") }),
            )
            .layer(middleware::from_fn_with_state(settings, edge));
        router
            .oneshot(
                Request::builder()
                    .method(method)
                    .uri(path)
                    .body(Body::empty())
                    .unwrap(),
            )
            .await
            .unwrap()
    }

    #[test]
    fn browsers_are_given_a_harmless_name() {
        for (path, expected) in [
            ("/foo/dev", true),
            ("/foo/dev.yml.bak", false),
            ("/foo/dev/1.0.0", false),
            ("/foo/a..b", false),
            ("/foo/.", true),
            ("/favicon.ico", true),
            ("/a/nginx.conf", false),
            ("/a/nginx%2Econf", false),
            ("/a/page.html", false),
            ("/a/data.JSON", true),
            ("/a/x.txt;y=z.sh", false),
            ("/a.sh/x", true),
        ] {
            assert_eq!(ends_safely(path), expected, "{path}");
        }
    }

    #[tokio::test]
    async fn containers_answer_before_the_application() {
        for (method, path, status, content_type) in [
            ("GET", "/ctx/a", 200, "text/plain; charset=utf-8"),
            ("GET", "/ctx/a%2Fb", 400, "text/html;charset=utf-8"),
            ("GET", "/elsewhere", 404, "text/html;charset=utf-8"),
            ("TRACE", "/ctx/a", 405, "application/json"),
            ("PUT", "/ctx/a", 405, "application/json"),
        ] {
            let answer = ask(method, path).await;
            assert_eq!(answer.status(), status, "{method} {path}");
            assert_eq!(
                answer.headers()[header::CONTENT_TYPE],
                content_type,
                "{method} {path}"
            );
        }
    }

    #[tokio::test]
    async fn what_a_request_calls_its_host_leads_nobody_anywhere() {
        let answer = ask("GET", "/ctx?a=b").await;
        assert_eq!(answer.status(), StatusCode::FOUND);
        assert_eq!(answer.headers()[header::LOCATION], "/ctx/?a=b");
    }

    #[tokio::test]
    async fn head_tells_the_length_and_nothing_else() {
        let answer = ask("HEAD", "/ctx/a.sh").await;
        assert_eq!(answer.headers()[header::CONTENT_LENGTH], "4");
        assert_eq!(
            answer.headers()[header::CONTENT_DISPOSITION],
            "inline;filename=f.txt"
        );
        assert_eq!(answer.body().size_hint().exact(), Some(0));
        assert_eq!(ask("PUT", "/ctx/a").await.headers()[header::ALLOW], "GET");
    }
}
