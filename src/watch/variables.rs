//! Keys as names of environment variables.

use std::collections::BTreeMap;

use confbus_protocol::Environment;

use super::reserved::is_reserved;

/// The variables of all keys, sorted by name.
///
/// `pool.idle-time` is `POOL_IDLE_TIME` and `servers[0].host` is `SERVERS_0_HOST`, which Spring reads back.
///
/// # Errors
/// Two keys with one name and different values, or a value that no variable can hold.
pub(super) fn of(environment: &Environment) -> Result<BTreeMap<String, String>, String> {
    let mut variables: BTreeMap<String, (String, String)> = BTreeMap::new();
    for (key, property) in environment.merged() {
        let (name, value) = (name(&key), property.value.to_string());
        if value.contains('\0') {
            return Err(format!("`{key}` holds a NUL, which no variable can"));
        }
        match variables.get(&name) {
            Some((other, before)) if *before != value => {
                return Err(format!("`{other}` and `{key}` would both be {name}"));
            }
            _ => variables.insert(name, (key, value)),
        };
    }
    Ok(variables
        .into_iter()
        .map(|(name, (_, value))| (name, value))
        .collect())
}

/// As [`of`], for a program that is started with them.
///
/// # Errors
/// A key that would set a variable which decides what code runs, too.
pub(super) fn for_program(environment: &Environment) -> Result<BTreeMap<String, String>, String> {
    for (key, _) in environment.merged() {
        let name = name(&key);
        if is_reserved(&name) {
            return Err(format!(
                "`{key}` would set {name}, which decides what code runs; name the keys for --env with --only"
            ));
        }
    }
    of(environment)
}

fn name(key: &str) -> String {
    let mut name = String::with_capacity(key.len());
    for c in key.chars() {
        match c {
            ']' => {}
            c if c.is_ascii_alphanumeric() => name.push(c.to_ascii_uppercase()),
            _ => name.push('_'),
        }
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

/// `NAME=value` lines for shells and readers of `.env` files.
pub(super) fn file(variables: &BTreeMap<String, String>) -> String {
    variables
        .iter()
        .map(|(name, value)| format!("{name}={}\n", quoted(value)))
        .collect()
}

/// Text that a shell reads as this one word; left alone when nothing in it means anything to a shell.
pub(super) fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,@%+".contains(c);
    if text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(json: &str) -> Environment {
        let json = format!(
            r#"{{"name":"a","profiles":["b"],"propertySources":[{{"name":"x","source":{json}}}]}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn names_are_what_spring_reads_back() {
        for (key, expected) in [
            ("pool.max", "POOL_MAX"),
            ("pool.idle-time", "POOL_IDLE_TIME"),
            ("servers[0].host", "SERVERS_0_HOST"),
            ("matrix[0][1]", "MATRIX_0_1"),
            ("2fa.on", "_2FA_ON"),
            ("größe", "GR__E"),
        ] {
            assert_eq!(name(key), expected);
        }
    }

    #[test]
    fn two_keys_with_one_name_are_refused_unless_they_agree() {
        let error = of(&environment(r#"{"a.b":"s3cret","a-b":"2"}"#)).unwrap_err();
        assert_eq!(error, "`a.b` and `a-b` would both be A_B");
        assert_eq!(of(&environment(r#"{"a.b":1,"a-b":"1"}"#)).unwrap().len(), 1);
        assert!(of(&environment(r#"{"a":"b\u0000c"}"#)).is_err());
    }

    #[test]
    fn no_key_decides_what_code_a_program_runs() {
        for (key, name) in [
            ("path", "PATH"),
            ("ld.preload", "LD_PRELOAD"),
            ("bash-env", "BASH_ENV"),
            ("-java-options", "_JAVA_OPTIONS"),
        ] {
            let environment = environment(&format!(r#"{{"{key}":"s3cret"}}"#));
            let error = for_program(&environment).unwrap_err();
            let start = format!("`{key}` would set {name}, which decides what code runs");
            assert!(error.starts_with(&start), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
            assert!(of(&environment).is_ok());
        }
        assert!(for_program(&environment(r#"{"app.path":1,"world":2}"#)).is_ok());
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        let text = "it's $HOME `x` \"y\" \\ * ! #\n\t ü";
        let line = format!("printf %s {}", quoted(text));
        let shell = std::process::Command::new("sh")
            .args(["-c", &line])
            .output();
        assert_eq!(String::from_utf8(shell.unwrap().stdout).unwrap(), text);
        assert_eq!(quoted("https://a.example:80/b"), "https://a.example:80/b");
        assert_eq!(quoted("a b"), "'a b'");
    }
}
