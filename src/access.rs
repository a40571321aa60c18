//! Who asks, and what they may.
//!
//! A request comes with evidence: an `Authorization` header, the name in a client certificate, where it comes from. Evidence that was
//! checked once is known by a digest for some minutes, so that most requests take one look into a table. What has to be
//! checked is checked on other threads, a few at a time. What somebody may do, [`Rule`]s say; without any, whoever is known
//! may do everything.

mod attempts;
mod caller;
mod credential;
mod jwt;
mod kind;
mod namesakes;
mod password;
mod pattern;
mod principal;
mod proving;
mod reach;
mod remembered;
mod rules;
mod wanted;
mod weak;

use std::{net::IpAddr, sync::Arc, time::Instant};

use serde_json::Map;

use attempts::Attempts;
pub(crate) use caller::{Caller, Refused, Unknown};
pub(crate) use jwt::{Algorithms, Keeper, Place, Settings as JwtSettings};
pub(crate) use kind::{Kind, Kinds};
pub(crate) use password::Password;
pub use password::hash_token;
pub(crate) use pattern::Pattern;
pub(crate) use principal::Principal;
use principal::Proof;
pub(crate) use reach::{Concern, Reach};
use remembered::Remembered;
use rules::Rules;
pub(crate) use rules::{Patterns, Rule, Who};
pub(crate) use wanted::Wanted;
#[cfg(fuzzing)]
pub(crate) use wanted::Which;
pub(crate) use weak::is_weak;

use crate::turns::Turns;

/// Who may ask, how they prove it, and what they may.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// `confbus.security.mode=none`: everyone may read and refresh. Off by default.
    pub(crate) mode_none: bool,
    /// `spring.security.user.*` and `confbus.security.users.*`.
    pub(crate) users: Vec<Named>,
    /// `confbus.security.tokens.*`.
    pub(crate) tokens: Vec<Named>,
    /// `spring.security.oauth2.resourceserver.jwt.*`.
    pub(crate) jwt: Option<JwtSettings>,
    /// Certificates of clients are asked for, and whoever vouches for them is configured.
    pub(crate) certificates: bool,
    /// `confbus.security.rules[…]`.
    pub(crate) rules: Vec<Rule>,
    /// The label of each repository that is read where a request names none.
    pub(crate) default_labels: Vec<Box<str>>,
    /// Secrets that keep nobody out, by their keys.
    pub(crate) weak_secrets: Vec<String>,
}

/// A user or a token.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) name: Box<str>,
    pub(crate) password: Password,
}

/// What a request shows of who sent it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Evidence<'r> {
    pub(crate) address: Option<IpAddr>,
    /// The header `Authorization`.
    pub(crate) authorization: Option<&'r [u8]>,
    /// Whom a certificate names that the other end has proved to own.
    pub(crate) certificate: Option<&'r str>,
}

/// Tells who asks, and what they may; clones share what they know.
#[derive(Debug, Clone)]
pub(crate) struct Access(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    is_open: bool,
    users: Arc<[Named]>,
    tokens: Arc<[Named]>,
    jwt: Option<Arc<jwt::Tokens>>,
    certificates: bool,
    rules: Arc<Rules>,
    this_machine: Arc<Principal>,
    remembered: Remembered,
    attempts: Attempts,
    turns: Turns,
    weak_secrets: Vec<String>,
}

impl Access {
    /// With what has to run aside, where tokens of an issuer are taken.
    pub(crate) fn new(settings: Settings) -> (Self, Option<Keeper>) {
        let rules = Arc::new(Rules::new(settings.rules, settings.default_labels));
        let (jwt, keeper) = settings.jwt.map(jwt::Tokens::new).unzip();
        let this_machine = rules.grants(Proof::ThisMachine, "", &Map::new());
        let inner = Inner {
            is_open: settings.mode_none,
            users: settings.users.into(),
            tokens: settings.tokens.into(),
            jwt: jwt.map(Arc::new),
            certificates: settings.certificates,
            this_machine: Arc::new(Principal::new("", Proof::ThisMachine, this_machine)),
            rules,
            remembered: Remembered::new(),
            attempts: Attempts::default(),
            turns: Turns::new(),
            weak_secrets: settings.weak_secrets,
        };
        (Self(Arc::new(inner)), keeper)
    }

    /// Whether it is certain without any work that this is somebody who may have this, or, if that is nothing, who is known.
    pub(crate) fn surely_allows(
        &self,
        evidence: &Evidence<'_>,
        is_of_this_machine: impl FnOnce() -> bool,
        wanted: Option<&Wanted>,
    ) -> bool {
        let inner = &*self.0;
        if inner.is_open {
            return true;
        }
        let may = |principal: &Principal| wanted.is_none_or(|wanted| principal.may(wanted));
        match inner.shown(evidence) {
            Some((digest, _)) => {
                let known = inner
                    .remembered
                    .with(&digest, Instant::now(), |known| may(known));
                known.unwrap_or(false)
            }
            None => !self.has_identities() && is_of_this_machine() && may(&inner.this_machine),
        }
    }

    /// Finds out who asks.
    pub(crate) async fn identify(
        &self,
        evidence: &Evidence<'_>,
        is_of_this_machine: impl FnOnce() -> bool,
    ) -> Caller {
        let inner = &*self.0;
        let known = match inner.shown(evidence) {
            Some((digest, shown)) => inner.prove(digest, shown, evidence.address).await,
            None if !self.has_identities() && is_of_this_machine() => {
                Ok(Arc::clone(&inner.this_machine))
            }
            None => Err(Unknown::SaidNothing),
        };
        match known {
            Ok(principal) => Caller::Known(principal),
            Err(_) if inner.is_open => Caller::Anyone,
            Err(unknown) => Caller::Unknown(unknown),
        }
    }

    /// Whether there is anything that somebody could prove to be somebody with.
    pub(crate) fn has_identities(&self) -> bool {
        self.0.takes_headers() || self.0.certificates
    }

    /// `confbus.security.mode=none`.
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_open
    }

    pub(crate) fn has_rules(&self) -> bool {
        !self.0.rules.are_none()
    }

    /// How somebody may say who it is, for `WWW-Authenticate`.
    pub(crate) fn schemes(&self) -> impl Iterator<Item = &'static str> {
        let basic = (!self.0.users.is_empty()).then_some("Basic realm=\"Realm\"");
        let bearer = (!self.0.tokens.is_empty() || self.0.jwt.is_some()).then_some("Bearer");
        basic.into_iter().chain(bearer)
    }

    /// In which ways somebody may prove who it is, in words.
    pub(crate) fn identities(&self) -> Vec<&'static str> {
        let inner = &*self.0;
        let ways = [
            (!inner.users.is_empty(), "passwords"),
            (!inner.tokens.is_empty(), "tokens"),
            (inner.jwt.is_some(), "tokens of an issuer"),
            (inner.certificates, "client certificates"),
        ];
        let ways = ways.into_iter().filter(|(is_configured, _)| *is_configured);
        ways.map(|(_, way)| way).collect()
    }

    /// Secrets that keep nobody out, by their keys.
    pub(crate) fn weak_secrets(&self) -> &[String] {
        &self.0.weak_secrets
    }
}

#[cfg(test)]
mod tests;
