//! From what a request shows to who it is: by a look into the table, or by a check aside.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Map;

use super::{
    Evidence, Inner, Named, Unknown,
    attempts::Attempt,
    credential::{Credential, Scheme},
    jwt,
    principal::{Principal, Proof},
    remembered::Digest,
};
use crate::turns::Turn;

/// Where evidence came from, so that one sort is never taken for the other.
const OF_HEADER: u8 = 0;
const OF_CERTIFICATE: u8 = 1;
const OF_BASIC: u8 = 2;
const OF_BEARER: u8 = 3;

/// What was shown, to be checked.
pub(super) enum Shown<'r> {
    Header(&'r [u8]),
    Certificate(&'r str),
}

impl Inner {
    pub(super) fn takes_headers(&self) -> bool {
        !self.users.is_empty() || !self.tokens.is_empty() || self.jwt.is_some()
    }

    pub(super) fn shown<'r>(&self, evidence: &Evidence<'r>) -> Option<(Digest, Shown<'r>)> {
        let header = evidence.authorization.filter(|_| self.takes_headers());
        let certificate = evidence.certificate.filter(|_| self.certificates);
        let digest = |sort, shown| self.remembered.digest(sort, shown);
        match (header, certificate) {
            (Some(header), _) => {
                // Not the header: else each spelling of a credential would be remembered by itself.
                let digest = match Scheme::split(header) {
                    Some((Scheme::Basic, said)) => digest(OF_BASIC, said.as_bytes()),
                    Some((Scheme::Bearer, said)) => digest(OF_BEARER, said.as_bytes()),
                    None => digest(OF_HEADER, header),
                };
                Some((digest, Shown::Header(header)))
            }
            (None, Some(name)) => {
                let digest = digest(OF_CERTIFICATE, name.as_bytes());
                Some((digest, Shown::Certificate(name)))
            }
            (None, None) => None,
        }
    }

    pub(super) async fn prove(
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

    pub(super) fn known(&self, digest: &Digest) -> Option<Arc<Principal>> {
        self.remembered.with(digest, Instant::now(), Arc::clone)
    }

    /// Checks a header, if its address has not said too many wrong things.
    async fn check(
        &self,
        digest: Digest,
        header: &[u8],
        address: IpAddr,
    ) -> Result<Checked, Unknown> {
        let mut attempt = self.attempts.of(address);
        if self.remembered.was_good(&digest) {
            attempt = attempt.excused();
        }
        attempt.may_go_on()?;
        match Credential::parse(header) {
            Some(credential) => self.check_credential(digest, credential, attempt).await,
            None => Err(attempt.failed()),
        }
    }

    async fn check_credential(
        &self,
        digest: Digest,
        credential: Credential,
        attempt: Attempt,
    ) -> Result<Checked, Unknown> {
        match (credential, &self.jwt) {
            (Credential::Basic { name, password }, _) if !self.has_slow_users() => {
                let name = right_name(&self.users, &name, &password);
                let name = name.ok_or_else(|| attempt.failed())?;
                Ok(self.known_by(&name, Proof::Password))
            }
            (Credential::Bearer(token), Some(jwt)) if jwt::looks_issued(token.expose_secret()) => {
                self.check_issued(jwt, token, attempt).await
            }
            (credential, _) => {
                let turn = self.turn().await?;
                // Many ask with the same at the same time, above all after a start.
                if let Some(known) = self.known(&digest) {
                    return Ok(Checked::Known(known));
                }
                attempt.may_go_on()?;
                self.check_slowly(credential, turn, attempt).await
            }
        }
    }

    async fn turn(&self) -> Result<Turn, Unknown> {
        self.turns.take().await.ok_or(Unknown::NotChecked)
    }

    async fn check_slowly(
        &self,
        credential: Credential,
        turn: Turn,
        attempt: Attempt,
    ) -> Result<Checked, Unknown> {
        let (users, tokens) = (Arc::clone(&self.users), Arc::clone(&self.tokens));
        let check = move || {
            let (name, proof) = match credential {
                Credential::Basic { name, password } => {
                    (right_name(&users, &name, &password), Proof::Password)
                }
                Credential::Bearer(token) => (token_name(&tokens, &token), Proof::Token),
            };
            let name = name.ok_or_else(|| attempt.failed())?;
            Ok((name, proof))
        };
        let (name, proof) = done(turn.spend(check).await)??;
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
        token: SecretString,
        attempt: Attempt,
    ) -> Result<Checked, Unknown> {
        let token = Arc::new(token);
        let verify = async |keys: Option<Arc<jwt::Set>>| {
            let turn = self.turn().await?;
            let (jwt, token, attempt) = (Arc::clone(jwt), Arc::clone(&token), attempt.clone());
            let verify = move || {
                let verified = jwt.verify(keys.as_deref(), token.expose_secret());
                if matches!(verified, Err(jwt::Refused::Bad)) {
                    attempt.failed();
                }
                verified
            };
            done(turn.spend(verify).await)
        };
        let keys = jwt.keys.load();
        let verified = verify(keys.clone()).await?;
        // Whoever makes up names of keys is guessing, and may hang up rather than wait for others.
        let is_unknown = matches!(verified, Err(jwt::Refused::NoSuchKey));
        let suspect = is_unknown.then(|| attempt.suspect());
        let verified = match verified {
            Err(jwt::Refused::NoSuchKey | jwt::Refused::NoKeys) => {
                match jwt.keys.others(keys.as_ref()).await {
                    jwt::Others::These(others) => verify(Some(others)).await,
                    jwt::Others::None => Ok(verified),
                    jwt::Others::Unknown => Err(Unknown::NotChecked),
                }
            }
            verified => Ok(verified),
        };
        // Whom nobody could check has not failed.
        if !matches!(verified, Ok(Err(jwt::Refused::NoSuchKey)))
            && let Some(suspect) = suspect
        {
            suspect.clear();
        }
        match verified? {
            Ok(jwt::Verified {
                name,
                claims,
                remaining,
            }) => {
                let principal = self.principal(&name, Proof::Jwt, &claims);
                let principal = principal.for_now(remaining);
                Ok(Checked::New(principal, Some(remaining)))
            }
            Err(jwt::Refused::NoKeys) => Err(Unknown::NotChecked),
            Err(jwt::Refused::NoSuchKey) => Err(Unknown::NoSuchKey),
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
fn right_name(users: &[Named], name: &str, password: &SecretString) -> Option<Box<str>> {
    let password = password.expose_secret();
    let user = users.iter().find(|user| &*user.name == name);
    let is_right = user.is_some_and(|user| user.password.matches(password));
    if !user.is_some_and(|user| user.password.is_slow()) {
        let decoy = users.iter().find(|user| user.password.is_slow());
        let decoy = decoy.or_else(|| users.first().filter(|_| user.is_none()));
        // What comes of it is nobody's business.
        _ = decoy.map(|decoy| decoy.password.matches(password));
    }
    is_right.then(|| name.into())
}

/// The name of a token. One that begins with the name of a token is held against that one alone.
fn token_name(tokens: &[Named], given: &SecretString) -> Option<Box<str>> {
    let given = given.expose_secret();
    let named = given.split_once('.').map(|(name, _)| name);
    let named = tokens.iter().find(|token| Some(&*token.name) == named);
    let mut candidates = named.map_or(tokens, std::slice::from_ref).iter();
    let token = candidates.find(|token| token.password.matches(given));
    token.map(|token| token.name.clone())
}

/// What a check found, if it came to an end.
fn done<T>(done: Option<T>) -> Result<T, Unknown> {
    done.ok_or(Unknown::NotChecked)
}
