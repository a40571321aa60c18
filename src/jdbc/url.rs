use std::fmt;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;

use crate::network::HostAndPort;

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Asked one after the other until one answers.
    pub(crate) servers: Vec<HostAndPort>,
    pub(crate) database: String,
    pub(crate) encryption: Encryption,
    pub(crate) target: Target,
    /// Where tables are looked for, if not where the role looks for them.
    pub(crate) schema: Option<String>,
}

/// Whether connections are encrypted, and with whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// `disable`
    Never,
    /// `prefer`, and without any word
    IfOffered,
    /// `require`: nobody's certificate is checked, as in Spring.
    WithAnybody,
    /// `verify-ca` and `verify-full`
    Checked,
}

/// Which servers are good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Any,
    /// One that takes writes.
    Primary,
}

/// An address as it is written for JDBC.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) address: Address,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<SecretString>,
    /// Parameters that nothing comes of.
    pub(crate) ignored: Vec<String>,
}

const SCHEME: &str = "jdbc:postgresql:";
const PORT: u16 = 5432;

impl Address {
    /// Whether all of it is on this machine.
    pub(crate) fn is_here(&self) -> bool {
        self.servers.iter().all(HostAndPort::is_here)
    }

    /// Reads `jdbc:postgresql://host:port,host:port/database?parameters`.
    ///
    /// # Errors
    /// What cannot be used of it; nothing of the text is in it but names of parameters.
    pub(crate) fn parse(text: &str) -> Result<Written, String> {
        let Some(rest) = text.strip_prefix(SCHEME) else {
            return Err(
                "it does not begin with jdbc:postgresql:, and no other database is supported"
                    .into(),
            );
        };
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (hosts, database) = match place.strip_prefix("//") {
            Some(place) => place.split_once('/').unwrap_or((place, "")),
            None => ("", place.trim_start_matches('/')),
        };
        let hosts = if hosts.is_empty() { "localhost" } else { hosts };
        let servers = hosts.split(',').map(|host| HostAndPort::parse(host, PORT));
        let servers = servers.collect::<Option<Vec<_>>>();
        let mut written = Written {
            address: Self {
                servers: servers.ok_or("a host or port in it cannot be used")?,
                database: decoded(database)?,
                encryption: Encryption::IfOffered,
                target: Target::Any,
                schema: None,
            },
            username: None,
            password: None,
            ignored: Vec::new(),
        };
        for parameter in parameters
            .split('&')
            .filter(|parameter| !parameter.is_empty())
        {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            written.take(name, decoded(value)?)?;
        }
        Ok(written)
    }
}

impl Written {
    fn take(&mut self, name: &str, value: String) -> Result<(), String> {
        let address = &mut self.address;
        match name {
            "user" => self.username = Some(value),
            "password" => self.password = Some(value.into()),
            "currentSchema" => address.schema = Some(value),
            "ssl" if value == "true" || value.is_empty() => {
                address.encryption = Encryption::Checked;
            }
            "ssl" => {}
            "sslmode" => address.encryption = encryption(&value)?,
            "targetServerType" => address.target = target(&value)?,
            "sslrootcert" | "sslcert" | "sslkey" | "sslfactory" | "sslpassword" => {
                return Err(format!(
                    "its parameter `{name}` is not supported by confbus"
                ));
            }
            _ => self.ignored.push(name.to_owned()),
        }
        Ok(())
    }
}

fn encryption(mode: &str) -> Result<Encryption, String> {
    Ok(match mode {
        "disable" => Encryption::Never,
        "allow" | "prefer" => Encryption::IfOffered,
        "require" => Encryption::WithAnybody,
        "verify-ca" | "verify-full" => Encryption::Checked,
        _ => return Err(
            "its `sslmode` is none of disable, allow, prefer, require, verify-ca and verify-full"
                .into(),
        ),
    })
}

fn target(kind: &str) -> Result<Target, String> {
    Ok(match kind {
        "any" => Target::Any,
        "primary" | "master" => Target::Primary,
        _ => return Err("its `targetServerType` is neither any nor primary".into()),
    })
}

fn decoded(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| "it is not UTF-8 once it is decoded")?;
    Ok(decoded.into_owned())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgresql://")?;
        for (index, server) in self.servers.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{server}")?;
        }
        write!(f, "/{}", self.database)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match Address::parse(text) {
            Ok(written) => written.address.to_string(),
            Err(error) => error,
        }
    }

    #[test]
    fn addresses_are_those_of_jdbc() {
        for (text, expected) in [
            ("jdbc:postgresql://db/config", "postgresql://db:5432/config"),
            (
                "jdbc:postgresql://a:1,[::1]:2/c",
                "postgresql://a:1,[::1]:2/c",
            ),
            (
                "jdbc:postgresql:config",
                "postgresql://localhost:5432/config",
            ),
            ("jdbc:postgresql://db/a%20b", "postgresql://db:5432/a b"),
            (
                "jdbc:postgresql://jo:secret@db/c",
                "a host or port in it cannot be used",
            ),
            (
                "jdbc:postgresql://db:x/c",
                "a host or port in it cannot be used",
            ),
            (
                "jdbc:postgresql://db:0/c",
                "a host or port in it cannot be used",
            ),
            (
                "jdbc:mysql://db/c",
                "it does not begin with jdbc:postgresql:, and no other database is supported",
            ),
            (
                "jdbc:postgresql://db/c?sslrootcert=/x",
                "its parameter `sslrootcert` is not supported by confbus",
            ),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn parameters_say_how_to_connect() {
        let text = "jdbc:postgresql://db/c?user=jo&password=a%26b&sslmode=verify-full&currentSchema=s\
                    &targetServerType=primary&socketTimeout=3";
        let written = Address::parse(text).unwrap();
        assert_eq!(written.username.as_deref(), Some("jo"));
        assert_eq!(written.address.encryption, Encryption::Checked);
        assert_eq!(written.address.target, Target::Primary);
        assert_eq!(written.address.schema.as_deref(), Some("s"));
        assert_eq!(written.ignored, ["socketTimeout"]);
        assert!(!format!("{written:?}").contains("a&b"));
    }
}
