use std::{env, path::PathBuf};

use git2::{CertificateCheckStatus, Cred, CredentialType, Error, cert::Cert};

use super::Access;

/// libgit2 asks again after every refusal, without end.
const ATTEMPTS: u32 = 4;

/// What we offer when the remote asks who we are.
pub(super) fn offer<'a>(
    url: &'a str,
    access: &'a Access,
) -> impl FnMut(&str, Option<&str>, CredentialType) -> Result<Cred, Error> + 'a {
    let mut asked = 0;
    move |_, user_of_url, allowed| {
        asked += 1;
        if asked > ATTEMPTS {
            return Err(Error::from_str("the login was refused"));
        }
        let user = access.username.as_deref().or(user_of_url);
        if allowed.contains(CredentialType::USERNAME) {
            return Cred::username(user.unwrap_or("git"));
        }
        if allowed.contains(CredentialType::SSH_KEY) {
            return ssh_key(user.unwrap_or("git"), access, asked);
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
    let of_url = url::Url::parse(url)
        .ok()
        .and_then(|url| url.password().map(str::to_owned));
    let secrets = [
        access.password.as_deref(),
        access.passphrase.as_deref(),
        of_url.as_deref(),
    ];
    let message = secrets
        .into_iter()
        .flatten()
        .filter(|secret| !secret.is_empty())
        .fold(message.to_owned(), |text, secret| {
            text.replace(secret, "***")
        });
    message.lines().next().unwrap_or_default().to_owned()
}

fn password(url: &str, access: &Access) -> Result<Cred, Error> {
    if let (Some(user), Some(password)) = (&access.username, &access.password) {
        return Cred::userpass_plaintext(user, password);
    }
    let url = url::Url::parse(url).map_err(|_| Error::from_str("no login is configured"))?;
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    match url.password() {
        Some(password) => Cred::userpass_plaintext(&decode(url.username()), &decode(password)),
        None => Err(Error::from_str(
            "the remote asks for a login, and none is configured",
        )),
    }
}

/// The configured key; else the agent first and then the user's own key files.
fn ssh_key(user: &str, access: &Access, attempt: u32) -> Result<Cred, Error> {
    let passphrase = access.passphrase.as_deref();
    if let Some(key) = &access.private_key {
        return Cred::ssh_key_from_memory(user, None, key, passphrase);
    }
    match attempt {
        1 => Cred::ssh_key_from_agent(user),
        _ => match key_files().nth(attempt as usize - 2) {
            Some(file) => Cred::ssh_key(user, None, &file, passphrase),
            None => Err(Error::from_str("no ssh key was accepted")),
        },
    }
}

fn key_files() -> impl Iterator<Item = PathBuf> {
    // The user's home is where ssh itself looks; it is no setting of ours.
    let home = env::home_dir().unwrap_or_default();
    ["id_ed25519", "id_ecdsa", "id_rsa"]
        .into_iter()
        .map(move |name| home.join(".ssh").join(name))
        .filter(|file| file.exists())
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
            "failed for https://u:tok3n@host/x with s3cret\nmore",
            "https://u:tok3n@host/x",
            &access,
        );
        assert_eq!(message, "failed for https://u:***@host/x with ***");
    }
}
