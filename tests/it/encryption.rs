//! Encrypted values and the endpoints that make them, with every kind of key.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::support::{Answer, ConfigRepo, Request, Running, TestServer, eventually, expect_that};

/// `mysecret` under the pass phrase `foo`.
const CIPHER: &str = "682bc583f4641835fa2db009355293665d2647dade3375c0ee201de2a49f7bda";

/// A kind of key: its name, its settings, and what chooses it before a text.
type Way<'w> = (&'w str, &'w [(&'w str, &'w str)], &'w str);

fn key_file(name: &str) -> String {
    format!("{}/tests/keys/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn start(repo: &ConfigRepo, settings: &[(&str, &str)]) -> TestServer {
    let uri = repo.path().display().to_string();
    let mut all = vec![("spring.cloud.config.server.git.uri", uri.as_str())];
    all.extend(settings);
    TestServer::with(&all)
}

fn post(server: &TestServer, path: &str, text: &str) -> Answer {
    server.send(&Request::post(path, text).header("Content-Type", "text/plain"))
}

#[track_caller]
fn encrypted(server: &TestServer, text: &str) -> String {
    let answer = post(server, "/encrypt", text);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

#[test]
fn what_the_endpoint_encrypts_is_served_decrypted() {
    let repo = ConfigRepo::from_sample();
    let jks = format!("file:{}", key_file("server.jks"));
    let p12 = STANDARD.encode(std::fs::read(key_file("server.p12")).unwrap());
    let p12 = format!("base64:{p12}");
    let pem = std::fs::read_to_string(key_file("rsa.pem")).unwrap();
    let password = ("encrypt.key-store.password", "storepass");
    let ways: [Way<'_>; 4] = [
        ("pass phrase", &[("encrypt.key", "foo")], ""),
        ("PEM", &[("encrypt.key", &pem)], ""),
        (
            "JKS",
            &[
                ("encrypt.key-store.location", &jks),
                password,
                ("encrypt.key-store.alias", "one"),
                ("encrypt.key-store.secret", "one-secret"),
            ],
            "{key:two}{secret:two-secret}",
        ),
        (
            "PKCS#12",
            &[
                ("encrypt.key-store.location", &p12),
                password,
                ("encrypt.key-store.alias", "one"),
                ("encrypt.key-store.type", "pkcs12"),
                ("encrypt.rsa.algorithm", "oaep"),
                ("encrypt.rsa.strong", "true"),
            ],
            "{key:two}",
        ),
    ];
    for (name, settings, prefix) in ways {
        let server = start(&repo, settings).ready();
        let cipher = encrypted(&server, &format!("{prefix}the value of {name} ☂"));
        assert!(cipher.starts_with(prefix), "{cipher}");
        let decrypted = post(&server, "/decrypt", &cipher);
        assert_eq!(decrypted.body, format!("the value of {name} ☂"));

        let text = format!("first: '{{cipher}}{cipher}'\nsecond: 2\n");
        let commit = repo.push(name, &[("orders.yml", &text)]);
        server.serves(&commit);
        let file = server.get("/orders-dev.properties");
        let expected = format!("first: the value of {name} ☂");
        assert!(file.body.contains(&expected), "{}", file.body);
    }
}

#[test]
fn decrypted_values_stand_at_the_end_and_fill_placeholders() {
    let repo = ConfigRepo::from_sample();
    let yaml = format!("a: '{{cipher}}{CIPHER}'\nb: '{{cipher}}nonsense'\nc: <${{a}}>\n");
    repo.push("secrets", &[("orders.yml", &yaml), ("a.txt", "a is ${a}")]);
    let server = start(&repo, &[("encrypt.key", "foo")]).ready();

    let sources = &server.get("/orders/dev").json()["propertySources"];
    let source = sources
        .as_array()
        .unwrap()
        .iter()
        .find(|source| source["name"].as_str().unwrap().ends_with("/orders.yml"))
        .unwrap();
    assert_eq!(
        source["source"].to_string(),
        r#"{"c":"<${a}>","a":"mysecret","invalid.b":"<n/a>"}"#
    );
    let properties = server.get("/orders-dev.properties");
    assert!(
        properties.body.contains("c: <mysecret>"),
        "{}",
        properties.body
    );
    assert_eq!(server.get("/orders/dev/main/a.txt").body, "a is mysecret");
    server
        .lines()
        .iter()
        .for_each(|line| assert!(!line.contains("mysecret"), "{line}"));
}

#[test]
fn forms_are_understood_as_curl_sends_them() {
    let server = start(&ConfigRepo::from_sample(), &[("encrypt.key", "foo")]).ready();
    let form = |path: &str, body: &str| {
        let request = Request::post(path, body);
        server.send(&request.header("Content-Type", "application/x-www-form-urlencoded"))
    };
    assert_eq!(form("/decrypt", CIPHER).body, "mysecret");
    let cipher = form("/encrypt", "a%2Bb%2Fc%20").body;
    assert_eq!(post(&server, "/decrypt", &cipher).body, "a+b/c ");

    let unwrapped = server.send(&Request::post("/encrypt", "x"));
    assert_eq!(unwrapped.status, 400, "{unwrapped:?}");
    assert_eq!(post(&server, "/decrypt", "nonsense").status, 400);
    assert_eq!(server.get("/encrypt").status, 405);
    assert_eq!(server.get("/encrypt/status").body, r#"{"status":"OK"}"#);
    assert_eq!(server.get("/key").status, 404);
}

#[test]
fn the_endpoints_stand_under_the_prefix() {
    let pem = std::fs::read_to_string(key_file("rsa.pem")).unwrap();
    let prefix = ("spring.cloud.config.server.prefix", "/config");
    let server = start(&ConfigRepo::from_sample(), &[("encrypt.key", &pem), prefix]);
    assert!(server.get("/config/key").body.starts_with("ssh-rsa AAAA"));
    assert_eq!(server.get("/key").status, 404);
    assert_eq!(post(&server, "/config/encrypt", "x").status, 200);
}

#[test]
fn decryption_over_http_is_closed_to_users_until_it_is_opened() {
    let repo = ConfigRepo::from_sample();
    let user = [
        ("encrypt.key", "foo"),
        ("spring.security.user.name", "ana"),
        ("spring.security.user.password", "s3cret"),
    ];
    let ask = |server: &TestServer, login: bool| {
        let request = Request::post("/decrypt", CIPHER).header("Content-Type", "text/plain");
        // ana:s3cret
        let credentials = if login {
            "Basic YW5hOnMzY3JldA=="
        } else {
            "none"
        };
        server.send(&request.header("Authorization", credentials))
    };
    let server = start(&repo, &user);
    let refused = ask(&server, true);
    assert_eq!(refused.status, 403, "{refused:?}");
    let message = refused.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("confbus.encrypt.decrypt-endpoint=true"),
        "{message}"
    );
    assert_eq!(ask(&server, false).status, 401);

    let opened = ("confbus.encrypt.decrypt-endpoint", "true");
    let server = start(&repo, &[&user[..], &[opened]].concat());
    assert_eq!(ask(&server, true).body, "mysecret");
    assert_eq!(ask(&server, false).status, 401);
}

#[test]
fn decryption_over_http_is_closed_while_others_can_reach_the_server() {
    let everywhere = ("server.address", "0.0.0.0");
    let open = ("confbus.security.mode", "none");
    let is_meant = ("confbus.security.open-to-network", "true");
    let is_weak = ("confbus.security.weak-secrets", "true");
    let server = start(
        &ConfigRepo::from_sample(),
        &[("encrypt.key", "foo"), everywhere, open, is_meant, is_weak],
    )
    .ready();
    let refused = post(&server, "/decrypt", CIPHER);
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(
        refused.body.contains("spring.security.user.name"),
        "{}",
        refused.body
    );
    assert_eq!(post(&server, "/encrypt", "x").status, 200);
}

#[test]
fn settings_may_be_encrypted_themselves() {
    let password = format!("{{cipher}}{CIPHER}");
    let server = start(
        &ConfigRepo::from_sample(),
        &[
            ("encrypt.key", "foo"),
            ("spring.security.user.password", &password),
        ],
    );
    // user:mysecret
    eventually("an answer", || {
        let login =
            Request::get("/orders/dev").header("Authorization", "Basic dXNlcjpteXNlY3JldA==");
        let answer = server.send(&login);
        expect_that(answer.status == 200, &answer)
    });
}

#[test]
fn keys_that_cannot_be_used_stop_the_start_with_their_place() {
    let p12 = key_file("server.p12");
    let jks = key_file("server.jks");
    let cases: [(&str, &str); 10] = [
        (
            "encrypt:\n  key: foo\n  salt: xyz\n",
            "confbus.yml:3:9: `encrypt.salt`",
        ),
        (
            "encrypt:\n  key: ssh-rsa AAAA\n",
            "confbus.yml:2:8: `encrypt.key`",
        ),
        (
            "encrypt.key-store: {location: /nowhere.jks, password: p, alias: a}\n",
            "confbus.yml:1:31: the key store cannot be read",
        ),
        (
            &format!("encrypt.key-store: {{location: {p12}, password: secret-word, alias: one}}\n"),
            "`encrypt.key-store.password`: the key store cannot be opened with this password",
        ),
        (
            &format!("encrypt.key-store: {{location: {p12}, password: storepass, alias: three}}\n"),
            "= help: there are: curve, one, two",
        ),
        (
            &format!("encrypt.key-store: {{location: {jks}, password: storepass, alias: one}}\n"),
            "set encrypt.key-store.secret",
        ),
        (
            "encrypt.key-store: {location: 'classpath:/x.jks', password: p, alias: a}\n",
            "a key store is read from a file",
        ),
        (
            "spring.cloud.bootstrap.enabled: true\nspring.security.user.password: '{cipher}secret-word'\n",
            "`spring.security.user.password` cannot be decrypted: no key is configured",
        ),
        (
            "encrypt.key-store: {location: x.jks, password: p}\n",
            "a key store without the alias of a key",
        ),
        (
            "encrypt.key: foo\nspring.security.user.password: '{cipher}secret-word'\n",
            "confbus.yml:2:32: `spring.security.user.password` cannot be decrypted",
        ),
    ];
    for (text, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("confbus.yml");
        std::fs::write(
            &file,
            format!("{text}spring.cloud.config.server.git.uri: /tmp/x\n"),
        )
        .unwrap();
        let arguments = [
            "serve".to_owned(),
            "--config".to_owned(),
            file.display().to_string(),
        ];
        let mut program = Running::confbus(&arguments);
        assert_eq!(program.wait().code(), Some(78), "{text}");
        // The place stands below what is wrong.
        let place = expected.split_once(": ");
        let (place, wrong) = place
            .filter(|(place, _)| place.starts_with("confbus.yml:"))
            .unwrap_or((expected, expected));
        program.line_with(place);
        program.line_with(wrong);
        let said = program.lines().join("\n");
        assert!(!said.contains("secret-word"), "{said}");
    }
}
