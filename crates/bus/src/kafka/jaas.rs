use std::{iter::Peekable, str::Chars};

use crate::Password;

/// User name and password out of what Java programs call a JAAS configuration (`sasl.jaas.config`).
///
/// ```
/// let said = r#"org.apache.kafka.common.security.plain.PlainLoginModule required username="ana" password="s3cret";"#;
/// let login = confbus_bus::Login::from_jaas(said)?;
/// assert_eq!((login.username.as_str(), login.password == "s3cret".into()), ("ana", true));
/// # Ok::<_, confbus_bus::InvalidJaas>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Who we are.
    pub username: String,
    /// With what we prove it.
    pub password: Password,
}

/// The text is no login with a user name and a password. Never shows the text, which may hold one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a login with user name and password: {0}")]
pub struct InvalidJaas(&'static str);

impl Login {
    /// Reads `PlainLoginModule` and `ScramLoginModule`, which are the ones with a name and a password.
    ///
    /// # Errors
    /// [`InvalidJaas`] for anything else.
    pub fn from_jaas(text: &str) -> Result<Self, InvalidJaas> {
        let (module, rest) = text
            .trim()
            .split_once(char::is_whitespace)
            .ok_or(InvalidJaas("it names a module and nothing else"))?;
        if !["PlainLoginModule", "ScramLoginModule"]
            .iter()
            .any(|known| module.rsplit('.').next() == Some(known))
        {
            return Err(InvalidJaas(
                "its module is neither `PlainLoginModule` nor `ScramLoginModule`",
            ));
        }
        let rest = rest.trim_start();
        let options = rest
            .strip_prefix("required")
            .or_else(|| rest.strip_prefix("sufficient"))
            .ok_or(InvalidJaas("no `required` follows the module"))?;
        let (mut username, mut password) = (None, None);
        let mut left = options.chars().peekable();
        while let Some((name, value)) = option(&mut left)? {
            match name.as_str() {
                "username" => username = Some(value),
                "password" => password = Some(value),
                _ => {}
            }
        }
        Ok(Self {
            username: username.ok_or(InvalidJaas("it has no `username`"))?,
            password: password.ok_or(InvalidJaas("it has no `password`"))?.into(),
        })
    }
}

/// The next `name=value`; none at the semicolon.
fn option(left: &mut Peekable<Chars<'_>>) -> Result<Option<(String, String)>, InvalidJaas> {
    while left.next_if(|c| c.is_whitespace()).is_some() {}
    let mut name = String::new();
    while let Some(c) = left.next_if(|c| !matches!(c, '=' | ';') && !c.is_whitespace()) {
        name.push(c);
    }
    if name.is_empty() {
        return match left.next() {
            Some(';') => Ok(None),
            _ => Err(InvalidJaas("it does not end in a semicolon")),
        };
    }
    if left.next() != Some('=') {
        return Err(InvalidJaas("an option has no value"));
    }
    Ok(Some((name, value(left)?)))
}

fn value(left: &mut Peekable<Chars<'_>>) -> Result<String, InvalidJaas> {
    let mut value = String::new();
    let Some(quote) = left.next_if(|c| matches!(c, '"' | '\'')) else {
        while let Some(c) = left.next_if(|c| *c != ';' && !c.is_whitespace()) {
            value.push(c);
        }
        return Ok(value);
    };
    loop {
        match left.next() {
            Some(c) if c == quote => return Ok(value),
            Some('\\') => value.extend(left.next()),
            Some(c) => value.push(c),
            None => return Err(InvalidJaas("a quote is not closed")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";

    #[test]
    fn options_are_quoted_or_not() {
        for (options, password) in [
            (r#"username="ana" password="a b\"c;d";"#, "a b\"c;d"),
            ("password=plain\n  username=ana;", "plain"),
            ("username='ana' password='it is' other=\"x\" ;", "it is"),
        ] {
            let login = Login::from_jaas(&format!("{PLAIN} required {options}")).unwrap();
            assert_eq!(login.username, "ana", "{options}");
            assert!(login.password == password.into(), "{options}");
        }
    }

    #[test]
    fn what_is_no_login_is_refused_without_showing_it() {
        for wrong in [
            "s3cret",
            "com.sun.security.auth.module.Krb5LoginModule required keyTab=\"s3cret\";",
            &format!("{PLAIN} username=\"ana\" password=\"s3cret\";"),
            &format!("{PLAIN} required username=\"ana\" password=\"s3cret;"),
            &format!("{PLAIN} required username=\"ana\" password=\"s3cret\""),
            &format!("{PLAIN} required username=\"s3cret\";"),
            &format!("{PLAIN} required password=\"s3cret\";"),
            &format!("{PLAIN} required username;"),
        ] {
            let error = Login::from_jaas(wrong).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }
}
