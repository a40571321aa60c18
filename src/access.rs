//! Who asks, and what they may.
//!
//! A request comes with evidence: an `Authorization` header, the name in a client certificate, where it comes from. Evidence that was
//! checked once is known by a digest for some minutes, so that most requests take one look into a table. What has to be
//! checked is checked on other threads, a few at a time. What somebody may do, [`Rule`]s say; without any, whoever is known
//! may do everything.

mod attempts;
mod credential;
mod jwt;
mod kind;
mod namesakes;
mod password;
mod pattern;
mod principal;
mod remembered;
mod rules;
mod turns;
mod wanted;
mod weak;

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Map;

use attempts::Attempts;
use credential::Credential;
pub(crate) use jwt::{Algorithms, Keeper, Place, Settings as JwtSettings};
pub(crate) use kind::{Kind, Kinds};
pub(crate) use password::Password;
pub use password::hash_token;
pub(crate) use pattern::Pattern;
pub(crate) use principal::Principal;
use principal::Proof;
use remembered::{Digest, Remembered};
use rules::Rules;
pub(crate) use rules::{Patterns, Rule, Who};
use turns::{Turn, Turns};
pub(crate) use wanted::Wanted;
pub(crate) use weak::is_weak;

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

/// Who is asking.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    Known(Arc<Principal>),
    /// Somebody, and nobody has to be known.
    Anyone,
    Unknown(Unknown),
}

/// Why somebody is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    SaidNothing,
    /// What it said is wrong.
    NotBelieved,
    /// Its token names a key that the issuer did not have lately. That costs next to nothing, and right after a rotation it
    /// happens to the best, so it does not count as a failure.
    UnknownKey,
    /// It has said wrong things too often, and is listened to again after this.
    TooOften(Duration),
    /// Others are being checked, or the keys to check with are not at hand.
    NotChecked,
}

/// Why something is not done for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Unknown(Unknown),
    /// It is known, and may not.
    NotAllowed,
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

/// Where evidence came from, so that one sort is never taken for the other.
const OF_HEADER: u8 = 0;
const OF_CERTIFICATE: u8 = 1;

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

