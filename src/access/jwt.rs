//! Bearer tokens of an issuer: JSON Web Tokens, signed with one of the keys that it publishes.
//!
//! Nothing that a token says decides how it is checked: the issuer, the audience and the algorithms are those of the
//! settings, and keys come from one place alone.

mod claims;
mod issuer;
mod keeper;
mod keys;

use std::time::{Duration, SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Validation};
use serde_json::{Map, Value};

use claims::Strict;
pub(super) use claims::says;
pub(crate) use issuer::Place;
pub(crate) use keeper::Keeper;
use keys::Keys;
pub(super) use keys::{Others, Set};

/// Bytes of the longest token that is looked at.
const LONGEST: usize = 8 * 1024;
/// How far the clocks of issuer and server may be apart.
const LEEWAY: Duration = Duration::from_secs(60);
/// Bytes of the longest name.
const LONGEST_NAME: usize = 256;

/// Algorithms whose key can only check; by the names that settings give them.
const ALGORITHMS: [(&str, Algorithm); 9] = [
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];

/// Whose tokens are good, and for what.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `spring.security.oauth2.resourceserver.jwt.issuer-uri`: what `iss` has to be.
    pub(crate) issuer: Box<str>,
    /// Where its keys are.
    pub(crate) place: Place,
    /// `….audiences`: one of them has to be in `aud`.
    pub(crate) audiences: Vec<String>,
    /// `….jws-algorithms`; all that are asymmetric by default.
    pub(crate) algorithms: Algorithms,
    /// `….principal-claim-name`: the claim that says who it is; `sub` by default.
    pub(crate) principal_claim: Box<str>,
}

/// Algorithms that tokens may be signed with.
#[derive(Debug, Clone)]
pub(crate) struct Algorithms(Vec<Algorithm>);

impl Algorithms {
    /// All there are.
    pub(crate) fn all() -> Self {
        Self(ALGORITHMS.map(|(_, algorithm)| algorithm).into())
    }

    /// # Errors
    /// The name of one that is not known, or whose key could also sign.
    pub(crate) fn named(names: Vec<String>) -> Result<Self, String> {
        let named = |name: String| {
            let known = ALGORITHMS.iter().find(|(known, _)| *known == name);
            known.map(|(_, algorithm)| *algorithm).ok_or(name)
        };
        names
            .into_iter()
            .map(named)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// Checks tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    settings: Settings,
    pub(super) keys: Keys,
}

/// What a good token says.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) name: String,
    pub(super) claims: Map<String, Value>,
    /// It is good for no longer.
    pub(super) remaining: Duration,
}

/// Why a token is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It never will be.
    Bad,
    /// None of the keys at hand made it.
    NoSuchKey,
    /// There are no keys at hand.
    NoKeys,
}

impl Tokens {
    pub(super) fn new(settings: Settings) -> (Self, Keeper) {
        let (keys, keeper) = Keys::new(settings.place.clone(), settings.issuer.clone());
        (Self { settings, keys }, keeper)
    }

    /// Checks one with these keys, which takes some tenths of a millisecond.
    pub(super) fn verify(&self, keys: Option<&Set>, token: &str) -> Result<Verified, Refused> {
        let header = header(token).ok_or(Refused::Bad)?;
        let algorithm = self.algorithm(&header).ok_or(Refused::Bad)?;
        let kid = match header.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.as_str()),
            Some(_) => return Err(Refused::Bad),
        };
        let keys = keys.ok_or(Refused::NoKeys)?;
        let mut candidates = keys.candidates(kid, algorithm).peekable();
        if candidates.peek().is_none() {
            return Err(Refused::NoSuchKey);
        }
        let validation = self.validation(algorithm);
        let claims = candidates.find_map(|key| {
            let decoded = jsonwebtoken::decode::<Strict>(token, key, &validation);
            decoded.ok().map(|decoded| decoded.claims.0)
        });
        self.verified(claims.ok_or(Refused::Bad)?)
            .ok_or(Refused::Bad)
    }

    /// The algorithm that the header names, if it may be that one.
    fn algorithm(&self, header: &Map<String, Value>) -> Option<Algorithm> {
        // What a token calls critical nobody here understands.
        if header.contains_key("crit") || header.contains_key("b64") {
            return None;
        }
        let name = header.get("alg")?.as_str()?;
        let (_, algorithm) = *ALGORITHMS.iter().find(|(known, _)| *known == name)?;
        self.settings
            .algorithms
            .0
            .contains(&algorithm)
            .then_some(algorithm)
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY.as_secs();
        validation.validate_nbf = true;
        validation.set_audience(&self.settings.audiences);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation
    }

    fn verified(&self, claims: Map<String, Value>) -> Option<Verified> {
        // A list of issuers is no issuer.
        let issuer = claims.get("iss")?.as_str()?;
        let name = claims
            .get(&*self.settings.principal_claim)?
            .as_str()?
            .to_owned();
        let is_name = !name.is_empty() && name.len() <= LONGEST_NAME;
        let is_shown = !name.contains(char::is_control);
        let expires = Duration::try_from_secs_f64(claims.get("exp")?.as_f64()?).ok()?;
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .ok()?;
        let is_ours = issuer == &*self.settings.issuer && is_name && is_shown;
        is_ours.then(|| Verified {
            name,
            claims,
            remaining: (expires.saturating_add(LEEWAY)).saturating_sub(now),
        })
    }
}

/// Whether a token may be one of an issuer: three parts, of which the first is the beginning of a JSON object.
pub(super) fn looks_issued(token: &str) -> bool {
    token.starts_with("eyJ") && token.matches('.').count() == 2
}

/// The header of a token that is not too long; nothing where it says anything twice.
fn header(token: &str) -> Option<Map<String, Value>> {
    if token.len() > LONGEST || token.matches('.').count() != 2 {
        return None;
    }
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    serde_json::from_slice::<Strict>(&header)
        .ok()
        .map(|header| header.0)
}
