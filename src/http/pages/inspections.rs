use axum::{
    extract::{Path, State},
    response::Response,
};
use confbus_resolution::EnvironmentRequest;
use http::{HeaderMap, Uri};

use super::{
    super::{
        Services,
        access::Asking,
        configuration::config_token,
        error::Failure,
        inspections::{self, readable, written},
    },
    answers::page,
    reads::{asked, framed, number},
};
use crate::{
    access::Kind,
    pages::{ConfigurationPage, DiffPage, HistoryPage, KeyFilter, KeyPage, Place},
};

/// `/_/apps/{application}/{profile}`: what an address is given.
pub(in super::super) async fn configuration(
    State(services): State<Services>,
    asking: Asking,
    Path(names): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let request = request_of(&services, &asking, &names, &uri)?;
    let filter = KeyFilter {
        text: asked(&uri, "q"),
        shadowed: !asked(&uri, "show").is_empty(),
        page: number(&uri),
    };
    let token = config_token(&headers);
    let readable = asking.reach(Kind::Read);
    let view = services
        .inspector
        .configuration(&request, token.as_ref(), &readable);
    let view = view.await?;
    let (frame, _) = framed(&services, &asking, Place::Elsewhere).await;
    page(&ConfigurationPage::new(frame, &view, filter))
}

/// `/_/apps/{application}/{profile}/key`: why a key has its value.
pub(in super::super) async fn key(
    State(services): State<Services>,
    asking: Asking,
    Path(names): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let request = request_of(&services, &asking, &names, &uri)?;
    let (token, sight) = (config_token(&headers), asking.reach(Kind::Fleet));
    let key = asked(&uri, "key");
    let readable = asking.reach(Kind::Read);
    let view = services
        .inspector
        .explanation(&request, key, token.as_ref(), &readable, sight);
    let view = view.await?;
    let (frame, _) = framed(&services, &asking, Place::Elsewhere).await;
    page(&KeyPage::new(frame, &view))
}

/// `/_/apps/{application}/{profile}/history`: what it was given, and when.
pub(in super::super) async fn history(
    State(services): State<Services>,
    asking: Asking,
    Path(names): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let request = request_of(&services, &asking, &names, &uri)?;
    let (token, sight) = (config_token(&headers), asking.reach(Kind::Fleet));
    let view = services.inspector.history(&request, token.as_ref(), sight);
    let view = view.await?;
    let (frame, _) = framed(&services, &asking, Place::Elsewhere).await;
    page(&HistoryPage::new(frame, &view, number(&uri)))
}

/// `/_/diff`: how two addresses differ, once both are named.
pub(in super::super) async fn diff(
    State(services): State<Services>,
    asking: Asking,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let (from, to) = (asked(&uri, "from"), asked(&uri, "to"));
    let view = if from.is_empty() || to.is_empty() {
        None
    } else {
        let side = |name: &str, text: &str| {
            let names = written(name, Some(text))?;
            readable(&asking, &names, &services.settings)
        };
        let (old, new) = (side("from", &from)?, side("to", &to)?);
        let (token, sight) = (config_token(&headers), asking.reach(Kind::Fleet));
        let may_read = asking.reach(Kind::Read);
        let view = services
            .inspector
            .diff(&old, &new, token.as_ref(), sight, &may_read);
        Some(view.await?)
    };
    let (frame, _) = framed(&services, &asking, Place::Diff).await;
    page(&DiffPage::new(frame, from, to, view.as_ref()))
}

/// As the route below `/_/api` has it; a form sends what is left empty, too.
fn request_of(
    services: &Services,
    asking: &Asking,
    names: &(String, String),
    uri: &Uri,
) -> Result<EnvironmentRequest, Failure> {
    let label = asked(uri, "label");
    let label = Some(label.as_str()).filter(|label| !label.is_empty());
    inspections::request_of(asking, names, label, &services.settings)
}
