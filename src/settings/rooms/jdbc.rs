use std::{sync::Arc, time::Duration};

use confbus_protocol::Label;
use secrecy::ExposeSecret as _;

use super::{SERVER, lookups::Asked};
use crate::{
    jdbc::{Address, Encryption, Settings, Statement},
    lookups::Trouble,
    settings::{code, reader::Reader},
};

const SOURCE: &str = "spring.datasource";

const SQL: &str =
    r#"SELECT "KEY", "VALUE" from PROPERTIES where APPLICATION=? and PROFILE=? and LABEL=?"#;
const SQL_WITHOUT_PROFILE: &str =
    r#"SELECT "KEY", "VALUE" from PROPERTIES where APPLICATION=? and PROFILE is null and LABEL=?"#;

/// The database of Spring's settings, of which there is one; what is asked there stands below `at`.
pub(super) fn jdbc(reader: &mut Reader, at: &str, timeout: Duration) -> Option<Asked> {
    let url = format!("{SOURCE}.url");
    let Some(text) = reader.secret(&url) else {
        let hint = format!("set {url} to jdbc:postgresql://host/database");
        let text = format!("there is no `{url}`");
        reader.refuse(at, text, Some(&hint));
        return None;
    };
    let written = match Address::parse(text.expose_secret()) {
        Ok(written) => written,
        Err(problem) => {
            let text = format!("`{url}` cannot be used: {problem}");
            let hint = "write jdbc:postgresql://host:5432/database?sslmode=verify-full";
            reader.refuse_as(code::UNUSABLE, &url, text, Some(hint));
            return None;
        }
    };
    let ignored = written.ignored.iter();
    let ignored: Vec<_> = ignored.map(|name| format!("`{name}`")).collect();
    if !ignored.is_empty() {
        let why = format!(
            "its parameters {} are for Java's driver",
            ignored.join(", ")
        );
        reader.has_no_effect(&url, &why);
    }
    if let Some(risk) = risk(&written.address) {
        let text = format!("`{url}` does not say sslmode=verify-full: {risk}");
        reader.warn(code::INSECURE, text);
    }
    let driver = format!("{SOURCE}.driver-class-name");
    reader.has_no_effect(&driver, "the address says what to speak");
    let (sql, sql_without_profile) = statements(reader, at)?;
    let fails = reader.flag(&format!("{at}.fail-on-error"), true);
    let settings = Settings {
        username: reader
            .text(&format!("{SOURCE}.username"))
            .or(written.username),
        password: reader
            .secret(&format!("{SOURCE}.password"))
            .or(written.password),
        address: written.address,
        sql,
        sql_without_profile,
        default_label: default_label(reader, at)?,
        timeout,
    };
    Some(Asked {
        place: Arc::new(settings),
        deadline: None,
        trouble: if fails {
            Trouble::Spoils
        } else {
            Trouble::Passes
        },
    })
}

/// What may happen on the way to another machine.
fn risk(address: &Address) -> Option<&'static str> {
    if address.is_here() {
        return None;
    }
    match address.encryption {
        Encryption::Checked => None,
        Encryption::WithAnybody => Some("whoever answers is believed to be the database"),
        Encryption::IfOffered => {
            Some("whoever answers is believed to be the database, and may speak in clear")
        }
        Encryption::Never => Some("the database is spoken to in clear"),
    }
}

/// As in Spring: who changes only the first is read as before there was a second.
fn statements(reader: &mut Reader, at: &str) -> Option<(Statement, Option<Statement>)> {
    let keys = [format!("{at}.sql"), format!("{at}.sql-without-profile")];
    let [sql, without] = [SQL, SQL_WITHOUT_PROFILE];
    let texts = [
        reader.text(&keys[0]).unwrap_or_else(|| sql.to_owned()),
        reader.text(&keys[1]).unwrap_or_else(|| without.to_owned()),
    ];
    let is_old = texts[0] != sql && texts[1] == without;
    let [first, second] = texts.each_ref().map(|text| Statement::new(text));
    let mut are_good = true;
    for (key, statement, wanted) in [(&keys[0], &first, 3), (&keys[1], &second, 2)] {
        if statement.placeholders() != wanted {
            let found = statement.placeholders();
            let text = format!("`{key}` has {found} placeholders and should have {wanted}");
            let hint =
                "bound are application, profile and label; without a profile application and label";
            reader.refuse(key, text, Some(hint));
            are_good = false;
        }
    }
    are_good.then(|| (first, (!is_old).then_some(second)))
}