/// What was shown, to be checked.
enum Shown<'r> {
    Header(&'r [u8]),
    Certificate(&'r str),
}

impl Inner {
    fn takes_headers(&self) -> bool {
        !self.users.is_empty() || !self.tokens.is_empty() || self.jwt.is_some()
    }

    fn shown<'r>(&self, evidence: &Evidence<'r>) -> Option<(Digest, Shown<'r>)> {
        let header = evidence.authorization.filter(|_| self.takes_headers());
        let certificate = evidence.certificate.filter(|_| self.certificates);
        let digest = |sort, shown| self.remembered.digest(sort, shown);
        match (header, certificate) {
            (Some(header), _) => Some((digest(OF_HEADER, header), Shown::Header(header))),
            (None, Some(name)) => {
                let digest = digest(OF_CERTIFICATE, name.as_bytes());
                Some((digest, Shown::Certificate(name)))
            }
            (None, None) => None,
        }
    }

    async fn prove(
        &self,
        digest: Digest,
        shown: Shown<'_>,
        address: Option<IpAddr>,
    ) -> Result<Arc<Principal>, Unknown> {
        if let Some(known) = self.known(&digest) {
            return Ok(known);
        }
        let checked = match shown {
            Shown::Header(header) => {
                let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
                self.check(digest, header, address).await?
            }
            Shown::Certificate(name) => {
                Checked::New(self.principal(name, Proof::Certificate, &Map::new()), None)
            }
        };
        Ok(match checked {
            Checked::Known(known) => known,
            Checked::New(principal, most) => {
                let principal = Arc::new(principal);
                self.remembered
                    .add(digest, Arc::clone(&principal), Instant::now(), most);
                principal
            }
        })
    }

    fn known(&self, digest: &Digest) -> Option<Arc<Principal>> {
        self.remembered.with(digest, Instant::now(), Arc::clone)
    }

    /// Checks a header, if its address has not said too many wrong things.
    async fn check(
        &self,
        digest: Digest,
        header: &[u8],
        address: IpAddr,
    ) -> Result<Checked, Unknown> {
        let may_try = || {
            let allowed = self.attempts.check(address, Instant::now());
            allowed.map_err(Unknown::TooOften)
        };
        may_try()?;
        let checked = match Credential::parse(header) {
            Some(credential) => self.check_credential(digest, credential, may_try).await,
            None => Err(Unknown::NotBelieved),
        };
        if matches!(checked, Err(Unknown::NotBelieved)) {
            self.attempts.failed(address, Instant::now());
        }
        checked
    }

    async fn check_credential(
        &self,
        digest: Digest,
        credential: Credential,
        may_try: impl Fn() -> Result<(), Unknown>,
    ) -> Result<Checked, Unknown> {
        match (credential, &self.jwt) {
            (Credential::Basic { name, password }, _) if !self.has_slow_users() => {
                let name = right_name(&self.users, &name, &password);
                let name = name.ok_or(Unknown::NotBelieved)?;
                Ok(self.known_by(&name, Proof::Password))
            }
            (Credential::Bearer(token), Some(jwt)) if jwt::looks_issued(&token) => {
                self.check_issued(jwt, token).await
            }
            (credential, _) => {
                let _turn = self.turn().await?;
                // Many ask with the same at the same time, above all after a start.
                if let Some(known) = self.known(&digest) {
                    return Ok(Checked::Known(known));
                }
                may_try()?;
                self.check_slowly(credential).await
            }
        }
    }

    async fn turn(&self) -> Result<Turn<'_>, Unknown> {
        self.turns.take().await.ok_or(Unknown::NotChecked)
    }

    async fn check_slowly(&self, credential: Credential) -> Result<Checked, Unknown> {
        let (users, tokens) = (Arc::clone(&self.users), Arc::clone(&self.tokens));
        let (name, proof) = match credential {
            Credential::Basic { name, password } => {
                let check = move || right_name(&users, &name, &password);
                (aside(check).await?, Proof::Password)
            }
            Credential::Bearer(token) => (
                aside(move || token_name(&tokens, &token)).await?,
                Proof::Token,
            ),
        };
        let name = name.ok_or(Unknown::NotBelieved)?;
        Ok(self.known_by(&name, proof))
    }

    fn has_slow_users(&self) -> bool {
        self.users.iter().any(|user| user.password.is_slow())
    }

    fn known_by(&self, name: &str, proof: Proof) -> Checked {
        Checked::New(self.principal(name, proof, &Map::new()), None)
    }

    /// A token of a key that is not at hand has the keys fetched, now and then.
    async fn check_issued(
        &self,
        jwt: &Arc<jwt::Tokens>,
        token: String,
    ) -> Result<Checked, Unknown> {
        let token: Arc<str> = token.into();
        let verify = async || {
            let _turn = self.turn().await?;
            let (jwt, token) = (Arc::clone(jwt), Arc::clone(&token));
            aside(move || jwt.verify(&token)).await
        };
        let mut verified = verify().await?;
        if matches!(
            verified,
            Err(jwt::Refused::UnknownKey | jwt::Refused::NoKeys)
        ) && jwt.keys.fetch_anew().await
        {
            verified = verify().await?;
        }
        match verified {
            Ok(jwt::Verified {
                name,
                claims,
                remaining,
            }) => {
                let principal = self.principal(&name, Proof::Jwt, &claims);
                Ok(Checked::New(principal, Some(remaining)))
            }
            Err(jwt::Refused::NoKeys) => Err(Unknown::NotChecked),
            Err(jwt::Refused::UnknownKey) => Err(Unknown::UnknownKey),
            Err(jwt::Refused::Bad) => Err(Unknown::NotBelieved),
        }
    }

    fn principal(
        &self,
        name: &str,
        proof: Proof,
        claims: &Map<String, serde_json::Value>,
    ) -> Principal {
        Principal::new(name, proof, self.rules.grants(proof, name, claims))
    }
}

