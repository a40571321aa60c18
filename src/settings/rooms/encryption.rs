use std::{fs, io::Read as _, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString};

use super::SERVER;
use crate::{
    encryption::{
        Algorithm, Encryption, KeyError, KeyStore, Keys, Pem, RsaKey, Scheme, StoreAccess,
        SymmetricKey, Values, private_key,
    },
    hex,
    settings::{code, reader::Reader},
};

const KEY: &str = "encrypt.key";
const LOCATION: &str = "encrypt.key-store.location";
const PASSWORD: &str = "encrypt.key-store.password";
const ALIAS: &str = "encrypt.key-store.alias";
const SECRET: &str = "encrypt.key-store.secret";
const RSA: [&str; 3] = [
    "encrypt.rsa.algorithm",
    "encrypt.rsa.salt",
    "encrypt.rsa.strong",
];
/// A store of a thousand keys has four.
const MAX_STORE: u64 = 16 << 20;

/// The keys, opened and checked; `None` when they cannot be used.
pub(super) fn encryption(reader: &mut Reader) -> Option<Encryption> {
    let values = values(reader);
    let keys = if reader.has(LOCATION) {
        Keys::Store(key_store(reader)?)
    } else if let Some(key) = reader.secret(KEY).filter(is_said) {
        single_key(reader, key.expose_secret())?
    } else if reader.flag("spring.cloud.bootstrap.enabled", false) {
        Keys::PassThrough
    } else {
        Keys::None
    };
    Some(Encryption::new(keys, values))
}

fn is_said(key: &SecretString) -> bool {
    !key.expose_secret().trim().is_empty()
}

fn values(reader: &mut Reader) -> Values {
    let enabled = reader.flag(&format!("{SERVER}.encrypt.enabled"), true);
    let prefix = reader.flag(&format!("{SERVER}.encrypt.prefix-invalid-properties"), true);
    let plain_text = format!("{SERVER}.encrypt.plain-text-encrypt");
    if reader.flag(&plain_text, false) {
        reader.warn(code::NO_EFFECT, format!(
            "`{plain_text}` has no effect, here as in Spring Cloud Config: plain files are served as they are, and only their placeholders see decrypted values"
        ));
    }
    match (enabled, prefix) {
        (false, _) => Values::Kept,
        (true, true) => Values::Decrypted,
        (true, false) => Values::DecryptedOrBare,
    }
}

fn single_key(reader: &mut Reader, key: &str) -> Option<Keys> {
    let key = match private_key(key) {
        None => return symmetric(reader, key),
        Some(Ok((Pem::Pkcs8, _))) => {
            reader.warn(code::NO_EFFECT, format!(
                "`{KEY}` is a `PRIVATE KEY`, which Spring Cloud Config takes for a pass phrase, and so it is here: for RSA, write it as `RSA PRIVATE KEY` (openssl rsa -traditional)"
            ));
            return symmetric(reader, key);
        }
        Some(Ok((Pem::Pkcs1, key))) => RsaKey::new(&key, &Scheme::default()),
        Some(Err(error)) => Err(error),
    };
    match key {
        Ok(key) => {
            warn_of_scheme(reader);
            Some(Keys::Rsa(Box::new(key)))
        }
        Err(error) => {
            refuse(reader, KEY, &error);
            None
        }
    }
}

fn symmetric(reader: &mut Reader, pass_phrase: &str) -> Option<Keys> {
    const SALT: &str = "encrypt.salt";
    let Some(salt) = hex::decoded(&reader.text_or(SALT, "deadbeef")) else {
        let hint = "write pairs of hexadecimal digits, such as deadbeef";
        reader.refuse(SALT, format!("`{SALT}` is not hexadecimal"), Some(hint));
        return None;
    };
    Some(Keys::Symmetric(SymmetricKey::new(pass_phrase, &salt)))
}

fn warn_of_scheme(reader: &mut Reader) {
    for key in RSA
        .into_iter()
        .filter(|key| reader.has(key))
        .collect::<Vec<_>>()
    {
        reader.warn(
            code::NO_EFFECT,
            format!(
                "`{key}` has no effect on `{KEY}`, as in Spring: it is for `encrypt.key-store`"
            ),
        );
    }
}

fn key_store(reader: &mut Reader) -> Option<KeyStore> {
    check_type(reader);
    let bytes = read_store(reader);
    let password = required(reader, PASSWORD, "a key store without a password");
    let alias = required(reader, ALIAS, "a key store without the alias of a key");
    let scheme = scheme(reader)?;
    let (bytes, password, alias) = (bytes?, password?, alias?);
    let password = SecretString::from(password);
    let secret = reader.secret(SECRET).unwrap_or_else(|| password.clone());
    let access = StoreAccess {
        password,
        alias,
        secret,
    };
    match KeyStore::open(&bytes, access, scheme) {
        Ok(store) => Some(store),
        Err(error) => {
            refuse(reader, place_of(reader, &error), &error);
            None
        }
    }
}

