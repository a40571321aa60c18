//! `server.ssl.*`: TLS on our own ports.

use confbus_bus::KeyFile;
use rustls::{
    SupportedProtocolVersion,
    version::{TLS12, TLS13},
};

use crate::{
    http::{ClientAuth, Tls, TlsSettings},
    settings::reader::Reader,
};

use super::limits::HTTP2;

const AT: &str = "server.ssl";

/// TLS as soon as anything is said of it, as in Spring Boot.
pub(super) fn tls(reader: &mut Reader) -> Option<Tls> {
    if !is_on(reader) {
        return None;
    }
    let certificate = key_file(reader, "certificate", "key-store");
    let private_key = reader.file(&format!("{AT}.certificate-private-key"));
    let trusted = key_file(reader, "trust-certificate", "trust-store");
    let client_auth = client_auth(reader);
    if client_auth == ClientAuth::None {
        for name in ["trust-certificate", "trust-store"] {
            let why = format!("`{AT}.client-auth` asks nobody for a certificate");
            reader.has_no_effect(&format!("{AT}.{name}"), &why);
        }
    }
    let versions = versions(reader);
    let (certificate, trusted) = (certificate?, trusted?);
    let Some(certificate) = certificate else {
        let hint = "a file in PEM with our certificate and those that vouch for it";
        let key = format!("{AT}.enabled");
        reader.refuse(&key, format!("there is no `{AT}.certificate`"), Some(hint));
        return None;
    };
    if client_auth != ClientAuth::None && trusted.is_none() {
        let key = format!("{AT}.client-auth");
        let hint = format!("name those who vouch for callers in {AT}.trust-certificate");
        reader.refuse(&key, "nobody vouches for callers", Some(&hint));
        return None;
    }
    let settings = TlsSettings {
        certificate,
        private_key: private_key?,
        trusted,
        client_auth,
        versions: versions?,
        http2: reader.flag(HTTP2, false),
    };
    Tls::open(settings)
        .inspect_err(|error| reader.refuse(&format!("{AT}.certificate"), error.to_string(), None))
        .ok()
}

pub(super) fn is_on(reader: &mut Reader) -> bool {
    let is_said = !reader.below(&format!("{AT}.")).is_empty();
    reader.flag(&format!("{AT}.enabled"), is_said)
}

/// Whether nobody is let in over TLS without a certificate.
pub(super) fn needs_certificates(reader: &mut Reader) -> bool {
    let said = reader.text(&format!("{AT}.client-auth"));
    said.is_some_and(|said| said.eq_ignore_ascii_case("need")) && is_on(reader)
}

/// A file in PEM, or a store of PKCS#12.
fn key_file(reader: &mut Reader, pem: &str, store: &str) -> Option<Option<KeyFile>> {
    let store = format!("{AT}.{store}");
    let of_type = format!("{store}-type");
    let is_pkcs12 = reader
        .text_or(&of_type, "PKCS12")
        .eq_ignore_ascii_case("PKCS12");
    if !is_pkcs12 {
        reader.refuse(&of_type, format!("`{of_type}` is not PKCS12"), None);
    }
    let pem = format!("{AT}.{pem}");
    let path = match reader.file(&pem)? {
        Some(path) => {
            reader.has_no_effect(&store, &format!("there is `{pem}`"));
            Some(path)
        }
        None => reader.file(&store)?,
    };
    let password = reader.text_or(&format!("{store}-password"), "");
    Some(path.map(|path| KeyFile {
        path,
        password: password.into(),
    }))
}

fn client_auth(reader: &mut Reader) -> ClientAuth {
    let key = format!("{AT}.client-auth");
    match reader.text_or(&key, "none").to_ascii_lowercase().as_str() {
        "none" => ClientAuth::None,
        "want" => ClientAuth::Want,
        "need" => ClientAuth::Need,
        _ => {
            let text = format!("`{key}` is none of `none`, `want` and `need`");
            reader.refuse(&key, text, None);
            ClientAuth::None
        }
    }
}

fn versions(reader: &mut Reader) -> Option<Vec<&'static SupportedProtocolVersion>> {
    let key = format!("{AT}.enabled-protocols");
    let named = reader.list(&key);
    if named.is_empty() {
        return Some(vec![&TLS12, &TLS13]);
    }
    let version = |name: &String| match name.as_str() {
        "TLSv1.2" => Some(&TLS12),
        "TLSv1.3" => Some(&TLS13),
        _ => None,
    };
    let versions: Option<Vec<_>> = named.iter().map(version).collect();
    if versions.is_none() {
        let text = format!("`{key}` names others than `TLSv1.2` and `TLSv1.3`");
        reader.refuse(&key, text, None);
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_beside_the_point_is_told() {
        let said = [
            ("certificate", file!()),
            ("key-store", file!()),
            ("trust-certificate", file!()),
        ];
        let said = said.map(|(name, value)| (format!("{AT}.{name}"), value.to_owned()));
        let mut reader = Reader::of(said.into(), Vec::new());
        // There is no certificate in that file.
        assert!(tls(&mut reader).is_none());
        let (_, warnings) = reader.finish();
        let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
        let warnings = warnings.join("\n");
        for name in ["key-store", "trust-certificate"] {
            let expected = format!("`{AT}.{name}` has no effect");
            assert!(warnings.contains(&expected), "{name}: {warnings}");
        }
    }
}
