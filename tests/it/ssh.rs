//! Which hosts are believed over ssh.

use std::{fs, process::Command};

use crate::support::{ConfigRepo, Running, Sshd, TestServer, eventually, expect_that, foreign_key};

const GIT: &str = "spring.cloud.config.server.git";

/// A server for what `sshd` serves; only its own settings say whom it believes, as its home is empty.
fn serve(sshd: &Sshd, said: &[(&str, &str)]) -> TestServer {
    let home = tempfile::tempdir().unwrap();
    let (url, key) = (sshd.url(), sshd.client_key());
    let mut settings = vec![
        (format!("{GIT}.uri"), url.as_str()),
        (format!("{GIT}.private-key"), key.as_str()),
        (format!("{GIT}.refresh-rate"), "1"),
    ];
    let said = said.iter();
    settings.extend(said.map(|(key, value)| (format!("{GIT}.{key}"), *value)));
    let settings: Vec<_> = settings
        .iter()
        .map(|(key, value)| (key.as_str(), *value))
        .collect();
    let home = home.path().display().to_string();
    TestServer::with_environment(&settings, &[("HOME", &home)])
}

/// Nothing is fetched, and health says why.
#[track_caller]
fn refuses(sshd: &Sshd, said: &[(&str, &str)], why: &[&str]) {
    let server = serve(sshd, said);
    let error = eventually("why nothing is fetched", || {
        let health = server.get("/actuator/health").json();
        let error = &health["components"]["git"]["details"]["error"];
        error
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| health.to_string())
    });
    for part in why {
        assert!(error.contains(part), "no `{part}` in: {error}");
    }
    assert_eq!(server.get("/orders/dev").status, 503);
}

#[test]
fn a_host_is_believed_by_its_pinned_key_of_whatever_kind() {
    let repo = ConfigRepo::from_sample();
    let kinds = ["ed25519", "ecdsa", "rsa"];
    let Some(sshd) = Sshd::serve(&repo, &kinds) else {
        return;
    };
    for kind in kinds {
        let (algorithm, key) = sshd.host_key(kind);
        let said = [("host-key-algorithm", &*algorithm), ("host-key", &*key)];
        serve(&sshd, &said).ready();
    }
}

#[test]
fn another_key_than_the_pinned_one_is_refused_and_told() {
    let repo = ConfigRepo::from_sample();
    let Some(sshd) = Sshd::serve(&repo, &["ecdsa"]) else {
        return;
    };
    let (algorithm, key) = foreign_key("ecdsa");
    let said = [("host-key-algorithm", &*algorithm), ("host-key", &*key)];
    let fingerprint = sshd.fingerprint("ecdsa");
    let told = ["127.0.0.1", "ecdsa-sha2-nistp256", &fingerprint];
    refuses(&sshd, &said, &told);
    // A file that knows the host by the right key does not help.
    let file = sshd.known_hosts("ecdsa").display().to_string();
    refuses(
        &sshd,
        &[said[0], said[1], ("known-hosts-file", &file)],
        &told,
    );
}

#[test]
fn a_host_without_a_key_of_the_pinned_kind_is_refused() {
    let repo = ConfigRepo::from_sample();
    let Some(sshd) = Sshd::serve(&repo, &["ecdsa"]) else {
        return;
    };
    let (algorithm, key) = foreign_key("ed25519");
    let said = [("host-key-algorithm", &*algorithm), ("host-key", &*key)];
    refuses(&sshd, &said, &["127.0.0.1", "ssh-ed25519"]);
}

#[test]
fn a_host_is_believed_by_a_file_also_with_hashed_names() {
    let repo = ConfigRepo::from_sample();
    let Some(sshd) = Sshd::serve(&repo, &["ecdsa", "ed25519"]) else {
        return;
    };
    let file = sshd.known_hosts("ed25519");
    let path = file.display().to_string();
    serve(&sshd, &[("known-hosts-file", &path)]).ready();

    let hashed = Command::new("ssh-keygen")
        .args(["-q", "-H", "-f", &path])
        .status();
    assert!(hashed.unwrap().success());
    assert!(!fs::read_to_string(&file).unwrap().contains("127.0.0.1"));
    let server = serve(&sshd, &[("known-hosts-file", &path)]).ready();

    // The host is no longer known, and later is again.
    let known = fs::read(&file).unwrap();
    fs::write(&file, "").unwrap();
    let error = |holds: &dyn Fn(Option<&str>) -> bool| {
        let health = server.get("/actuator/health").json();
        let error = health["components"]["git"]["details"]["error"].as_str();
        expect_that(holds(error), &health)
    };
    eventually("a refusal", || {
        error(&|error| {
            error.is_some_and(|error| error.contains("SHA256:") && error.contains(&path))
        })
    });
    fs::write(&file, known).unwrap();
    eventually("a look", || error(&|error| error.is_none()));
}

#[test]
fn a_host_that_no_list_names_is_refused() {
    let repo = ConfigRepo::from_sample();
    let Some(sshd) = Sshd::serve(&repo, &["ed25519"]) else {
        return;
    };
    let told = ["127.0.0.1", "ssh-ed25519", &sshd.fingerprint("ed25519")];
    refuses(&sshd, &[], &told);
    refuses(&sshd, &[("ignore-local-ssh-settings", "true")], &told);
    let file = sshd.known_hosts("ed25519");
    let lines = fs::read_to_string(&file).unwrap();
    fs::write(&file, lines.replace("127.0.0.1", "git.example")).unwrap();
    let file = file.display().to_string();
    refuses(&sshd, &[("known-hosts-file", &file)], &told);
}

#[test]
fn whoever_believes_any_host_is_told_so_wherever_they_look() {
    let repo = ConfigRepo::from_sample();
    let Some(sshd) = Sshd::serve(&repo, &["ed25519"]) else {
        return;
    };
    let server = serve(&sshd, &[("strict-host-key-checking", "false")]).ready();
    let switch = format!("{GIT}.strict-host-key-checking=false");
    server.line_with(&switch);
    let health = server.get("/actuator/health").json();
    let opened = &health["components"]["security"]["details"]["opened"];
    assert_eq!(opened, &serde_json::json!([switch]));
}

#[test]
fn a_host_key_that_is_none_stops_the_start_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("confbus.yml");
    let text = "spring.cloud.config.server.git:\n  uri: git@git.example:x\n  host-key-algorithm: ssh-ed25519\n  host-key: c2VjcmV0\n  repos:\n    one:\n      uri: git@git.example:y\n      host-key-algorithm: ssh-quick\n      host-key: AAAA\n";
    fs::write(&file, text).unwrap();
    let arguments = ["serve", "--config", &file.display().to_string()];
    let mut program = Running::confbus(&arguments.map(str::to_owned));
    assert_eq!(program.wait().code(), Some(78));
    program.line_with("`spring.cloud.config.server.git.host-key` is cut off");
    program.line_with("confbus.yml:4:13");
    program.line_with("`spring.cloud.config.server.git.repos.one.host-key-algorithm` is not known");
    program.line_with("confbus.yml:8:27");
}
