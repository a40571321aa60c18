//! Who may do what, asked of a real server: every kind of caller, every route, every form in which names are said.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::support::{ConfigRepo, Request, Running, TestServer, eventually};

const TOKEN: &str = "app.3c1d9a5be07f4c66";

/// Everybody that the table asks as; the password of each is its name twice.
const CALLERS: [&str; 10] = [
    "reader", "wide", "filer", "ops", "caster", "hooks", "crypt", "root", "nobody", "app",
];

/// What is wanted: a kind, an application, a profile and a label; nothing where a kind is not about it.
type Atom = (&'static str, &'static str, &'static str, &'static str);

/// What each may, said otherwise than the rules do.
fn may(caller: &str, (kind, application, profile, label): Atom) -> bool {
    let is_orders = application == "orders";
    match caller {
        "reader" => {
            kind == "read" && is_orders && matches!(profile, "dev" | "prod") && label == "main"
        }
        "wide" => {
            matches!(kind, "read" | "files")
                && application.starts_with("orders")
                && profile != "prod"
        }
        "filer" => kind == "files" && is_orders,
        "ops" => {
            matches!(kind, "fleet" | "health") || matches!(kind, "operate" | "refresh") && is_orders
        }
        "caster" => kind == "refresh",
        "hooks" => kind == "monitor",
        "crypt" => kind == "encrypt" && is_orders || kind == "decrypt",
        "app" => kind == "events" || matches!(kind, "read" | "report") && is_orders,
        "root" => true,
        _ => false,
    }
}

const RULES: [(&str, &str); 43] = [
    ("[0].principals", "reader"),
    ("[0].applications", "orders"),
    ("[0].profiles", "dev,prod"),
    ("[0].labels", "main"),
    ("[0].allow", "read"),
    ("[1].principals", "wide"),
    ("[1].applications", "orders*"),
    ("[1].profiles", "dev,dev.yml,eu,eu-dev,default"),
    ("[1].allow", "read,files"),
    ("[2].principals", "filer"),
    ("[2].applications", "orders"),
    ("[2].allow", "files"),
    ("[3].principals", "ops"),
    ("[3].allow", "fleet,health"),
    ("[4].principals", "ops"),
    ("[4].applications", "orders"),
    ("[4].allow", "operate,refresh"),
    ("[5].principals", "caster"),
    ("[5].applications", "*"),
    ("[5].allow", "refresh"),
    ("[6].principals", "hooks"),
    ("[6].allow", "monitor"),
    ("[7].principals", "crypt"),
    ("[7].applications", "orders"),
    ("[7].allow", "encrypt"),
    ("[12].principals", "crypt"),
    ("[12].applications", "*"),
    ("[12].allow", "decrypt"),
    ("[8].principals", "app"),
    ("[8].applications", "orders"),
    ("[8].allow", "read,report,events"),
    ("[9].principals", "root"),
    ("[9].applications", "*"),
    ("[9].allow", "all"),
    ("[10].principals", "nobody"),
    ("[10].applications", "nothing"),
    ("[10].profiles", "nothing"),
    ("[10].allow", "read"),
    // The same once more, for others: rules do not add up across callers.
    ("[11].principals", "someone-*"),
    ("[11].applications", "orders-eu"),
    ("[11].profiles", "*"),
    ("[11].labels", "*"),
    ("[11].allow", "read"),
];

/// A request, and all that has to be allowed for it.
struct Form {
    request: Request,
    shown: String,
    atoms: Vec<Atom>,
    /// Whom is told that there is nothing, instead of that it may not.
    is_hidden: bool,
}

fn form(request: Request, atoms: &[Atom]) -> Form {
    let is_hidden = matches!(atoms[0].0, "read" | "files");
    Form {
        shown: format!("{request:?}"),
        request,
        atoms: atoms.to_vec(),
        is_hidden,
    }
}

const APPLICATIONS: [&str; 3] = ["orders", "orders-eu", "billing"];
const PROFILES: [&str; 2] = ["dev", "prod"];
const LABELS: [&str; 3] = ["", "main", "release"];

