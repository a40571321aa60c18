//! Who stands in front of this server and is believed.

use super::ranges;
use crate::{
    http::{ForwardHeaders, Gateways},
    settings::reader::Reader,
};

const STRATEGY: &str = "server.forward-headers-strategy";
const TRUSTED: &str = "confbus.server.trusted-proxies";
/// Whoever connects to the socket of this machine.
const ON_SOCKET: &str = "unix";
/// More would be the clients themselves.
const MOST: usize = 64;

/// Nobody, until their addresses are named; then by `X-Forwarded-*`, unless the strategy says otherwise.
pub(super) fn gateways(reader: &mut Reader) -> Gateways {
    let named = format!("gateways are named in `{TRUSTED}`, as addresses");
    reader.have_no_effect("server.tomcat.remoteip.", &[], &named);
    let on_socket = reader.list(TRUSTED).iter().any(|item| item == ON_SOCKET);
    let trusted = ranges(reader, TRUSTED, &[ON_SOCKET], "write 10.0.0.5, 10.1.0.0/24");
    if trusted.len() > MOST {
        let text = format!("`{TRUSTED}` has more than {MOST} addresses and ranges");
        reader.refuse(
            TRUSTED,
            text,
            Some("name the gateways, and not their clients"),
        );
    }
    if trusted.iter().any(|range| range.prefix_len() == 0) {
        reader.opens(TRUSTED, "whoever asks may say that it is somebody else");
    }
    let headers = strategy(reader, trusted.is_empty() && !on_socket);
    Gateways {
        headers,
        trusted,
        on_socket,
    }
}

fn strategy(reader: &mut Reader, trusts_nobody: bool) -> ForwardHeaders {
    let Some(text) = reader.text(STRATEGY) else {
        let default = if trusts_nobody { "none" } else { "native" };
        reader.assume(STRATEGY, default);
        return ForwardHeaders::named(default).unwrap_or_default();
    };
    let Some(strategy) = ForwardHeaders::named(&text) else {
        let text = format!("`{STRATEGY}` is none of `none`, `native` and `framework`");
        reader.refuse(STRATEGY, text, None);
        return ForwardHeaders::None;
    };
    if strategy == ForwardHeaders::None {
        reader.has_no_effect(TRUSTED, &format!("`{STRATEGY}` is `none`"));
    } else if trusts_nobody {
        let why = format!("nobody is believed who is not named in `{TRUSTED}`");
        reader.has_no_effect(STRATEGY, &why);
    }
    strategy
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With what is refused, and how many warnings there are.
    fn read(said: &[(&str, &str)]) -> (Gateways, Vec<String>, usize) {
        let said = said.iter();
        let said = said.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let mut reader = Reader::of(said.collect(), Vec::new());
        let gateways = gateways(&mut reader);
        let (problems, warnings) = reader.finish();
        let problems = problems.into_iter().map(|problem| problem.problem);
        (gateways, problems.collect(), warnings.len())
    }

    #[test]
    fn nobody_is_believed_who_is_not_named() {
        for (said, expected, warns) in [
            (&[][..], ForwardHeaders::None, false),
            (
                &[(TRUSTED, "10.0.0.5,fd00::/8")],
                ForwardHeaders::Native,
                false,
            ),
            (
                &[(TRUSTED, "10.0.0.5"), (STRATEGY, "FRAMEWORK")],
                ForwardHeaders::Framework,
                false,
            ),
            (&[(STRATEGY, "native")], ForwardHeaders::Native, true),
            (
                &[(TRUSTED, "10.0.0.5"), (STRATEGY, "none")],
                ForwardHeaders::None,
                true,
            ),
            (&[(TRUSTED, "0.0.0.0/0")], ForwardHeaders::Native, true),
            (
                &[("server.tomcat.remoteip.internal-proxies", "10\\..*")],
                ForwardHeaders::None,
                true,
            ),
        ] {
            let (gateways, problems, warnings) = read(said);
            assert_eq!(gateways.headers, expected, "{said:?}");
            assert!(problems.is_empty(), "{problems:?}");
            assert_eq!(warnings > 0, warns, "{said:?}");
        }
        let (gateways, ..) = read(&[(TRUSTED, "10.0.0.5, fd00::/8")]);
        assert!(gateways.trusted.len() == 2 && !gateways.on_socket);
        let (gateways, ..) = read(&[(TRUSTED, "unix")]);
        assert!(gateways.trusted.is_empty() && gateways.on_socket);
        assert_eq!(gateways.headers, ForwardHeaders::Native);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (key, value) in [
            (TRUSTED, "gateway.example"),
            (TRUSTED, "10\\.\\d+"),
            (STRATEGY, "always"),
        ] {
            let (_, problems, _) = read(&[(key, value)]);
            assert_eq!(problems.len(), 1, "{key}: {problems:?}");
            assert!(problems[0].contains(key), "{problems:?}");
        }
    }
}
