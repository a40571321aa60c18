//! `/encrypt`, `/decrypt`, `/encrypt/status` and `/key`.
//!
//! Names and profiles in the path mean nothing: all applications have the same keys.

mod answers;
mod form;
mod text;

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use super::{
    Settings,
    accept::Accept,
    access::Asking,
    audit,
    error::Failure,
    methods::{self, Methods},
};
use crate::{
    access::{Kind, Wanted},
    encryption::{CipherError, Prefix, without_prefix},
    metrics::Route,
};
use answers::{Direction, Said, document, failed, not_acceptable, refused, text};
use text::Received;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Status,
    PublicKey,
    Encrypt,
    Decrypt,
    /// Nothing that this method could do.
    Other(Methods),
}

/// A request for one of the endpoints, its body read.
pub(super) struct Request<'r> {
    pub(super) headers: &'r HeaderMap,
    pub(super) query: Option<&'r str>,
    pub(super) body: Bytes,
    pub(super) asking: &'r Asking,
}

/// Which endpoint the segments name; `None` when they are coordinates of configuration.
pub(super) fn endpoint(segments: &[String], method: &Method) -> Option<Endpoint> {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let (endpoint, methods) = match segments[..] {
        ["encrypt", "status"] => (Endpoint::Status, methods::READ),
        ["key"] => (Endpoint::PublicKey, methods::READ),
        ["key", name, profiles] if !name.is_empty() && !profiles.is_empty() => {
            (Endpoint::PublicKey, methods::READ)
        }
        ["encrypt"] => (Endpoint::Encrypt, methods::WRITE),
        ["decrypt"] => (Endpoint::Decrypt, methods::WRITE),
        ["encrypt" | "decrypt", name, profiles] if name.is_empty() || profiles.is_empty() => {
            return None;
        }
        // An application with this name, a profile and a label.
        ["encrypt" | "decrypt", _, _] if reads => return None,
        ["encrypt", _, _] => (Endpoint::Encrypt, methods::READ_OR_WRITE),
        ["decrypt", _, _] => (Endpoint::Decrypt, methods::READ_OR_WRITE),
        _ => return None,
    };
    let fits = if methods == methods::READ {
        reads
    } else {
        *method == Method::POST
    };
    Some(if fits {
        endpoint
    } else {
        Endpoint::Other(methods)
    })
}

/// The application and the profile of paths that name none, as in Spring.
const NOBODYS: (&str, &str) = ("application", "default");

impl Endpoint {
    /// What it is counted as.
    pub(super) fn route(self) -> Route {
        match self {
            Self::Status => Route::ENCRYPT_STATUS,
            Self::PublicKey => Route::KEY,
            Self::Encrypt => Route::ENCRYPT,
            Self::Decrypt => Route::DECRYPT,
            Self::Other(_) => Route::default(),
        }
    }

    /// What it takes to have an answer; nothing where there is nothing to be had.
    pub(super) fn wanted(self, segments: &[String]) -> Option<Wanted> {
        let kind = match self {
            Self::Status | Self::PublicKey | Self::Encrypt => Kind::Encrypt,
            Self::Decrypt => Kind::Decrypt,
            Self::Other(_) => return None,
        };
        let (application, profiles) = match segments {
            [_, application, profiles] => (application.as_str(), profiles.as_str()),
            _ => NOBODYS,
        };
        Some(Wanted::cipher(kind, application, profiles))
    }

    /// Answers those who may.
    pub(super) fn answer(
        self,
        settings: &Settings,
        method: &Method,
        request: &Request<'_>,
    ) -> Result<Response, Failure> {
        let accept = Accept::of(request.headers);
        match self {
            Self::Other(methods) => methods::other(method, methods),
            Self::Status => status(settings, &accept),
            Self::PublicKey => match settings.encryption.public_key() {
                Some(key) => text(key, &accept),
                None => Said::NO_PUBLIC_KEY.answer(&accept),
            },
            Self::Encrypt => encrypt(settings, &accept, request),
            Self::Decrypt => {
                may_decrypt(settings, request.asking)?;
                audit::decrypt(request.asking);
                decrypt(settings, &accept, request)
            }
        }
    }
}

/// Who may have texts decrypted: who has the secret values anyway, or who was told apart from all others and let in.
fn may_decrypt(settings: &Settings, asking: &Asking) -> Result<(), Failure> {
    let has_identities = asking.access().has_identities();
    let may = if has_identities {
        asking.caller.proved().is_some() && settings.decrypt_endpoint
    } else {
        asking.caller.is_this_machine() && settings.listens_to_this_machine_only
    };
    let open = if has_identities {
        "set confbus.encrypt.decrypt-endpoint=true to open it to those who log in"
    } else {
        "without a user it is open only to this machine and only while server.address is a loopback address: \
         set spring.security.user.name, spring.security.user.password and confbus.encrypt.decrypt-endpoint=true"
    };
    may.then_some(()).ok_or_else(|| {
        Failure::new(StatusCode::FORBIDDEN)
            .explained(format!("decryption over HTTP is closed; {open}"))
    })
}

