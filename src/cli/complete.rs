//! Completions as shells ask for them while somebody types: what can be typed, and the names that a server knows.

use std::{
    env,
    ffi::{OsStr, OsString},
    time::Duration,
};

use clap_complete::{CompleteEnv, CompletionCandidate, env::Shells};

use super::{ServersArgs, generate::shown};
use crate::desk::Desk;

/// By which a shell says that it asks, and which one it is.
pub(super) const SHELL: &str = "COMPLETE";

/// How long somebody who pressed a key waits for names.
const WITHIN: Duration = Duration::from_millis(180);

/// Answers a shell that asks; `false` when this is no such call.
pub(crate) fn complete() -> bool {
    let Ok(shell) = env::var(SHELL) else {
        return false;
    };
    // The name may mean something else to somebody else, and a server may be started where it is set.
    let is_line = env::args_os().nth(1).is_some_and(|word| word == "--");
    if !is_line || Shells::builtins().completer(&shell).is_none() {
        return false;
    }
    let folder = env::current_dir().ok();
    let asked = CompleteEnv::with_factory(shown).var(SHELL);
    let asked = asked.try_complete(env::args_os(), folder.as_deref());
    asked.unwrap_or_else(|error| error.exit())
}

/// `shop` for `sh`, and `shop@main` for `shop@`; nothing, silently, without a server.
pub(super) fn addresses(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else {
        return Vec::new();
    };
    let (before, list) = match typed.split_once('@') {
        Some((names, _)) => (format!("{names}@"), "labels"),
        None => (String::new(), "applications"),
    };
    let names = names(list).into_iter();
    let names = names.filter(|name| name.chars().all(is_plain));
    let all = names.map(|name| format!("{before}{name}"));
    all.filter(|text| text.starts_with(typed))
        .map(CompletionCandidate::new)
        .collect()
}

/// What no shell takes for more than a name.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '+')
}

fn names(list: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let Ok(runtime) = { runtime }.enable_all().build() else {
        return Vec::new();
    };
    let asked = async { tokio::time::timeout(WITHIN, ask(list)).await };
    let names = runtime.block_on(asked);
    // A name that is looked up in vain holds nobody up.
    runtime.shutdown_background();
    names.ok().flatten().unwrap_or_default()
}

async fn ask(list: &str) -> Option<Vec<String>> {
    let servers = ServersArgs {
        server: typed_server(env::args_os()),
        token_file: None,
    };
    let desks = Desk::all_or(&servers, WITHIN, Desk::usual).ok()?;
    let names = desks.first()?.list("/_/api/names", list).await.ok()?;
    let texts = names.iter().filter_map(|name| name.as_str());
    Some(texts.map(str::to_owned).collect())
}

/// The server that stands on the line already.
fn typed_server(words: impl Iterator<Item = OsString>) -> Option<String> {
    // A word that is no text stays one that is none of ours.
    let words = words.map(|word| word.to_string_lossy().into_owned());
    let mut words = words.skip_while(|word| word != "--server" && !word.starts_with("--server="));
    let word = words.next()?;
    match word.strip_prefix("--server=") {
        Some(server) => Some(server.to_owned()),
        None => words.next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_on_the_line_is_asked() {
        let server = |line: &str| typed_server(line.split(' ').map(OsString::from));
        let expected = Some("http://a".to_owned());
        assert_eq!(server("get x --server http://a --json"), expected);
        assert_eq!(server("get --server=http://a x"), expected);
        assert_eq!(server("get x"), None);
    }
}
