use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use confbus_protocol::Label;
use confbus_resolution::EnvironmentRequest;
use http::{HeaderMap, Uri};

use super::{
    super::{
        Services,
        access::Asking,
        configuration::config_token,
        error::Failure,
        inspections::{self, readable, written},
        sight::sees,
    },
    answers::page,
    reads::{asked, framed, number},
};
use crate::{
    access::Kind,
    look::Refs,
    pages::{Beside, ConfigurationPage, DiffPage, HistoryPage, KeyFilter, KeyPage, Place},
    pins::{Address, Pin},
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
    let beside = Beside {
        pins: pins_of(&services, &asking, &request),
        relatives: services.inspector.relatives(&request, &readable),
    };
    page(&ConfigurationPage::new(frame, &view, filter, &beside))
}

/// The pins that hold an address, of those that the caller sees.
fn pins_of(services: &Services, asking: &Asking, request: &EnvironmentRequest) -> Vec<Arc<Pin>> {
    let reach = asking.reach(Kind::Fleet);
    let asked = request.label.as_ref().map(Label::as_str);
    let is_asked = |label: &str| match asked {
        Some(asked) => asked == label,
        None => services.inspector.is_default(label),
    };
    let holds = |address: &Address| {
        address.may_hold(request) && address.label.as_deref().is_none_or(is_asked)
    };
    // Who asks for a commit is given it.
    let is_commit = request.label.as_ref().is_some_and(Refs::may_be_commit);
    let pins = services.pins.all();
    let pins = pins.iter().filter(|_| !is_commit);
    let seen = pins.filter(|pin| holds(&pin.address) && sees(&reach, &pin.address));
    seen.cloned().collect()
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
