//! `cargo xtask interop encryption`: what one server encrypts, the other one decrypts.

use std::fs;

use super::repository::Repository;
use super::server::{Programs, Server};
use super::{Tally, http};
use crate::shell::root;

const FILE: &str = "application.yml";

/// A way to encrypt: its name, the settings of both servers, and what chooses the key before a text.
struct Way {
    name: &'static str,
    settings: Vec<String>,
    prefix: &'static str,
}

/// Runs every way; a server that does not start ends the run.
pub(super) fn run() -> anyhow::Result<Tally> {
    let programs = Programs::build()?;
    let mut tally = Tally::default();
    for way in ways()? {
        tally.count(way.name, |tally| compare(&programs, &way, tally))?;
    }
    Ok(tally)
}

fn ways() -> anyhow::Result<Vec<Way>> {
    let keys = root().join("tests/keys");
    let store = |file: &str, more: &[&str]| {
        let location = keys.join(file);
        let mut settings = vec![
            format!("--encrypt.key-store.location=file:{}", location.display()),
            "--encrypt.key-store.password=storepass".to_owned(),
            "--encrypt.key-store.alias=one".to_owned(),
        ];
        settings.extend(more.iter().map(|&setting| setting.to_owned()));
        settings
    };
    let jks = || store("server.jks", &["--encrypt.key-store.secret=one-secret"]);
    let way = |name, settings, prefix| Way {
        name,
        settings,
        prefix,
    };
    let text = |setting: &str| setting.to_owned();
    let pem = fs::read_to_string(keys.join("rsa.pem"))?;
    Ok(vec![
        way("pass phrase", vec![text("--encrypt.key=s3cr3t ключ")], ""),
        way(
            "pass phrase and salt",
            vec![
                text("--encrypt.key=foo"),
                text("--encrypt.salt=0123456789ABCDEF"),
            ],
            "",
        ),
        way("RSA as PEM", vec![format!("--encrypt.key={pem}")], ""),
        way("JKS", jks(), ""),
        way("JKS, another alias", jks(), "{key:TWO}{secret:two-secret}"),
        way(
            "PKCS#12, OAEP, strong, a salt of text",
            store(
                "server.p12",
                &[
                    "--encrypt.key-store.type=pkcs12",
                    "--encrypt.rsa.algorithm=OAEP",
                    "--encrypt.rsa.strong=true",
                    "--encrypt.rsa.salt=pepper",
                ],
            ),
            "",
        ),
        way(
            "PKCS#12, strong, another alias",
            store("server.p12", &["--encrypt.rsa.strong=true"]),
            "{key:two}",
        ),
        way(
            "PKCS#12 of before Java 8u301, OAEP",
            store("legacy.p12", &["--encrypt.rsa.algorithm=OAEP"]),
            "",
        ),
    ])
}

fn compare(programs: &Programs, way: &Way, tally: &mut Tally) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let repository = Repository::create(folder.path().join("repository"))?;
    repository.commit(&[(FILE, "ours: ''\n")])?;
    let mut settings = way.settings.clone();
    settings.push(format!(
        "--spring.cloud.config.server.git.uri=file:{}",
        repository.path().display()
    ));
    let ours = programs.confbus(&settings, folder.path())?;
    let theirs = programs.spring(&settings, folder.path())?;
    texts(&ours, &theirs, way, tally);
    values(&ours, &theirs, way, tally, &repository)
}

/// Over `/encrypt`, `/decrypt` and `/key`.
fn texts(ours: &Server, theirs: &Server, way: &Way, tally: &mut Tally) {
    let long = "a text of many blocks, ".repeat(200);
    let plain_texts = [
        "mysecret",
        "sixteen letters.",
        "café 中文 ☂",
        "two\nlines\n",
        " blanks ",
        "50% = a+b",
        long.as_str(),
    ];
    for plain in plain_texts {
        for (writer, reader, direction) in [
            (ours, theirs, "confbus to Spring"),
            (theirs, ours, "Spring to confbus"),
        ] {
            let cipher = http::post(writer.port, "/encrypt", &format!("{}{plain}", way.prefix));
            let seen = cipher.and_then(|cipher| http::post(reader.port, "/decrypt", &cipher));
            let shown: String = plain.chars().take(20).collect();
            tally.check(
                &format!("{}, {direction}, {shown:?}", way.name),
                &seen,
                plain,
            );
        }
    }
    // A pass phrase has no public half, and then neither server answers.
    let public_key = |server: &Server| http::get(server.port, "/key").unwrap_or_default();
    tally.check(
        &format!("{}, /key", way.name),
        &Ok(public_key(ours)),
        &public_key(theirs),
    );
}

/// As values of a file that both serve.
fn values(
    ours: &Server,
    theirs: &Server,
    way: &Way,
    tally: &mut Tally,
    repository: &Repository,
) -> anyhow::Result<()> {
    let cipher =
        |server: &Server| http::post(server.port, "/encrypt", &format!("{}the value", way.prefix));
    let text = format!(
        "ours: '{{cipher}}{}'\ntheirs: '{{cipher}}{}'\n",
        cipher(ours)?,
        cipher(theirs)?
    );
    // Both servers show what lies in the work tree, but a commit is what people make.
    repository.commit(&[(FILE, &text)])?;
    for (server, name) in [(ours, "confbus"), (theirs, "Spring")] {
        let seen = http::get(server.port, "/application-default.properties");
        let what = format!("{}, served by {name}", way.name);
        tally.check(&what, &seen, "ours: the value\ntheirs: the value");
    }
    Ok(())
}
