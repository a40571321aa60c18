//! The text forms of a configuration.

use confbus_protocol::Environment;
use confbus_resolution::{Conversion, Placeholders, convert};

use super::variables;

mod properties;
mod toml;

/// How a configuration is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Nested maps and lists.
    Yaml,
    /// The same, on one line.
    Json,
    /// The same, in tables.
    Toml,
    /// One flat key a line, escaped as `java.util.Properties` reads it.
    Properties,
    /// One variable a line, quoted as a shell reads it.
    Env,
}

impl Format {
    /// By the ending of a file, without the dot.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "yaml" | "yml" => Self::Yaml,
            "json" => Self::Json,
            "toml" => Self::Toml,
            "properties" => Self::Properties,
            "env" => Self::Env,
            _ => return None,
        })
    }

    /// Whether the server writes it, too.
    pub(crate) fn is_of_server(self) -> bool {
        matches!(self, Self::Yaml | Self::Json | Self::Properties)
    }

    /// As the server writes it.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub(crate) fn serve(self, environment: &Environment) -> Result<String, String> {
        match self {
            Self::Yaml => text(environment, confbus_resolution::Format::Yaml),
            Self::Json => text(environment, confbus_resolution::Format::Json),
            Self::Properties => text(environment, confbus_resolution::Format::Properties),
            Self::Toml | Self::Env => self.write(environment),
        }
    }

    /// Whether a text that looks like a number is one.
    pub(crate) fn reads_again(self) -> bool {
        matches!(self, Self::Yaml | Self::Toml)
    }

    /// Writes what wins under each key, with a final newline.
    ///
    /// # Errors
    /// Why the keys have no such form, in one line without values.
    pub(crate) fn write(self, environment: &Environment) -> Result<String, String> {
        match self {
            Self::Yaml => text(environment, confbus_resolution::Format::Yaml),
            Self::Json => Ok(text(environment, confbus_resolution::Format::Json)? + "\n"),
            Self::Toml => toml::write(&text(environment, confbus_resolution::Format::Json)?),
            Self::Properties => Ok(properties::write(&environment.merged())),
            Self::Env => Ok(variables::file(&variables::of(environment)?)),
        }
    }
}

fn text(environment: &Environment, format: confbus_resolution::Format) -> Result<String, String> {
    let conversion = Conversion {
        format,
        // The client has replaced them.
        placeholders: Placeholders::Keep,
        strip_document: true,
    };
    convert(environment, conversion).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(format: Format, expected: Expect) {
        let environment: Environment = serde_json::from_str(
            r#"{"name":"shop","profiles":["prod"],"propertySources":[{"name":"x","source":{
                "pool.max":40,"pool.idle-time":"30s","greeting":"it's = a: \\b\n ü","on":true,"nothing":"",
                "servers[0].host":"a","servers[0].port":1,"servers[1].host":"b","rate":1.5}}]}"#,
        )
        .unwrap();
        expected.assert_eq(&format.write(&environment).unwrap());
    }

    #[test]
    fn yaml_is_nested() {
        check(
            Format::Yaml,
            expect![[r#"
            pool:
              max: 40
              idle-time: 30s
            greeting: |-
              it's = a: \b
               ü
            'on': true
            nothing: ''
            rate: 1.5
            servers:
            - host: a
              port: 1
            - host: b
        "#]],
        );
    }

    #[test]
    fn json_is_nested() {
        check(
            Format::Json,
            expect![[r#"
            {"pool":{"max":40,"idle-time":"30s"},"greeting":"it's = a: \\b\n ü","on":true,"nothing":"","rate":1.5,"servers":[{"host":"a","port":1},{"host":"b"}]}
        "#]],
        );
    }

    #[test]
    fn toml_is_nested() {
        check(
            Format::Toml,
            expect![[r#"
            greeting = '''
            it's = a: \b
             ü'''
            on = true
            nothing = ""
            rate = 1.5

            [pool]
            max = 40
            idle-time = "30s"

            [[servers]]
            host = "a"
            port = 1

            [[servers]]
            host = "b"
        "#]],
        );
    }

    #[test]
    fn properties_are_escaped() {
        check(
            Format::Properties,
            expect![[r#"
            pool.max: 40
            pool.idle-time: 30s
            greeting: it's = a: \\b\n \u00FC
            on: true
            nothing: 
            rate: 1.5
            servers[0].host: a
            servers[0].port: 1
            servers[1].host: b
        "#]],
        );
    }

    #[test]
    fn variables_are_quoted() {
        check(
            Format::Env,
            expect![[r#"
            GREETING='it'\''s = a: \b
             ü'
            NOTHING=
            ON=true
            POOL_IDLE_TIME=30s
            POOL_MAX=40
            RATE=1.5
            SERVERS_0_HOST=a
            SERVERS_0_PORT=1
            SERVERS_1_HOST=b
        "#]],
        );
    }
}
