use std::{
    io::{BufReader, Write as _},
    net::TcpStream,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::listener::{head, listen};

/// An issuer of tokens: describes itself and publishes keys.
pub(crate) struct Issuer {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    keys: Vec<Value>,
    is_down: bool,
    fetches: usize,
}

/// What tokens are signed with.
pub(crate) struct SigningKey {
    id: &'static str,
    pair: EcdsaKeyPair,
}

impl Issuer {
    pub(crate) fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        let port = listen(move |connection| answer(connection, &shared));
        Self { port, state }
    }

    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    pub(crate) fn publish(&self, keys: &[&SigningKey]) {
        self.state.lock().unwrap().keys = keys.iter().map(|key| key.public()).collect();
    }

    /// Breaks off all connections from now on, or answers again.
    pub(crate) fn is_down(&self, is_down: bool) {
        self.state.lock().unwrap().is_down = is_down;
    }

    /// How often its keys were asked for.
    pub(crate) fn fetches(&self) -> usize {
        self.state.lock().unwrap().fetches
    }

    /// What a good token says.
    pub(crate) fn claims(&self, subject: &str) -> Value {
        json!({
            "iss": self.url(),
            "aud": ["confbus", "others"],
            "sub": subject,
            "exp": now() + 300,
            "groups": ["dev"],
        })
    }
}

impl SigningKey {
    pub(crate) fn new(id: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { id, pair }
    }

    /// The point on the curve: anybody may know it.
    pub(crate) fn point(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    pub(crate) fn public(&self) -> Value {
        let (x, y) = self.point()[1..].split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": self.id, "x": x, "y": y })
    }

    pub(crate) fn header(&self) -> Value {
        json!({ "alg": "ES256", "typ": "JWT", "kid": self.id })
    }

    /// A token that says this.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.sign(&self.header().to_string(), &claims.to_string())
    }

    /// The same, byte for byte.
    pub(crate) fn sign(&self, header: &str, claims: &str) -> String {
        let message = message(header, claims);
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.unwrap().as_ref());
        format!("{message}.{signature}")
    }
}

/// What is signed of a token.
pub(crate) fn message(header: &str, claims: &str) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}", encode(header), encode(claims))
}

pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn answer(connection: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let Some(head) = head(&mut BufReader::new(connection))? else {
        return Ok(());
    };
    let url = url(connection.local_addr()?.port());
    let mut state = state.lock().unwrap();
    let (status, body) = match head.split(' ').nth(1).unwrap_or_default() {
        _ if state.is_down => return Ok(()),
        "/.well-known/openid-configuration" => (
            "200 OK",
            json!({ "issuer": url, "jwks_uri": format!("{url}/keys") }),
        ),
        "/keys" => {
            state.fetches += 1;
            ("200 OK", json!({ "keys": state.keys }))
        }
        _ => ("404 Not Found", json!({})),
    };
    let body = body.to_string();
    let length = body.len();
    let mut writer = connection;
    write!(
        writer,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
