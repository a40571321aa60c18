use super::{
    Keeps, Source, cases::keeps_the_promises, restarts::outlives_a_restart, said, serve, serve_with,
};
use crate::support::{Answer, Authority, Postgres, TestServer, eventually, expect_that};

const PASSWORD: &str = "open sesame: postgres";

struct Jdbc {
    server: Postgres,
}

keeps_the_promises!(Jdbc::start());
outlives_a_restart!(
    Jdbc::start(),
    (
        "spring.cloud.config.server.jdbc.sql",
        "SELECT k, v FROM c WHERE a=? AND p=? AND l=?"
    )
);

impl Jdbc {
    fn start() -> Option<Self> {
        let server = Postgres::start()?;
        Some(Self { server })
    }

    fn put_at(
        &self,
        application: &str,
        profile: Option<&str>,
        label: &str,
        key: &str,
        value: &str,
    ) {
        let profile = profile.map_or_else(|| "NULL".to_owned(), |profile| format!("'{profile}'"));
        let value = value.replace('\'', "''");
        self.server.run(&format!(
            "INSERT INTO properties VALUES ('{application}', {profile}, '{label}', '{key}', '{value}') \
             ON CONFLICT (application, profile, label, \"KEY\") DO UPDATE SET \"VALUE\" = excluded.\"VALUE\""
        ));
    }
}

impl Jdbc {
    /// What a server answers whose connection is made in this mode and which trusts this authority.
    fn answer_over(&self, mode: &str, trusted: &Authority) -> Answer {
        let url = self.server.url().replace("127.0.0.1", "localhost");
        let url = format!("{url}?sslmode={mode}");
        let settings = self.settings();
        let settings = settings.iter().map(|(key, value)| (&**key, &**value));
        let settings = settings.chain([("spring.datasource.url", &*url)]);
        let settings: Vec<_> = settings.collect();
        let trusted = trusted.path("ca.pem").display().to_string();
        let server = TestServer::with_environment(&settings, &[("SSL_CERT_FILE", &trusted)]);
        server.get("/orders/dev")
    }
}

impl Source for Jdbc {
    fn settings(&self) -> Vec<(String, String)> {
        let said = [
            ("spring.profiles.active", "jdbc".to_owned()),
            ("spring.datasource.url", self.server.url()),
            ("spring.datasource.username", "confbus".to_owned()),
            ("spring.datasource.password", PASSWORD.to_owned()),
            ("confbus.lookups.interval", "1h".to_owned()),
        ];
        said.map(|(key, value)| (key.to_owned(), value)).into()
    }

    fn put(&mut self, application: &str, profile: Option<&str>, key: &str, value: &str) {
        self.put_at(application, profile, "master", key, value);
    }

    fn put_at_v1(&mut self, application: &str, key: &str, value: &str) -> bool {
        self.put_at(application, None, "v1", key, value);
        true
    }

    fn name(&self, application: &str, profile: Option<&str>) -> String {
        let profile = profile.map_or_else(String::new, |profile| format!("-{profile}"));
        format!("{application}{profile}")
    }

    fn has_versions(&self) -> bool {
        false
    }

    fn keeps(&self) -> Keeps {
        Keeps::Answers
    }

    fn stop(&mut self) {
        self.server.stop();
    }

    fn go_on(&mut self) {
        self.server.go_on();
    }
}

#[test]
fn everybody_shares_the_rows_of_application() {
    let Some(source) = Jdbc::start() else {
        return;
    };
    for (application, profile) in [
        ("application", None),
        ("application", Some("dev")),
        ("orders", None),
        ("orders", Some("dev")),
    ] {
        source.put_at(application, profile, "master", "k", "v");
        source.put_at(application, profile, "v1", "k", "v1");
    }
    let server = serve(&source);
    let names = |path: &str| {
        let said = said(&server.get(path), "k").into_iter();
        said.map(|(name, _)| name).collect::<Vec<_>>().join(" ")
    };
    let all = "orders-dev application-dev orders application";
    assert_eq!(names("/orders/dev"), all);
    assert_eq!(names("/orders/dev/master,v1"), format!("{all} {all}"));
    assert_eq!(names("/applications/dev"), "");
    assert_eq!(names("/orders/dev/nothing"), "");
}

