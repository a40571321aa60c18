//! The small commands around a server: health, completions, manual pages.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::support::{ConfigRepo, Ran, TestServer, eventually, expect_that, skipped_without};

#[test]
fn health_is_one_word_and_yes_or_no() {
    let repo = ConfigRepo::from_sample();
    let mut server = TestServer::start(&repo).ready();
    let url = server.url();
    let health = || Ran::with(&["health"], &[("CONFBUS_SERVER", &url)], "");
    let ran = health();
    assert_eq!(
        (ran.code, &*ran.stdout, &*ran.stderr),
        (Some(0), "UP\n", "")
    );
    server.running().kill();
    let ran = health();
    assert_eq!((ran.code, &*ran.stdout), (Some(1), "DOWN\n"));
    assert!(ran.stderr.contains("no connection"), "{ran:?}");
}

#[test]
fn health_asks_the_server_of_the_settings_that_are_here() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let settings = [
        ("spring.cloud.config.server.git.uri", uri.as_str()),
        ("server.servlet.context-path", "/config"),
    ];
    let server = TestServer::with(&settings);
    let port = server.port().to_string();
    let health = |path| {
        let variables = [
            ("SERVER_PORT", port.as_str()),
            ("SERVER_SERVLET_CONTEXT_PATH", path),
        ];
        Ran::with(&["health"], &variables, "")
    };
    eventually("health", || {
        let ran = health("/config");
        expect_that(ran.code == Some(0), ran)
    });
    assert_eq!(health("").code, Some(1));
}

/// Where shells find the program and what they need themselves.
fn path_to_confbus() -> String {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_confbus"));
    let folder = program.parent().unwrap().display();
    format!("{folder}:{}", std::env::var("PATH").unwrap_or_default())
}

/// Whether a shell takes a script; `None` where there is no such shell.
fn loads(shell: &str, arguments: &[&str], script: &str) -> Option<bool> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("_confbus");
    fs::write(&file, script).unwrap();
    let mut command = Command::new(shell);
    command
        .args(arguments)
        .arg(&file)
        .current_dir(folder.path())
        .env("PATH", path_to_confbus());
    let output = command.stdin(Stdio::null()).output().ok()?;
    Some(output.status.success() && output.stderr.is_empty())
}

#[test]
fn shells_load_their_completions() {
    for (shell, arguments) in [
        (
            "bash",
            &["--norc", "-c", ". \"$0\" && complete -p confbus"][..],
        ),
        (
            "zsh",
            &[
                "-f",
                "-c",
                "autoload -U compinit && compinit -u -D && . \"$0\" && (( $+functions[_clap_dynamic_completer_confbus] ))",
            ],
        ),
        (
            "fish",
            &[
                "--no-config",
                "-c",
                "source $argv[1]; and complete -C 'confbus ser' | grep -q serve",
            ],
        ),
    ] {
        let ran = Ran::confbus(&["completions", shell]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        match (loads(shell, arguments, &ran.stdout), shell) {
            (Some(is_loaded), _) => assert!(is_loaded, "{shell}"),
            (None, "zsh") => skipped_without("zsh", "zsh"),
            (None, "fish") => skipped_without("fish", "fish"),
            (None, _) => panic!("there is no {shell}"),
        }
    }
    for shell in ["powershell", "elvish"] {
        assert_eq!(
            Ran::confbus(&["completions", shell]).code,
            Some(0),
            "{shell}"
        );
    }
    assert_eq!(Ran::confbus(&["completions", "tcsh"]).code, Some(2));
}

#[test]
fn man_renders_a_page_of_each_command() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    let ran = Ran::confbus(&["man", &pages.display().to_string()]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let page = pages.join("confbus-refresh.1");
    assert!(page.exists() && pages.join("confbus.1").exists());
    assert!(!pages.join("confbus-git-worker.1").exists());
    let mut man = Command::new("man");
    let shown = man
        .args(["-l", &page.display().to_string()])
        .env("MANPAGER", "cat")
        .env("MANWIDTH", "80")
        .output();
    match shown {
        Ok(shown) => {
            let text = String::from_utf8_lossy(&shown.stdout);
            assert!(
                shown.status.success()
                    && text.contains("confbus refresh")
                    && text.contains("--timeout"),
                "{text}"
            );
        }
        Err(_) => skipped_without("man", "man-db"),
    }
    assert!(Ran::confbus(&["man"]).stdout.contains(".TH confbus 1"));
}

/// What bash is offered for the last of these words.
fn offered(words: &[&str], server: &str) -> Vec<String> {
    let index = (words.len() - 1).to_string();
    let variables = [
        ("COMPLETE", "bash"),
        ("_CLAP_COMPLETE_INDEX", &index),
        ("CONFBUS_SERVER", server),
    ];
    let ran = Ran::with(&[&["--"], words].concat(), &variables, "");
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
    ran.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn a_key_press_offers_what_the_server_knows() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let url = server.url();
    assert_eq!(offered(&["confbus", "get", "ord"], &url), ["orders"]);
    assert_eq!(
        offered(&["confbus", "explain", "orders@ma"], &url),
        ["orders@main"]
    );
    assert_eq!(offered(&["confbus", "ser"], &url), ["serve"]);
    assert!(offered(&["confbus", "git-w"], &url).is_empty());
    let elsewhere = ["confbus", "get", "--server", &url, "ord"];
    assert_eq!(offered(&elsewhere, "http://127.0.0.1:1"), ["orders"]);
    let nobody = offered(&["confbus", "get", "ord"], "http://127.0.0.1:1");
    assert!(nobody.is_empty(), "{nobody:?}");
    // To whom the variable means something else, it is no question.
    let ran = Ran::with(&["--version"], &[("COMPLETE", "1")], "");
    assert!(ran.stdout.starts_with("confbus "), "{ran:?}");
    // Nor is any other call where somebody has exported it.
    let ran = Ran::with(&["--version"], &[("COMPLETE", "bash")], "");
    assert!(ran.stdout.starts_with("confbus "), "{ran:?}");
}

#[test]
fn a_word_that_is_no_text_stops_no_completion() {
    use std::os::unix::ffi::OsStrExt as _;

    let word = std::ffi::OsStr::from_bytes(b"shop-\xff");
    let output = Command::new(env!("CARGO_BIN_EXE_confbus"))
        .args(["--", "confbus", "get"])
        .arg(word)
        .arg("ord")
        .env("COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", "2")
        .env("CONFBUS_SERVER", "http://127.0.0.1:1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}
