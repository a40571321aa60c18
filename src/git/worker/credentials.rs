use git2::{CertificateCheckStatus, Cred, CredentialType, Error, cert::Cert};
use secrecy::{ExposeSecret as _, SecretString};

use crate::git::Access;

/// libgit2 asks again after every refusal, without end.
const ATTEMPTS: usize = 6;

/// What we offer when the remote asks who we are.
pub(super) fn offer<'a>(
    url: &'a str,
    access: &'a Access,
) -> impl FnMut(&str, Option<&str>, CredentialType) -> Result<Cred, Error> + 'a {
    let (mut asked, mut keys) = (0, 0);
    move |_, user_of_url, allowed| {
        asked += 1;
        if asked > ATTEMPTS {
            return Err(Error::from_str("the login was refused"));
        }
        let user = exposed(&access.username).or(user_of_url);
        if allowed.contains(CredentialType::USERNAME) {
            return Cred::username(user.unwrap_or("git"));
        }
        if allowed.contains(CredentialType::SSH_KEY) {
            keys += 1;
            return ssh_key(user.unwrap_or("git"), access, keys);
        }
        if allowed.contains(CredentialType::USER_PASS_PLAINTEXT) {
            return password(url, access);
        }
        Err(Error::from_str(
            "the remote asks for a kind of login that is not supported",
        ))
    }
}

/// Accepts the host only by libgit2's own checks, unless one is switched off by name.
pub(super) fn check_host(
    access: &Access,
) -> impl FnMut(&Cert<'_>, &str) -> Result<CertificateCheckStatus, Error> + '_ {
    |certificate, _| {
        let is_ssh = certificate.as_hostkey().is_some();
        let accepted = if is_ssh {
            access.accept_any_host_key
        } else {
            access.skip_ssl_validation
        };
        Ok(if accepted {
            CertificateCheckStatus::CertificateOk
        } else {
            CertificateCheckStatus::CertificatePassthrough
        })
    }
}

/// Takes every credential out of a message of libgit2.
pub(super) fn redact(message: &str, url: &str, access: &Access) -> String {
    let of_url = url::Url::parse(url).ok();
    // A token may stand where a user does.
    let user = of_url
        .as_ref()
        .filter(|url| url.scheme() != "ssh")
        .map(url::Url::username);
    let password = of_url.as_ref().and_then(url::Url::password);
    let as_written = [user, password].into_iter().flatten().map(str::to_owned);
    let decoded = [user, password].into_iter().flatten().map(decode);
    let configured = [&access.password, &access.passphrase]
        .into_iter()
        .filter_map(exposed)
        .map(str::to_owned);
    let mut secrets: Vec<String> = as_written
        .chain(decoded)
        .chain(configured)
        .filter(|secret| !secret.is_empty())
        .collect();
    // A part of another one would leave the rest of it.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    let message = secrets.iter().fold(message.to_owned(), |text, secret| {
        text.replace(secret, "***")
    });
    message.lines().next().unwrap_or_default().to_owned()
}

pub(super) fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

fn exposed(secret: &Option<SecretString>) -> Option<&str> {
    secret.as_ref().map(SecretString::expose_secret)
}

fn password(url: &str, access: &Access) -> Result<Cred, Error> {
    if let (Some(user), Some(password)) = (exposed(&access.username), exposed(&access.password)) {
        return Cred::userpass_plaintext(user, password);
    }
    let url = url::Url::parse(url).map_err(|_| Error::from_str("no login is configured"))?;
    match url.password() {
        Some(password) => Cred::userpass_plaintext(&decode(url.username()), &decode(password)),
        None => Err(Error::from_str(
            "the remote asks for a login, and none is configured",
        )),
    }
}

/// The configured key; else the agent first and then the user's own key files.
fn ssh_key(user: &str, access: &Access, attempt: usize) -> Result<Cred, Error> {
    let passphrase = exposed(&access.passphrase);
    if let Some(key) = exposed(&access.private_key) {
        return Cred::ssh_key_from_memory(user, None, key, passphrase);
    }
    match attempt {
        1 => Cred::ssh_key_from_agent(user),
        _ => match access.key_files.get(attempt - 2) {
            Some(file) => Cred::ssh_key(user, None, file, passphrase),
            None => Err(Error::from_str("no ssh key was accepted")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_lose_their_credentials() {
        let access = Access {
            password: Some("s3cret".into()),
            ..Access::default()
        };
        let message = redact(
            "failed for https://ana:tok3n@host/x with s3cret\nmore",
            "https://ana:tok3n@host/x",
            &access,
        );
        assert_eq!(message, "failed for https://***:***@host/x with ***");
    }
}