fn reads() -> Vec<Form> {
    let mut forms = Vec::new();
    for application in APPLICATIONS {
        for profile in PROFILES {
            for label in LABELS {
                let named = if label.is_empty() { "main" } else { label };
                let atom = ("read", application, profile, named);
                let mut get = |path: String| forms.push(form(Request::get(&path), &[atom]));
                if label.is_empty() {
                    get(format!("/{application}/{profile}"));
                    get(format!(
                        "/%{:02x}{}/{profile};x=1",
                        application.as_bytes()[0],
                        &application[1..]
                    ));
                }
                let (before, behind) = match label {
                    "" => (String::new(), String::new()),
                    label => (format!("/{label}"), format!("/{label}")),
                };
                get(format!("/{application}/{profile}{behind}"));
                for extension in ["yml", "json", "properties"] {
                    get(format!("{before}/{application}-{profile}.{extension}"));
                }
            }
        }
    }
    forms.extend(lists());
    forms
}

fn lists() -> Vec<Form> {
    let read = |application, profile, label| ("read", application, profile, label);
    let get = |path: &str, atoms: &[Atom]| form(Request::get(path), atoms);
    vec![
        get(
            "/orders,billing/dev",
            &[
                read("orders", "dev", "main"),
                read("billing", "dev", "main"),
            ],
        ),
        get(
            "/billing,orders/dev",
            &[
                read("orders", "dev", "main"),
                read("billing", "dev", "main"),
            ],
        ),
        get(
            "/orders,orders-eu/dev",
            &[
                read("orders", "dev", "main"),
                read("orders-eu", "dev", "main"),
            ],
        ),
        get("/orders,%20orders/dev", &[read("orders", "dev", "main")]),
        get(
            "/orders/dev,prod",
            &[
                read("orders", "dev", "main"),
                read("orders", "prod", "main"),
            ],
        ),
        get(
            "/orders-dev,prod.yml",
            &[
                read("orders", "dev", "main"),
                read("orders", "prod", "main"),
            ],
        ),
        get(
            "/orders/dev/main,release",
            &[
                read("orders", "dev", "main"),
                read("orders", "dev", "release"),
            ],
        ),
        get(
            "/orders/dev/release,main",
            &[
                read("orders", "dev", "main"),
                read("orders", "dev", "release"),
            ],
        ),
        // The file is also that of `orders-eu`, which a rule names.
        get(
            "/orders/eu",
            &[
                read("orders", "eu", "main"),
                read("orders-eu", "default", "main"),
            ],
        ),
        get(
            "/orders/eu-dev",
            &[
                read("orders", "eu-dev", "main"),
                read("orders-eu", "dev", "main"),
            ],
        ),
    ]
}

fn files() -> Vec<Form> {
    let mut forms = Vec::new();
    for application in APPLICATIONS {
        for profile in PROFILES {
            for label in ["main", "release"] {
                let atom = ("files", application, profile, label);
                let path = format!("/{application}/{profile}/{label}/nginx.conf");
                forms.push(form(Request::get(&path), &[atom]));
                forms.push(form(
                    Request::get(&path).header("Accept", "application/octet-stream"),
                    &[atom],
                ));
            }
            let atom = ("files", application, profile, "main");
            let path = format!("/{application}/{profile}/nginx.conf?useDefaultLabel");
            forms.push(form(Request::get(&path), &[atom]));
        }
    }
    let both = [
        ("files", "orders", "dev", "main"),
        ("files", "orders-eu", "dev", "main"),
    ];
    forms.push(form(Request::get("/orders/dev/main/orders-eu.yml"), &both));
    // The variant of a profile that is an extension, too.
    let both = both.map(|(kind, application, _, label)| (kind, application, "dev.yml", label));
    forms.push(form(Request::get("/orders/dev.yml/main/orders-eu"), &both));
    forms
}

