//! `GET /_/api/configurations/…`, `/explanations/…`, `/history/…`, `/_/api/diffs` and `/_/api/fleet`: what is given, why, since
//! when, how it differs, and who runs it.
//!
//! Who may see the fleet is not therefore allowed to read: what an address is given is shown to those who may read it, and looks
//! to others like what is not there.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use confbus_protocol::{Address, InvalidAddress, Label};
use confbus_resolution::EnvironmentRequest;
use http::{HeaderMap, StatusCode, Uri};
use url::form_urlencoded;

use super::{
    Settings, access::Asking, configuration::config_token, error::Failure, instances::json,
    route::Names,
};
use crate::{
    access::{Kind, Wanted},
    closest::{LONGEST_NAME, is_comparable},
    inspection::{InspectError, Inspector, NoSuchKey},
    ledger::{Removal, short},
};

/// Parameters of a query that matter here; of a repeated one the first counts.
#[derive(Debug, Default)]
struct Query {
    application: Option<String>,
    profile: Option<String>,
    label: Option<String>,
    key: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

/// The effective configuration of `/{application}/{profile}?label=`.
pub(super) async fn configuration(
    State(settings): State<Arc<Settings>>,
    State(inspector): State<Inspector>,
    asking: Asking,
    Path(names): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let query = Query::parse(uri.query());
    let request = request_of(&asking, &names, query.label.as_deref(), &settings)?;
    let token = config_token(&headers);
    let readable = asking.reach(Kind::Read);
    let view = inspector.configuration(&request, token.as_ref(), &readable);
    Ok(json(&view.await?))
}

/// Why `?key=` has its value in `/{application}/{profile}?label=`.
pub(super) async fn explanation(
    State(settings): State<Arc<Settings>>,
    State(inspector): State<Inspector>,
    asking: Asking,
    Path(names): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let query = Query::parse(uri.query());
    let request = request_of(&asking, &names, query.label.as_deref(), &settings)?;
    let missing = || Failure::bad_request().explained("say which key: `?key=`");
    let key = query
        .key
        .filter(|key| !key.is_empty())
        .ok_or_else(missing)?;
    let key = short_enough(key)?;
    let (token, sight) = (config_token(&headers), asking.reach(Kind::Fleet));
    let readable = asking.reach(Kind::Read);
    let explanation = inspector.explanation(&request, key, token.as_ref(), &readable, sight);
    Ok(json(&explanation.await?))
}

/// What `/{application}/{profile}` at a label asks for, if the caller may read it.
pub(super) fn request_of(
    asking: &Asking,
    (application, profiles): &(String, String),
    label: Option<&str>,
    settings: &Settings,
) -> Result<EnvironmentRequest, Failure> {
    let names = Names::new(application, profiles, label);
    readable(asking, &names, settings)
}

/// How `?from=` and `?to=` differ, which are addresses as people write them.
pub(super) async fn diff(
    State(settings): State<Arc<Settings>>,
    State(inspector): State<Inspector>,
    asking: Asking,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let query = Query::parse(uri.query());
    let side = |name: &str, text: Option<String>| {
        let names = written(name, text.as_deref())?;
        readable(&asking, &names, &settings)
    };
    let (from, to) = (side("from", query.from)?, side("to", query.to)?);
    let (token, sight) = (config_token(&headers), asking.reach(Kind::Fleet));
    let readable = asking.reach(Kind::Read);
    let diff = inspector.diff(&from, &to, token.as_ref(), sight, &readable);
    Ok(json(&diff.await?))
}

/// An address of a query.
pub(super) fn written(name: &str, text: Option<&str>) -> Result<Names, Failure> {
    let missing = || Failure::bad_request().explained(format!("say `?{name}=`, as shop/prod@main"));
    let address: Address = text
        .ok_or_else(missing)?
        .parse()
        .map_err(|error: InvalidAddress| {
            Failure::bad_request().explained(format!("`{name}`: {error}"))
        })?;
    let (application, profiles) = (address.application.as_str(), address.profiles.as_str());
    let label = address.label.as_ref().map(Label::as_str);
    Ok(Names::new(application, profiles, label))
}

/// What was served to `/{application}/{profile}?label=`, when, and how it went.
pub(super) async fn history(
    State(settings): State<Arc<Settings>>,
    State(inspector): State<Inspector>,
    asking: Asking,
    Path(names): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let query = Query::parse(uri.query());
    let request = request_of(&asking, &names, query.label.as_deref(), &settings)?;
    let (token, sight) = (config_token(&headers), asking.reach(Kind::Fleet));
    let history = inspector.history(&request, token.as_ref(), sight).await?;
    Ok(json(&history))
}

/// Applications, labels in service, branches and tags that can be asked for, of those that the caller may read.
pub(super) async fn names(
    State(inspector): State<Inspector>,
    asking: Asking,
) -> Result<Response, Failure> {
    let names = inspector.names(asking.reach(Kind::Read)).await?;
    Ok(json(&names))
}

/// How far the fleet is, or the part of it that `?application=`, `?profile=` and `?label=` let through.
pub(super) async fn fleet(
    State(inspector): State<Inspector>,
    asking: Asking,
    uri: Uri,
) -> Result<Response, Failure> {
    let query = Query::parse(uri.query());
    let filter = inspector.filter(query.application, query.profile, query.label);
    let fleet = inspector.fleet(filter, asking.reach(Kind::Fleet)).await?;
    Ok(json(&fleet))
}

/// A key that may be asked for: one that is not there is compared with all that are.
fn short_enough(key: String) -> Result<String, Failure> {
    if !is_comparable(&key) {
        let text = format!("a key that is asked for has at most {LONGEST_NAME} characters");
        return Err(Failure::bad_request().explained(text));
    }
    Ok(key)
}

/// What is asked for, if the caller may read it.
pub(super) fn readable(
    asking: &Asking,
    names: &Names,
    settings: &Settings,
) -> Result<EnvironmentRequest, Failure> {
    let request = names.check(&settings.limits)?;
    asking.may(&Wanted::environment(&request))?;
    Ok(request)
}

impl Query {
    fn parse(query: Option<&str>) -> Self {
        let mut parsed = Self::default();
        for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let parameter = match &*key {
                "application" => &mut parsed.application,
                "profile" => &mut parsed.profile,
                "label" => &mut parsed.label,
                "key" => &mut parsed.key,
                "from" => &mut parsed.from,
                "to" => &mut parsed.to,
                _ => continue,
            };
            parameter.get_or_insert_with(|| value.into_owned());
        }
        parsed
    }
}

fn told(missing: &NoSuchKey) -> String {
    let NoSuchKey {
        closest,
        keys,
        removal,
    } = missing;
    let mut text = format!("none of the {keys} keys is called that");
    if let Some(Removal { commit, author, .. }) = removal {
        let author = author.as_ref().map(|author| format!(" by {author}"));
        let author = author.unwrap_or_default();
        text += &format!("; it was last set until {}{author}", short(commit));
    }
    if let Some(closest) = closest {
        text += &format!("; did you mean `{closest}`?");
    }
    text
}

impl From<InspectError> for Failure {
    fn from(error: InspectError) -> Self {
        match error {
            InspectError::Find(error) => error.into(),
            InspectError::NoSuchKey(missing) => Self::not_found().explained(told(&missing)),
            InspectError::Busy => Self::busy(),
            InspectError::Closed => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE).explained("the server is stopping")
            }
        }
    }
}