/// Somebody who has proved who it is.
enum Checked {
    /// Another request has been quicker.
    Known(Arc<Principal>),
    /// Not to be remembered for longer than this.
    New(Principal, Option<Duration>),
}

/// The name, if it is that of a user with this password. A name that nobody has takes as long as a wrong password, and who
/// has a quick one as long as who has a slow one.
fn right_name(users: &[Named], name: &str, password: &str) -> Option<Box<str>> {
    let user = users.iter().find(|user| &*user.name == name);
    let is_right = user.is_some_and(|user| user.password.matches(password));
    if !user.is_some_and(|user| user.password.is_slow()) {
        let decoy = users.iter().find(|user| user.password.is_slow());
        let decoy = decoy.or(users.first().filter(|_| user.is_none()));
        // What comes of it is nobody's business.
        _ = decoy.map(|decoy| decoy.password.matches(password));
    }
    is_right.then(|| name.into())
}

/// The name of a token. One that begins with the name of a token is held against that one alone.
fn token_name(tokens: &[Named], given: &str) -> Option<Box<str>> {
    let named = given.split_once('.').map(|(name, _)| name);
    let named = tokens.iter().find(|token| Some(&*token.name) == named);
    let mut candidates = named.map_or(tokens, std::slice::from_ref).iter();
    let token = candidates.find(|token| token.password.matches(given));
    token.map(|token| token.name.clone())
}

/// Does work that a core must not wait for.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Unknown> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Unknown::NotChecked)
}

impl Caller {
    /// Whether it may do some of this kind at all; what, is known later.
    ///
    /// # Errors
    /// [`Refused`] with the reason.
    pub(crate) fn may_some(&self, kind: Kind) -> Result<(), Refused> {
        self.if_known(|known| known.may_some(kind))
    }

    /// Whether it may do all of this.
    ///
    /// # Errors
    /// [`Refused`] with the reason.
    pub(crate) fn may(&self, wanted: &Wanted) -> Result<(), Refused> {
        self.if_known(|known| known.may(wanted))
    }

    /// Whether it is anybody, or nobody has to be.
    ///
    /// # Errors
    /// [`Refused`] with the reason.
    pub(crate) fn may_enter(&self) -> Result<(), Refused> {
        self.if_known(|_| true)
    }

    fn if_known(&self, may: impl FnOnce(&Principal) -> bool) -> Result<(), Refused> {
        match self {
            Self::Known(known) if may(known) => Ok(()),
            Self::Known(_) => Err(Refused::NotAllowed),
            Self::Anyone => Ok(()),
            Self::Unknown(why) => Err(Refused::Unknown(*why)),
        }
    }

    /// Who it is.
    pub(crate) fn principal(&self) -> Option<&Principal> {
        match self {
            Self::Known(known) => Some(known),
            Self::Anyone | Self::Unknown(_) => None,
        }
    }

    /// Who it is, if it has proved it: not only by being a program on this machine.
    pub(crate) fn proved(&self) -> Option<&Principal> {
        self.principal().filter(|known| !known.is_this_machine())
    }

    pub(crate) fn is_this_machine(&self) -> bool {
        self.principal().is_some_and(Principal::is_this_machine)
    }
}

#[cfg(test)]
impl Caller {
    /// Somebody with a password who may do everything.
    pub(crate) fn user() -> Self {
        let user = Principal::new("ana", Proof::Password, rules::Grants::Everything);
        Self::Known(Arc::new(user))
    }

    pub(crate) fn this_machine() -> Self {
        let machine = Principal::new("", Proof::ThisMachine, rules::Grants::Everything);
        Self::Known(Arc::new(machine))
    }
}

#[cfg(test)]
mod tests;