fn management() -> Vec<Form> {
    let json = |path: &str, body: &str| {
        Request::post(path, body).header("Content-Type", "application/json")
    };
    let mut forms = Vec::new();
    for (path, kind) in [
        ("/_/api/instances", "fleet"),
        ("/_/api/refreshes", "fleet"),
        ("/_/api/refreshes/none", "fleet"),
        ("/_/api/pins", "fleet"),
        ("/_/api/waves", "fleet"),
        ("/actuator/info", "health"),
        ("/confbus/events", "events"),
    ] {
        forms.push(form(Request::get(path), &[(kind, "", "", "")]));
    }
    for application in APPLICATIONS {
        let about = |kind| [(kind, application, "", "")];
        for name in ["busrefresh", "bus-refresh"] {
            for destination in [
                application.to_owned(),
                format!("{application}:dev:**"),
                format!("{application}/8080"),
            ] {
                let path = format!("/actuator/{name}/{destination}");
                forms.push(form(Request::post(&path, ""), &about("refresh")));
            }
        }
        let env = format!("/actuator/busenv/{application}");
        forms.push(form(
            json(&env, r#"{"name": "a", "value": "b"}"#),
            &about("refresh"),
        ));
        let boot1 = format!("/bus/refresh?destination={application}");
        forms.push(form(Request::post(&boot1, ""), &about("refresh")));
        let address = format!(
            r#"{{"application": "{application}", "commit": "0123456", "reason": "a test"}}"#
        );
        forms.push(form(json("/_/api/pins", &address), &about("operate")));
        let address = format!(r#"{{"application": "{application}", "profile": "dev"}}"#);
        for decision in ["promote", "abort"] {
            let path = format!("/_/api/waves/{decision}");
            forms.push(form(json(&path, &address), &about("operate")));
        }
        let report = format!(
            r#"{{"instance": "{application}:dev:1", "application": "{application}", "profiles": "dev", "outcome": "applied"}}"#
        );
        forms.push(form(
            Request::post("/confbus/reports", report),
            &about("report"),
        ));
        let path = format!("/encrypt/{application}/dev");
        forms.push(form(
            Request::post(&path, "a"),
            &[("encrypt", application, "dev", "")],
        ));
        let path = format!("/key/{application}/dev");
        forms.push(form(
            Request::get(&path),
            &[("encrypt", application, "dev", "")],
        ));
        let path = format!("/decrypt/{application}/dev");
        forms.push(form(
            Request::post(&path, "a"),
            &[("decrypt", application, "dev", "")],
        ));
    }
    // Everyone, in all the words there are for it.
    for path in [
        "/actuator/busrefresh",
        "/actuator/busrefresh/**",
        "/actuator/busrefresh/*",
        "/bus/refresh",
        "/actuator/busrefresh/order%3F",
    ] {
        forms.push(form(Request::post(path, ""), &[("refresh", "**", "", "")]));
    }
    for path in ["/encrypt", "/decrypt"] {
        let kind = &path[1..];
        let kind = if kind == "encrypt" {
            "encrypt"
        } else {
            "decrypt"
        };
        forms.push(form(
            Request::post(path, "a"),
            &[(kind, "application", "default", "")],
        ));
    }
    let push = r#"{"path": ["orders.yml"]}"#;
    forms.push(form(json("/monitor", push), &[("monitor", "", "", "")]));
    forms
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

fn header(caller: &str) -> String {
    match caller {
        "app" => format!("Bearer {TOKEN}"),
        name => basic(name, &format!("{name}{name}")),
    }
}

fn server() -> (ConfigRepo, TestServer) {
    let repo = ConfigRepo::from_sample();
    let eu = [
        ("orders-eu.yml", "limit: 1\n"),
        ("orders-eu-dev.yml", "limit: 2\n"),
    ];
    repo.push("one more application", &eu);
    repo.push_to(
        "release",
        "a branch",
        &[("nginx.conf", "x\n"), ("application.yml", "a: b\n")],
    );
    let mut settings = vec![
        (
            "spring.cloud.config.server.git.uri".to_owned(),
            repo.path().display().to_string(),
        ),
        ("spring.cloud.bus.enabled".to_owned(), "false".to_owned()),
        ("encrypt.key".to_owned(), "a key of some length".to_owned()),
        (
            "confbus.encrypt.decrypt-endpoint".to_owned(),
            "true".to_owned(),
        ),
        (
            "confbus.security.tokens.app.hash".to_owned(),
            confbus::hash_token(TOKEN).unwrap(),
        ),
    ];
    for name in CALLERS.into_iter().filter(|name| *name != "app") {
        settings.push((
            format!("confbus.security.users.{name}.password"),
            format!("{name}{name}"),
        ));
    }
    for (key, value) in RULES {
        settings.push((format!("confbus.security.rules{key}"), value.to_owned()));
    }
    let settings: Vec<_> = settings
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let server = TestServer::with(&settings);
    let read = |path| Request::get(path).header("Authorization", &header("root"));
    for path in ["/orders/dev", "/orders/dev/release"] {
        eventually("an answer", || match server.send(&read(path)).status {
            200 => Ok(()),
            status => Err(status.to_string()),
        });
    }
    (repo, server)
}

/// What is wrong with the status that a caller was given.
fn judge(form: &Form, may: bool, status: u16) -> Option<&'static str> {
    match (may, form.is_hidden, status) {
        (true, true, 200) | (false, true, 404) | (false, false, 403) => None,
        (true, false, status) if !matches!(status, 401 | 403 | 429) => None,
        (true, ..) => Some("was refused"),
        (false, ..) => Some("was not refused"),
    }
}

#[test]
fn every_caller_may_what_rules_say_and_nothing_else() {
    let (_repo, server) = server();
    let forms: Vec<_> = reads()
        .into_iter()
        .chain(files())
        .chain(management())
        .collect();
    let (mut allowed, mut denied, mut wrong) = (0, 0, String::new());
    // Twice: then many answers are kept ones, which others have had before.
    for _ in 0..2 {
        for caller in CALLERS {
            for form in &forms {
                let may = form.atoms.iter().all(|atom| may(caller, *atom));
                let request = form
                    .request
                    .clone()
                    .header("Authorization", &header(caller));
                let status = request.status(server.port()).unwrap();
                *(if may { &mut allowed } else { &mut denied }) += 1;
                if let Some(problem) = judge(form, may, status) {
                    _ = writeln!(wrong, "{caller} {problem}: {status} {}", form.shown);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    eprintln!(
        "{} forms, {allowed} requests allowed, {denied} denied",
        forms.len()
    );
    assert!(allowed >= 400 && denied >= 400, "{allowed} {denied}");
}

#[test]
fn strangers_get_nothing_but_a_status() {
    let (_repo, server) = server();
    for form in reads().iter().chain(&files()).chain(&management()) {
        let status = form.request.status(server.port()).unwrap();
        let expected = if form.atoms[0].0 == "monitor" {
            403
        } else {
            401
        };
        assert_eq!(status, expected, "{}", form.shown);
    }
    let wrong = basic("root", "wrong password");
    for form in reads() {
        let request = form.request.clone().header("Authorization", &wrong);
        let status = request.status(server.port()).unwrap();
        assert!(matches!(status, 401 | 429), "{status} {}", form.shown);
    }
    let known = Request::get("/orders/dev").header("Authorization", &header("root"));
    assert_eq!(server.send(&known).status, 200, "who was known before");
    let health = server.get("/actuator/health");
    assert_eq!(health.status, 200);
    assert_eq!(health.json().get("components"), None, "{health:?}");
}

/// All routes as the program lists them: method, path and who may take it.
const ROUTES: &str = include_str!("golden/routes.txt");

fn request_of(method: &str, path: &str) -> Request {
    let path = path.replace("{*destination}", "x").replace(['{', '}'], "");
    match method {
        "GET" => Request::get(&path),
        "POST" => Request::post(&path, "{}").header("Content-Type", "application/json"),
        "DELETE" => Request::delete(&path),
        other => panic!("no request is made with {other}"),
    }
}

#[test]
fn no_route_is_left_without_a_guard() {
    let (_repo, server) = server();
    for line in ROUTES.lines() {
        let (method, rest) = line.split_once(' ').unwrap();
        let (path, guard) = rest.split_once(' ').unwrap();
        let request = request_of(method, path);
        let status = |caller: Option<&str>| {
            let request = request.clone();
            let request = match caller {
                Some(caller) => request.header("Authorization", &header(caller)),
                None => request,
            };
            request.status(server.port()).unwrap()
        };
        let (stranger, known) = match guard {
            "Public" => (None, None),
            "Known" => (Some(401), None),
            "Signed(Monitor)" => (Some(403), Some(403)),
            _ => (Some(401), Some(403)),
        };
        for (caller, expected) in [
            (None, stranger),
            (Some("nobody"), known),
            (Some("root"), None),
        ] {
            let status = status(caller);
            let is_let_in = !matches!(status, 401 | 403 | 429);
            assert!(
                expected.map_or(is_let_in, |expected| status == expected),
                "{caller:?} {line}: {status}"
            );
        }
    }
}

#[test]
fn what_may_not_be_read_looks_like_what_is_not_there() {
    let (_repo, server) = server();
    let get = |path: &str| {
        let answer = server.send(&Request::get(path).header("Authorization", &header("app")));
        let mut body = answer.json();
        body.as_object_mut().unwrap().remove("timestamp");
        body.as_object_mut().unwrap().remove("path");
        let told = answer
            .headers
            .iter()
            .filter(|(name, _)| name != "date" && name != "content-length");
        let headers: Vec<_> = told.collect();
        (answer.status, body, format!("{headers:?}"))
    };
    let forbidden = get("/billing/dev/main");
    assert_eq!(forbidden.0, 404);
    assert_eq!(forbidden, get("/orders/dev/nowhere"));
}

#[test]
fn an_open_server_says_so_twice() {
    let repo = ConfigRepo::from_sample();
    let uri = format!(
        "--spring.cloud.config.server.git.uri={}",
        repo.path().display()
    );
    let arguments = [
        "serve",
        "--server.port=0",
        "--confbus.security.mode=none",
        &uri,
    ];
    let mut program = Running::confbus(&arguments.map(str::to_owned));
    assert_eq!(program.wait().code(), Some(78));
    program.line_with("confbus.security.open-to-network=true");
    let arguments = [
        "serve",
        "--server.port=0",
        "--spring.security.user.password=changeme",
        &uri,
    ];
    let mut program = Running::confbus(&arguments.map(str::to_owned));
    assert_eq!(program.wait().code(), Some(78));
    program.line_with("is a secret that is quickly guessed");
}

#[test]
fn the_hash_of_a_token_is_made_by_the_program() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_confbus"));
    let hash = command
        .arg("hash-token")
        .stdin(std::process::Stdio::piped());
    let mut child = hash.stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"a-token-of-mine\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let hash = String::from_utf8(output.stdout).unwrap();
    assert!(
        hash.starts_with("$argon2id$") && hash.ends_with('\n') && hash.lines().count() == 1,
        "{hash}"
    );
    let repo = ConfigRepo::from_sample();
    let server = TestServer::with(&[
        (
            "spring.cloud.config.server.git.uri",
            &repo.path().display().to_string(),
        ),
        ("confbus.security.tokens.mine.hash", hash.trim()),
    ]);
    let get = |token: &str| {
        let request =
            Request::get("/orders/dev").header("Authorization", &format!("Bearer {token}"));
        server.send(&request).status
    };
    eventually("an answer", || match get("a-token-of-mine") {
        200 => Ok(()),
        status => Err(status.to_string()),
    });
    assert_eq!(get("a-token-of-min"), 401);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "a-token-of-mine\n").unwrap();
    let list = |file: &std::path::Path| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_confbus"));
        command.args(["wave", "list", "--server", &server.url()]);
        command.env("CONFBUS_TOKEN_FILE", file).output().unwrap()
    };
    let listed = list(file.path());
    assert!(listed.status.success(), "{listed:?}");
    std::fs::write(file.path(), "another\n").unwrap();
    assert!(!list(file.path()).status.success());
}
