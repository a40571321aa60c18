mod jwt;
mod rules;

use crate::{
    access::{Named, Password, Settings, is_weak},
    settings::{code, layers::uniform, reader::Reader},
};

const SECURITY: &str = "confbus.security";
/// More users or tokens belong to an issuer of tokens.
const MOST_USERS: usize = 256;
/// One that does not begin with its name is held against all of them.
const MOST_TOKENS: usize = 32;
/// Secrets that others could guess, besides passwords.
const SECRETS: [&str; 9] = [
    "encrypt.key",
    "encrypt.key-store.password",
    "encrypt.key-store.secret",
    "spring.cloud.config.server.monitor.bitbucket.webhook-secret",
    "spring.cloud.config.server.monitor.gitea.webhook-secret",
    "spring.cloud.config.server.monitor.gitee.webhook-secret",
    "spring.cloud.config.server.monitor.github.webhook-secret",
    "spring.cloud.config.server.monitor.gitlab.webhook-secret",
    "spring.cloud.config.server.monitor.gogs.webhook-secret",
];

/// Secrets of webhooks that are good for a while longer.
const PREVIOUS_SECRETS: &str = "confbus.monitor.previous-secrets";

/// Who may ask, how they prove it, and what they may. `is_reachable` where other machines can reach the server.
pub(super) fn access(reader: &mut Reader, is_reachable: bool) -> Settings {
    check_keys(reader);
    let mut passwords = Vec::new();
    let mut users = Vec::from_iter(spring_user(reader, &mut passwords));
    users.extend(named_users(reader, &mut passwords));
    let settings = Settings {
        mode_none: mode_none(reader, is_reachable),
        users,
        tokens: tokens(reader),
        jwt: jwt::jwt(reader),
        rules: rules::rules(reader),
        weak_secrets: weak_secrets(reader, &passwords, is_reachable),
        ..Settings::default()
    };
    if settings.mode_none && !settings.rules.is_empty() {
        refuse_mode(
            reader,
            "confbus.security.mode=none lets everyone do what rules are to keep from them",
            "leave out the mode or the rules",
        );
    }
    settings
}

/// What is not read here keeps nobody out: rules above all, which would be none at all.
fn check_keys(reader: &mut Reader) {
    for (rest, _) in reader.below(&format!("{SECURITY}.")) {
        let hint = match rest.split(['.', '[']).next() {
            _ if is_read(&rest) => continue,
            Some("rules") => {
                "rules are a list: write confbus.security.rules[0].principals, or a - in YAML"
            }
            _ => "leave it out, or look at its spelling",
        };
        let key = format!("{SECURITY}.{rest}");
        let problem = format!("`{key}` is nothing that keeps anybody out");
        reader.refuse(&key, problem, Some(hint));
    }
}

fn is_read(rest: &str) -> bool {
    let rest = uniform(rest);
    match rest.split('.').collect::<Vec<_>>()[..] {
        ["mode" | "opentonetwork" | "weaksecrets"]
        | ["tokens", _, "hash"]
        | ["users", _, "password"] => true,
        [rule, _, ..] => {
            let index = rule
                .strip_prefix("rules[")
                .and_then(|index| index.strip_suffix(']'));
            index.is_some_and(|index| index.parse::<usize>().is_ok())
        }
        _ => false,
    }
}

/// `spring.security.user.*`, the one user that Spring knows.
fn spring_user(reader: &mut Reader, passwords: &mut Vec<String>) -> Option<Named> {
    let key = "spring.security.user.password";
    let name = reader.text("spring.security.user.name");
    let password = password(reader, key);
    if name.is_some() && !reader.has(key) {
        reader.refuse(
            "spring.security.user.name",
            "a user without a password",
            Some("set spring.security.user.password"),
        );
    }
    passwords.push(key.to_owned());
    let name = name.unwrap_or_else(|| "user".to_owned()).into();
    password.map(|password| Named { name, password })
}

fn named_users(reader: &mut Reader, passwords: &mut Vec<String>) -> Vec<Named> {
    let all = format!("{SECURITY}.users");
    let names = reader.children(&all);
    check_count(reader, &all, names.len(), MOST_USERS);
    let spring = reader.text("spring.security.user.name");
    let mut users = Vec::new();
    for name in names {
        let key = format!("{all}.{name}.password");
        if Some(&name) == spring.as_ref() {
            reader.refuse(
                &key,
                format!("`{name}` is also the name of spring.security.user"),
                None,
            );
        }
        match password(reader, &key) {
            Some(password) => users.push(Named {
                name: name.into(),
                password,
            }),
            None if !reader.has(&key) => {
                reader.refuse(
                    &key,
                    format!("the user `{name}` has no password"),
                    Some(&format!("set {key}")),
                );
            }
            None => {}
        }
        passwords.push(key);
    }
    users
}