/// The setting that an error is about.
fn place_of(reader: &Reader, error: &KeyError) -> &'static str {
    match error {
        KeyError::WrongPassword => PASSWORD,
        KeyError::NoSuchAlias { .. } | KeyError::NotRsa => ALIAS,
        KeyError::WrongSecret if reader.has(SECRET) => SECRET,
        KeyError::WrongSecret => ALIAS,
        KeyError::NotPem
        | KeyError::EncryptedPem
        | KeyError::NotPrivate
        | KeyError::NotAStore
        | KeyError::Jceks
        | KeyError::Damaged => LOCATION,
    }
}

fn refuse(reader: &mut Reader, key: &str, error: &KeyError) {
    let hint = match error {
        KeyError::EncryptedPem => {
            Some("remove its pass phrase with `openssl rsa`, or use a key store".to_owned())
        }
        KeyError::NotPrivate => Some("write an `RSA PRIVATE KEY`, or a pass phrase".to_owned()),
        KeyError::Jceks => Some(
            "convert it: keytool -importkeystore -srcstoretype jceks -deststoretype pkcs12"
                .to_owned(),
        ),
        KeyError::NoSuchAlias { aliases } if !aliases.is_empty() => {
            Some(format!("there are: {}", aliases.join(", ")))
        }
        KeyError::WrongSecret => Some(
            "set encrypt.key-store.secret to the key's own password; with PKCS#12 leave it out"
                .to_owned(),
        ),
        _ => None,
    };
    let text = format!("`{key}`: {error}");
    reader.refuse_as(code::UNUSABLE_KEY, key, text, hint.as_deref());
}

/// The type only has to be one that we read: which of them a store is, it says itself, in Java, too.
fn check_type(reader: &mut Reader) {
    const TYPE: &str = "encrypt.key-store.type";
    let text = reader.text_or(TYPE, "jks").to_ascii_lowercase();
    if !matches!(text.as_str(), "jks" | "pkcs12") {
        reader.refuse(
            TYPE,
            format!("`{TYPE}` is neither `jks` nor `pkcs12`"),
            None,
        );
    }
}

fn required(reader: &mut Reader, key: &str, missing: &str) -> Option<String> {
    let text = reader.text(key);
    if text.is_none() {
        reader.refuse(LOCATION, missing, Some(&format!("set {key}")));
    }
    text
}

fn scheme(reader: &mut Reader) -> Option<Scheme> {
    let [algorithm_key, salt, strong] = RSA;
    let algorithm = match reader
        .text_or(algorithm_key, "default")
        .to_ascii_lowercase()
        .as_str()
    {
        "default" => Algorithm::Pkcs1,
        "oaep" => Algorithm::Oaep,
        _ => {
            reader.refuse(
                algorithm_key,
                format!("`{algorithm_key}` is neither `DEFAULT` nor `OAEP`"),
                None,
            );
            return None;
        }
    };
    let salt = reader.text_or(salt, "deadbeef");
    Some(Scheme {
        algorithm,
        strong: reader.flag(strong, false),
        // A salt that is not hexadecimal counts as text.
        salt: hex::decoded(&salt).unwrap_or_else(|| salt.into_bytes()),
    })
}

/// A path, `file:` with a path, or `base64:` with the store itself.
fn read_store(reader: &mut Reader) -> Option<Vec<u8>> {
    let location = reader.text(LOCATION)?;
    if let Some(text) = location.strip_prefix("base64:") {
        let decoded = STANDARD.decode(text.split_whitespace().collect::<String>());
        return decoded
            .inspect_err(|_| reader.refuse(LOCATION, "the key store is not base64", None))
            .ok();
    }
    let path = match location.split_once(':') {
        Some(("file", path)) => path.strip_prefix("//").unwrap_or(path),
        Some(("classpath" | "classpath*" | "http" | "https", _)) => {
            let hint = "write a path, `file:` with a path, or `base64:` with the store itself";
            reader.refuse(LOCATION, "a key store is read from a file", Some(hint));
            return None;
        }
        _ => location.as_str(),
    };
    match read_bounded(Path::new(path)) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            let text = format!("the key store cannot be read: {error}");
            reader.refuse(LOCATION, text, None);
            None
        }
    }
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(MAX_STORE + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_STORE {
        return Err(std::io::Error::other("it is larger than 16 MiB"));
    }
    Ok(bytes)
}