#[test]
fn statements_may_be_ones_own() {
    let Some(source) = Jdbc::start() else {
        return;
    };
    source.server.run(
        "CREATE SCHEMA own; CREATE TABLE own.numbers (a varchar(9), p text, l text, k text, n int, o int); \
         INSERT INTO own.numbers VALUES ('orders', 'default', 'main', 'b', 2, 1), ('orders', 'default', 'main', 'a', 1, 2), \
         ('orders', 'default', 'main', 'none', NULL, 3), ('orders', 'default', 'main', 'b', 3, 4)",
    );
    let url = format!("{}?currentSchema=own&sslmode=disable", source.server.url());
    let sql = "spring.cloud.config.server.jdbc.sql";
    let statement = "SELECT k, n FROM numbers -- '?'\n WHERE a=? AND p=? AND l=? ORDER BY o;";
    let settings = [
        ("spring.datasource.url", &*url),
        (sql, statement),
        ("spring.cloud.config.server.jdbc.default-label", "main"),
    ];
    let server = serve_with(&source, &settings);
    let answer = server.get("/orders/dev");
    let sources = r#"[{"name":"orders-default","source":{"b":"3","a":"1","none":null}}]"#;
    assert!(answer.body.contains(sources), "{answer:?}");
}

#[test]
fn what_the_database_refuses_is_told_without_secrets() {
    let Some(mut source) = Jdbc::start() else {
        return;
    };
    source.put("orders", None, "n", "1");
    let sql = "spring.cloud.config.server.jdbc.sql-without-profile";
    let broken = (sql, "SELECT k, v FROM nowhere WHERE a=? AND l=?");
    let server = serve_with(&source, &[broken]);
    let answer = server.get("/orders/dev");
    assert_eq!(answer.status, 503, "{answer:?}");
    let told = "jdbc refuses: relation \\\"nowhere\\\" does not exist (42P01)";
    assert!(answer.body.contains(told), "{answer:?}");
    let lenient = "spring.cloud.config.server.jdbc.fail-on-error";
    let server = serve_with(&source, &[broken, (lenient, "false")]);
    let answer = server.get("/orders/dev");
    assert_eq!(said(&answer, "n"), []);
    let server = serve_with(&source, &[("spring.datasource.password", "wr0ng-password")]);
    let told = server.get("/orders/dev").body + &server.lines().join("\n");
    assert!(told.contains("password authentication failed"), "{told}");
    assert!(!told.contains("wr0ng"), "{told}");
}

#[test]
fn another_server_is_asked_where_one_does_not_answer() {
    let Some(mut source) = Jdbc::start() else {
        return;
    };
    source.put("orders", None, "n", "1");
    let url = source.server.url().replace("//", "//127.0.0.1:1,");
    let url = format!("{url}?targetServerType=primary");
    let server = serve_with(&source, &[("spring.datasource.url", &url)]);
    eventually("an answer", || {
        let answer = server.get("/orders/dev");
        expect_that(answer.status == 200, &answer)
    });
    assert_eq!(server.value("/orders/dev", "n"), "1");
}

#[test]
fn over_tls_as_much_is_checked_as_the_address_says() {
    let Some(mut source) = Jdbc::start() else {
        return;
    };
    source.put("orders", None, "n", "1");
    let (authority, stranger) = (Authority::new(), Authority::new());
    let without = source.answer_over("verify-full", &authority);
    assert_eq!(without.status, 503, "{without:?}");
    assert_eq!(source.answer_over("prefer", &authority).status, 200);
    source.server.offer_tls(&authority);
    assert_eq!(source.answer_over("verify-full", &authority).status, 200);
    assert_eq!(source.answer_over("require", &stranger).status, 200);
    let refused = source.answer_over("verify-full", &stranger);
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.body.contains("certificate"), "{refused:?}");
}
