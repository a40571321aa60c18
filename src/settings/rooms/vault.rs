use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::SECOND;
use crate::{
    settings::{code, reader::Reader},
    vault::{Address, Engine, KvVersion, Login, Namespace, Naming, Settings, Token},
};

/// The Vault whose settings stand below `at`.
pub(super) fn vault(reader: &mut Reader, at: &str) -> Option<Settings> {
    let address = address(reader, at);
    let engine = engine(reader, at);
    let login = login(reader, at);
    let namespace = namespace(reader, at);
    let timeout = timeout(reader, at);
    tell_about_tls(reader, at);
    Some(Settings {
        naming: naming(reader, at),
        full_key_path: reader.flag(&format!("{at}.full-key-path"), false),
        address: address?,
        engine: engine?,
        login: login?,
        namespace: namespace?,
        timeout,
    })
}

fn address(reader: &mut Reader, at: &str) -> Option<Address> {
    let key = format!("{at}.scheme");
    let scheme = reader.text_or(&key, "http");
    if !matches!(scheme.as_str(), "http" | "https") {
        reader.refuse(&key, format!("`{key}` is neither http nor https"), None);
        return None;
    }
    let key = format!("{at}.host");
    let host = reader.text_or(&key, "127.0.0.1");
    let port = reader.number(&format!("{at}.port"), 8200);
    let address = Address::new(&scheme, &host, port);
    if address.is_none() {
        let text = format!("`{key}` is not the host of a vault");
        reader.refuse(&key, text, Some("write its name or its IP address"));
    }
    address
}

fn engine(reader: &mut Reader, at: &str) -> Option<Engine> {
    let key = format!("{at}.kv-version");
    let version = match reader.text_or(&key, "1").as_str() {
        "1" => KvVersion::One,
        "2" => KvVersion::Two {
            path_to_key: reader.text_or(&format!("{at}.path-to-key"), ""),
        },
        _ => {
            reader.refuse(&key, format!("`{key}` is neither 1 nor 2"), None);
            return None;
        }
    };
    Some(Engine {
        mount: reader.text_or(&format!("{at}.backend"), "secret"),
        version,
    })
}

fn naming(reader: &mut Reader, at: &str) -> Naming {
    let said = |reader: &Reader, name: &str, default: &str| {
        let said = reader.said(&format!("{at}.{name}"));
        said.unwrap_or_else(|| default.to_owned())
    };
    let has_labels = reader.flag(&format!("{at}.enable-label"), false);
    Naming {
        default_key: said(reader, "default-key", "application"),
        separator: said(reader, "profile-separator", ","),
        default_label: has_labels.then(|| said(reader, "default-label", "main")),
    }
}

/// Like Spring: a token of the settings, where there is one, for all requests.
fn login(reader: &mut Reader, at: &str) -> Option<Login> {
    let method_key = format!("{at}.authentication");
    let method = reader.text(&method_key);
    if let Some(method) = method.filter(|method| !method.eq_ignore_ascii_case("token")) {
        let text = format!("the vault authentication `{method}` is not supported by confbus");
        let hint = "TOKEN is; without any, the token of each request is used";
        reader.refuse_as(code::UNSUPPORTED, &method_key, text, Some(hint));
        return None;
    }
    let key = format!("{at}.token");
    match reader.secret(&key) {
        Some(text) => {
            let token = Token::new(text.expose_secret().trim());
            if token.is_none() {
                reader.refuse(&key, format!("`{key}` is no token of a vault"), None);
            }
            token.map(Login::Fixed)
        }
        None if reader.has(&method_key) => {
            let text = format!("`{method_key}` is TOKEN, but there is no `{key}`");
            reader.refuse(&method_key, text, Some(&format!("set {key}")));
            None
        }
        None => Some(Login::OfRequest),
    }
}

fn namespace(reader: &mut Reader, at: &str) -> Option<Option<Namespace>> {
    let key = format!("{at}.namespace");
    let Some(text) = reader.text(&key) else {
        return Some(None);
    };
    let namespace = Namespace::new(&text);
    if namespace.is_none() {
        reader.refuse(&key, format!("`{key}` is no namespace"), None);
    }
    namespace.map(Some)
}

fn timeout(reader: &mut Reader, at: &str) -> Duration {
    let key = format!("{at}.timeout");
    let timeout = reader.duration(&key, SECOND, Duration::from_secs(5));
    if timeout.is_zero() {
        let text = format!("`{key}` is not a duration that anything could be done in");
        reader.refuse(&key, text, None);
    }
    timeout
}

/// What Spring does not do either, and what it would do with key stores of Java.
fn tell_about_tls(reader: &mut Reader, at: &str) {
    let key = format!("{at}.skip-ssl-validation");
    if reader.flag(&key, false) {
        reader.warn(code::NO_EFFECT, format!(
            "`{key}` has no effect, as in Spring: a vault's certificate is always checked, against those that this machine trusts (or those in SSL_CERT_FILE)"
        ));
    }
    for (below, _) in reader.below(&format!("{at}.ssl.")) {
        let key = format!("{at}.ssl.{below}");
        reader.refuse(
            &key,
            format!("`{key}` is not supported by confbus"),
            Some("certificates that this machine trusts count, or those in SSL_CERT_FILE"),
        );
    }
}