fn status(settings: &Settings, accept: &Accept) -> Result<Response, Failure> {
    if let Err(error) = settings.encryption.check() {
        return refused(error, Direction::Encrypt, accept);
    }
    let types = "application/json, application/*+json, application/yaml";
    let content_type = accept.json().ok_or_else(|| not_acceptable(types, accept))?;
    Ok(document(StatusCode::OK, &content_type, &[("status", "OK")]))
}

fn encrypt(
    settings: &Settings,
    accept: &Accept,
    request: &Request<'_>,
) -> Result<Response, Failure> {
    let received = Received::of(request.headers, request.query, &request.body)?;
    let plain = form::unwrapped(&received, form::Kind::Plain)
        .map_err(|form::Malformed| failed("the body is not URL-encoded"))?;
    match settings.encryption.encrypt(&plain) {
        Ok(cipher) => text(cipher, accept),
        Err(error) => refused(error, Direction::Encrypt, accept),
    }
}

fn decrypt(
    settings: &Settings,
    accept: &Accept,
    request: &Request<'_>,
) -> Result<Response, Failure> {
    let received = Received::of(request.headers, request.query, &request.body)?;
    // The prefix is read before a form is taken apart, as in Spring.
    let prefix = Prefix::of(&received.text);
    let cipher = Received {
        text: without_prefix(&received.text).to_owned(),
        ..received
    };
    let plain = settings.encryption.check().and_then(|()| {
        let cipher = form::unwrapped(&cipher, form::Kind::Cipher)
            .map_err(|form::Malformed| CipherError::Foreign)?;
        settings.encryption.decrypt_with(&prefix, &cipher)
    });
    match plain {
        Ok(plain) => text(plain, accept),
        Err(error) => refused(error, Direction::Decrypt, accept),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Caller;

    #[test]
    fn fixed_paths_win_over_coordinates() {
        let write = Endpoint::Other(methods::WRITE);
        let read = Endpoint::Other(methods::READ);
        let both = Endpoint::Other(methods::READ_OR_WRITE);
        for (method, path, expected) in [
            ("POST", "encrypt", Some(Endpoint::Encrypt)),
            ("GET", "encrypt", Some(write)),
            ("OPTIONS", "decrypt", Some(write)),
            ("POST", "decrypt/foo/dev", Some(Endpoint::Decrypt)),
            ("GET", "decrypt/foo/dev", None),
            ("PUT", "encrypt/foo/dev", Some(both)),
            ("POST", "encrypt/foo", None),
            ("POST", "encrypt//dev", None),
            ("POST", "encrypt/", None),
            ("GET", "encrypt/status", Some(Endpoint::Status)),
            ("HEAD", "encrypt/status", Some(Endpoint::Status)),
            ("POST", "encrypt/status", Some(read)),
            ("POST", "encrypt/status/x", Some(Endpoint::Encrypt)),
            ("GET", "key", Some(Endpoint::PublicKey)),
            ("GET", "key/foo/dev", Some(Endpoint::PublicKey)),
            ("POST", "key/foo/dev", Some(read)),
            ("GET", "key/foo", None),
            ("GET", "key/", None),
            ("GET", "key/foo/dev/main", None),
        ] {
            let segments: Vec<_> = path.split('/').map(str::to_owned).collect();
            let method: Method = method.parse().unwrap();
            assert_eq!(endpoint(&segments, &method), expected, "{method} {path}");
        }
    }

    #[test]
    fn decryption_is_for_the_user_who_was_let_in_or_a_machine_by_itself() {
        let (user, machine) = (Caller::user, Caller::this_machine);
        for (with_user, opened, local, caller, expected) in [
            (false, false, true, machine(), true),
            (false, false, false, machine(), false),
            (false, true, false, machine(), false),
            (false, true, true, Caller::Anyone, false),
            (true, true, false, user(), true),
            (true, false, true, user(), false),
            (true, true, true, Caller::Anyone, false),
        ] {
            let settings = Settings {
                decrypt_endpoint: opened,
                listens_to_this_machine_only: local,
                ..Settings::default()
            };
            let users = with_user.then(|| crate::access::Named {
                name: "ana".into(),
                password: crate::access::Password::parse("correct horse").unwrap(),
            });
            let (access, _) = crate::access::Access::new(crate::access::Settings {
                mode_none: true,
                users: Vec::from_iter(users),
                ..crate::access::Settings::default()
            });
            let asking = Asking::new(caller, access);
            assert_eq!(
                may_decrypt(&settings, &asking).is_ok(),
                expected,
                "{settings:?} {asking:?}"
            );
        }
    }
}