fn password(reader: &mut Reader, key: &str) -> Option<Password> {
    match Password::parse(&reader.text(key)?) {
        Ok(password) => Some(password),
        Err(problem) => {
            reader.refuse(key, format!("`{key}` is no password: {problem}"), None);
            None
        }
    }
}

fn tokens(reader: &mut Reader) -> Vec<Named> {
    let all = format!("{SECURITY}.tokens");
    let names = reader.children(&all);
    check_count(reader, &all, names.len(), MOST_TOKENS);
    let token = |name: String| {
        let key = format!("{all}.{name}.hash");
        let hash = reader.text(&key).unwrap_or_default();
        match Password::argon2(&hash) {
            Ok(password) => Some(Named {
                name: name.into(),
                password,
            }),
            Err(problem) => {
                reader.refuse(
                    &key,
                    format!("`{key}` is no hash of a token: {problem}"),
                    Some("`confbus hash-token` reads a token and writes its hash"),
                );
                None
            }
        }
    };
    names.into_iter().filter_map(token).collect()
}

fn check_count(reader: &mut Reader, key: &str, count: usize, most: usize) {
    if count > most {
        reader.refuse(
            key,
            format!("there are more than {most} under `{key}`"),
            None,
        );
    }
}

/// `none`, which has to be said twice where other machines can reach the server.
fn mode_none(reader: &mut Reader, is_reachable: bool) -> bool {
    let is_meant = reader.flag("confbus.security.open-to-network", false);
    match reader.text("confbus.security.mode").as_deref() {
        None => false,
        Some("none") if is_reachable && !is_meant => {
            refuse_mode(
                reader,
                "confbus.security.mode=none shows everything to everyone, and this server does not listen on loopback alone",
                "write confbus.security.open-to-network=true, too, if that is meant, or server.address=127.0.0.1",
            );
            true
        }
        Some("none") => {
            let whom = if is_reachable {
                "the whole network"
            } else {
                "every program on this machine"
            };
            let what = format!("{whom} may read and refresh without a password");
            reader.opens("confbus.security.mode", &what);
            true
        }
        Some(_) => {
            refuse_mode(
                reader,
                "`confbus.security.mode` can only be `none`",
                "leave it out to stay closed",
            );
            false
        }
    }
}

fn refuse_mode(reader: &mut Reader, problem: &str, hint: &str) {
    reader.refuse("confbus.security.mode", problem, Some(hint));
}

/// Secrets that are the first ones to be tried: refused where others could try them, unless that is meant.
fn weak_secrets(reader: &mut Reader, passwords: &[String], is_reachable: bool) -> Vec<String> {
    let are_meant = reader.flag("confbus.security.weak-secrets", false);
    let previous = reader.below(&format!("{PREVIOUS_SECRETS}."));
    let previous = previous.into_iter();
    let previous = previous.map(|(name, _)| format!("{PREVIOUS_SECRETS}.{name}"));
    let keys = passwords.iter().cloned();
    let keys = keys.chain(SECRETS.map(str::to_owned)).chain(previous);
    let is_weak = |key: &String| {
        let secret = reader.text(key).unwrap_or_default();
        let secret = secret.strip_prefix("{noop}").unwrap_or(&secret);
        let is_hash = secret.starts_with('{') || secret.starts_with("$argon2id$");
        !secret.is_empty() && !is_hash && is_weak(secret)
    };
    let weak: Vec<String> = keys.filter(is_weak).collect();
    for key in weak.iter().filter(|_| is_reachable) {
        if are_meant {
            reader.warn(code::INSECURE, format!("`{key}` is a secret that is quickly guessed, and confbus.security.weak-secrets=true lets it pass"));
        } else {
            reader.refuse_as(
                code::WEAK_SECRET,
                key,
                format!("`{key}` is a secret that is quickly guessed, and other machines can reach this server"),
                Some("take at least 8 characters that stand on no list; confbus.security.weak-secrets=true lets it pass"),
            );
        }
    }
    weak
}

#[cfg(test)]
mod tests;