fn default_label(reader: &mut Reader, at: &str) -> Option<Label> {
    let key = format!("{at}.default-label");
    let everywhere = reader.text(&format!("{SERVER}.default-label"));
    let text = reader.text(&key).or(everywhere);
    let text = text.unwrap_or_else(|| {
        reader.assume(&key, "master");
        "master".to_owned()
    });
    let label = Label::parse(&text).ok();
    if label.is_none() {
        reader.refuse(&key, format!("`{key}` is no label"), None);
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(said: &[(&str, &str)]) -> (Option<String>, Vec<String>) {
        let said = said.iter();
        let said = said.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let mut reader = Reader::of(said.collect(), Vec::new());
        let asked = jdbc(
            &mut reader,
            "spring.cloud.config.server.jdbc",
            Duration::from_secs(1),
        );
        let problems = reader.finish().0.into_iter();
        let shown = asked.map(|asked| asked.place.shown());
        (shown, problems.map(|problem| problem.problem).collect())
    }

    #[test]
    fn a_database_is_named_as_for_spring() {
        let (shown, problems) = read(&[
            (
                "spring.datasource.url",
                "jdbc:postgresql://db/config?password=secret",
            ),
            ("spring.datasource.username", "jo"),
            (
                "spring.cloud.config.server.jdbc.sql",
                "SELECT k, v FROM c WHERE a=? AND p=? AND l=?",
            ),
        ]);
        assert_eq!(problems, [""; 0]);
        assert_eq!(shown.as_deref(), Some("postgresql://db:5432/config"));
    }

    #[test]
    fn it_is_said_what_less_than_verify_full_risks() {
        let warned = |url: &str| {
            let said = ("spring.datasource.url".to_owned(), url.to_owned());
            let mut reader = Reader::of(vec![said], Vec::new());
            let at = "spring.cloud.config.server.jdbc";
            assert!(jdbc(&mut reader, at, Duration::from_secs(1)).is_some());
            let warnings = reader.finish().1.into_iter();
            let warnings = warnings.filter(|warning| warning.code == code::INSECURE);
            let warnings: Vec<_> = warnings.map(|warning| warning.problem).collect();
            warnings.join("; ")
        };
        let believed = "whoever answers is believed to be the database";
        for (mode, risk) in [
            ("", "may speak in clear"),
            ("?sslmode=allow", "may speak in clear"),
            ("?sslmode=prefer", "may speak in clear"),
            ("?sslmode=require", believed),
            ("?sslmode=disable", "spoken to in clear"),
        ] {
            let far = warned(&format!("jdbc:postgresql://localhost,db/c{mode}"));
            assert!(far.ends_with(risk), "{mode}: {far}");
            for host in ["localhost", "127.0.0.2", "[::1]:5433"] {
                assert_eq!(warned(&format!("jdbc:postgresql://{host}/c{mode}")), "");
            }
        }
        let checked = warned("jdbc:postgresql://db/c?sslmode=verify-full");
        assert_eq!(checked, "");
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let url = ("spring.datasource.url", "jdbc:postgresql://db/config");
        let sql = "spring.cloud.config.server.jdbc.sql";
        for (said, told) in [
            (&[] as &[_], "there is no `spring.datasource.url`"),
            (
                &[("spring.datasource.url", "jdbc:mysql://db/c")],
                "`spring.datasource.url` cannot be used: it does not begin with jdbc:postgresql:, and no other database is supported",
            ),
            (
                &[url, (sql, "SELECT k, v FROM c WHERE a=?")],
                "`spring.cloud.config.server.jdbc.sql` has 1 placeholders and should have 3",
            ),
        ] {
            assert_eq!(read(said), (None, vec![told.to_owned()]));
        }
    }
}
