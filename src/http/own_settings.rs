//! `GET /_/api/settings`: what was said of this server's own settings, where, and what is the matter with it.

use axum::{extract::State, response::Response};
use serde::Serialize;

use super::{Services, Settings, access::Asking, error::Failure, instances::json};
use crate::access::{Caller, Kind, Principal, Wanted};

/// A setting of which something was said.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SettingView {
    /// In Spring's spelling.
    pub(crate) key: String,
    /// The strongest value; nothing where it may be a secret.
    pub(crate) value: Option<String>,
    /// `application.yml:3:9`, the name of a variable, an argument, or `default`.
    pub(crate) from: String,
}

/// What was said in vain, or opens what is closed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct WarningView {
    /// `CB8003`.
    pub(crate) code: &'static str,
    /// As in [`SettingView`].
    pub(crate) from: String,
    pub(crate) problem: String,
    pub(crate) hint: Option<String>,
}

#[derive(Debug, Serialize)]
struct SettingsView<'s> {
    schema: &'static str,
    /// By key.
    settings: &'s [SettingView],
    /// What counts where nothing was said, by key.
    defaults: &'s [SettingView],
    warnings: &'s [WarningView],
    /// What was opened by name, as `key=value`.
    opened: &'s [String],
}

/// All of it, for who may know how this server is; where nobody has to be known, that is nobody.
pub(super) async fn list(
    State(services): State<Services>,
    asking: Asking,
) -> Result<Response, Failure> {
    if !are_shown(&asking.caller) {
        return Err(asking.refusal_of(&Wanted::plain(Kind::Health)));
    }
    let Settings {
        said,
        defaults,
        warnings,
        opened,
        ..
    } = &*services.settings;
    Ok(json(&SettingsView {
        schema: "confbus.settings/1",
        settings: said,
        defaults,
        warnings,
        opened,
    }))
}

/// Whether somebody may know how this server is. Where nobody has to be known, nobody may.
pub(super) fn are_shown(caller: &Caller) -> bool {
    let known = caller.principal();
    known.is_some_and(|known: &Principal| known.may_some(Kind::Health))
}
