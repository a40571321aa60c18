//! What may have been meant where nothing was found.

use confbus_protocol::Address;
use serde_json::Value;

use super::{ask, list, path_of, text};
use crate::{
    cli::ShowArgs,
    desk::{NAMES, Names},
    exit::{Exit, Failure},
};

/// Where an answer says which sources it is made of.
const SOURCES: [&str; 3] = ["sources", "silent", "propertySources"];

/// What the server shows of addresses; where there is nothing, with the applications and the labels that may be meant.
pub(super) async fn ask_for(
    args: &ShowArgs,
    addresses: &[&Address],
    path: &str,
) -> Result<Value, Failure> {
    match ask(args, path).await {
        Err(failure) if failure.is(Exit::NotFound) => {
            let names = known(args).await;
            let addresses = addresses.iter();
            Err(addresses.fold(failure, |failure, address| names.help(failure, address)))
        }
        answer => answer,
    }
}

/// An application after whom nothing is named gets what all get; where another one is named like it, that one is meant.
pub(super) async fn check_application(
    args: &ShowArgs,
    address: &Address,
    view: &Value,
) -> Result<(), Failure> {
    if has_own(address, view) {
        return Ok(());
    }
    known(args).await.refuse(address.application.names())
}

/// The same of addresses of which no sources are at hand: those are only asked for where a name is in doubt.
pub(super) async fn check_names(args: &ShowArgs, addresses: &[&Address]) -> Result<(), Failure> {
    let names = known(args).await;
    for address in addresses {
        if let Err(failure) = names.refuse(address.application.names()) {
            let path = path_of("configurations", address, &[]);
            let view = ask(args, &path).await.unwrap_or_default();
            if !has_own(address, &view) {
                return Err(failure);
            }
        }
    }
    Ok(())
}

/// The same where nobody looked for the label, either.
pub(super) async fn check_all_names(args: &ShowArgs, address: &Address) -> Result<(), Failure> {
    check_names(args, &[address]).await?;
    match &address.label {
        Some(label) => known(args).await.refuse_label(label),
        None => Ok(()),
    }
}

/// Whether a source is named after one of its applications.
fn has_own(address: &Address, view: &Value) -> bool {
    let mut sources = SOURCES.iter().flat_map(|key| list(view, key));
    sources.any(|source| {
        let mut names = address.application.names();
        names.any(|name| text(source, "name").contains(name))
    })
}

/// Who may not see the names is given what there is.
async fn known(args: &ShowArgs) -> Names {
    ask(args, NAMES)
        .await
        .map_or_else(|_| Names::default(), |view| Names::of(&view))
}
