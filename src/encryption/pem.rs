//! Private keys as PEM texts.

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::KeyPair,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::KeyError;

/// The form of a private key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pem {
    /// `RSA PRIVATE KEY`, the one that Spring reads.
    Pkcs1,
    /// `PRIVATE KEY`.
    Pkcs8,
}

/// The private key in a text, in the form of PKCS#8 (DER); `None` when the text is no PEM and so a pass phrase.
///
/// Line breaks may be left out, be blanks, or be written as `\n`, as they come through environment variables.
///
/// # Errors
/// [`KeyError`] for a PEM text that holds no RSA private key.
pub(crate) fn private_key(text: &str) -> Option<Result<(Pem, Vec<u8>), KeyError>> {
    if text.trim_start().starts_with("ssh-rsa") {
        return Some(Err(KeyError::NotPrivate));
    }
    let (_, after) = text.split_once("-----BEGIN ")?;
    Some(block(after))
}

fn block(after: &str) -> Result<(Pem, Vec<u8>), KeyError> {
    let (kind, after) = after.split_once("-----").ok_or(KeyError::NotPem)?;
    let (body, after) = after.split_once("-----END ").ok_or(KeyError::NotPem)?;
    if !after.starts_with(kind) {
        return Err(KeyError::NotPem);
    }
    if kind == "ENCRYPTED PRIVATE KEY" || body.contains("ENCRYPTED") {
        return Err(KeyError::EncryptedPem);
    }
    let plain: String = body.replace("\\n", "").split_whitespace().collect();
    let der = || STANDARD.decode(&plain).map_err(|_| KeyError::NotPem);
    match kind {
        "RSA PRIVATE KEY" => {
            let pair = KeyPair::from_der(&der()?).map_err(|_| KeyError::NotRsa)?;
            let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::NotRsa)?;
            Ok((Pem::Pkcs1, pkcs8.as_ref().to_vec()))
        }
        "PRIVATE KEY" => Ok((Pem::Pkcs8, der()?)),
        _ => Err(KeyError::NotPrivate),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing, *};

    #[test]
    fn both_forms_and_all_line_breaks_are_the_same_key() {
        let (form, expected) = private_key(testing::PEM).unwrap().unwrap();
        assert_eq!(form, Pem::Pkcs1);
        for text in [
            testing::PEM.replace('\n', ""),
            testing::PEM.replace('\n', " "),
            testing::PEM.replace('\n', "\\n"),
            testing::PEM.replace('\n', "\r\n  "),
            format!("a comment\n{}\nmore", testing::PEM),
        ] {
            assert_eq!(private_key(&text), Some(Ok((Pem::Pkcs1, expected.clone()))));
        }
        let pkcs8 = private_key(testing::PEM_PKCS8);
        assert_eq!(pkcs8, Some(Ok((Pem::Pkcs8, expected))));
    }

    #[test]
    fn other_texts_are_pass_phrases_or_refused() {
        assert_eq!(private_key("foo"), None);
        assert_eq!(private_key("BEGIN of a long phrase"), None);
        let cut = &testing::PEM[..500];
        let body_cut = testing::PEM.replacen("MII", "", 1);
        for (text, error) in [
            ("ssh-rsa AAAA application", KeyError::NotPrivate),
            (
                "-----BEGIN RSA PUBLIC KEY-----AA==-----END RSA PUBLIC KEY-----",
                KeyError::NotPrivate,
            ),
            (
                "-----BEGIN EC PRIVATE KEY-----AA==-----END EC PRIVATE KEY-----",
                KeyError::NotPrivate,
            ),
            (
                "-----BEGIN ENCRYPTED PRIVATE KEY-----AA==-----END ENCRYPTED PRIVATE KEY-----",
                KeyError::EncryptedPem,
            ),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n-----END RSA PRIVATE KEY-----",
                KeyError::EncryptedPem,
            ),
            (
                "-----BEGIN RSA PRIVATE KEY-----AA==-----END PRIVATE KEY-----",
                KeyError::NotPem,
            ),
            (
                "-----BEGIN RSA PRIVATE KEY-----!-----END RSA PRIVATE KEY-----",
                KeyError::NotPem,
            ),
            (
                "-----BEGIN RSA PRIVATE KEY-----AA==-----END RSA PRIVATE KEY-----",
                KeyError::NotRsa,
            ),
            (cut, KeyError::NotPem),
            (&body_cut, KeyError::NotPem),
        ] {
            assert_eq!(private_key(text), Some(Err(error)), "{text}");
        }
    }
}
