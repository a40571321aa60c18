use std::path::Path;

use git2::{Cred, CredentialType, Error};
use secrecy::{ExposeSecret as _, SecretString};

use crate::git::{Access, Login, ssh_host};

/// libgit2 asks again after every refusal, without end.
const ATTEMPTS: usize = 6;

/// What we offer when the remote asks who we are.
pub(super) fn offer<'a>(
    url: &'a str,
    access: &'a Access,
) -> impl FnMut(&str, Option<&str>, CredentialType) -> Result<Cred, Error> + 'a {
    let mut asked = 0;
    let mut tries = access
        .ssh
        .logins
        .iter()
        .flat_map(|login| ssh_tries(*login, access));
    move |_, user_of_url, allowed| {
        asked += 1;
        if asked > ATTEMPTS {
            return Err(Error::from_str("the login was refused"));
        }
        let user = exposed(&access.username).or(user_of_url);
        if allowed.contains(CredentialType::USERNAME) {
            return Cred::username(user.unwrap_or("git"));
        }
        if ssh_host(url).is_some() {
            let next = tries.find(|next| allowed.contains(next.kind()));
            let next = next.ok_or_else(|| Error::from_str("no ssh login was accepted"))?;
            return next.offer(user.unwrap_or("git"), access);
        }
        if allowed.contains(CredentialType::USER_PASS_PLAINTEXT) {
            return password(url, access);
        }
        Err(Error::from_str(
            "the remote asks for a kind of login that is not supported",
        ))
    }
}

/// One thing that ssh is offered.
enum Try<'a> {
    Key(&'a str),
    Agent,
    File(&'a Path),
    Password(&'a str),
}

/// The configured key; else the agent first and then the user's own key files.
fn ssh_tries(login: Login, access: &Access) -> Vec<Try<'_>> {
    match (login, exposed(&access.private_key)) {
        (Login::Password, _) => exposed(&access.password)
            .map(Try::Password)
            .into_iter()
            .collect(),
        (Login::PublicKey, Some(key)) => vec![Try::Key(key)],
        (Login::PublicKey, None) if access.ssh.ignores_user => Vec::new(),
        (Login::PublicKey, None) => {
            let files = access.ssh.key_files.iter();
            let files = files.map(|file| Try::File(file));
            std::iter::once(Try::Agent).chain(files).collect()
        }
    }
}

impl Try<'_> {
    fn kind(&self) -> CredentialType {
        match self {
            Self::Key(_) | Self::Agent | Self::File(_) => CredentialType::SSH_KEY,
            Self::Password(_) => CredentialType::USER_PASS_PLAINTEXT,
        }
    }

    fn offer(&self, user: &str, access: &Access) -> Result<Cred, Error> {
        let passphrase = exposed(&access.passphrase);
        match self {
            Self::Key(key) => Cred::ssh_key_from_memory(user, None, key, passphrase),
            Self::Agent => Cred::ssh_key_from_agent(user),
            Self::File(file) => Cred::ssh_key(user, None, file, passphrase),
            Self::Password(password) => Cred::userpass_plaintext(user, password),
        }
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
