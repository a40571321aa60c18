//! How confbus is run as a service and in containers: with as little as it needs.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_yaml::Value;

use crate::support::{ConfigRepo, Running, eventually, expect_that, skipped_without};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn unit() -> String {
    fs::read_to_string(root().join("packaging/confbus.service")).unwrap()
}

/// The service for files of others.
fn watch_unit() -> String {
    fs::read_to_string(root().join("packaging/confbus-watch@.service")).unwrap()
}

/// What the unit says under a name, each time that it does.
fn said<'u>(unit: &'u str, name: &str) -> Vec<&'u str> {
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    lines
        .filter(|(said, _)| *said == name)
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn the_service_has_a_user_and_a_folder_of_its_own_and_nothing_else() {
    let unit = unit();
    for (name, value) in [
        ("DynamicUser", "yes"),
        ("StateDirectory", "confbus"),
        ("StateDirectoryMode", "0700"),
        ("UMask", "0077"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("AmbientCapabilities", ""),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("MemoryDenyWriteExecute", "yes"),
        ("RestrictNamespaces", "yes"),
        ("LockPersonality", "yes"),
        ("ProtectKernelLogs", "yes"),
        ("ProtectKernelModules", "yes"),
        ("ProtectKernelTunables", "yes"),
        ("SystemCallErrorNumber", "EPERM"),
        ("LimitCORE", "0"),
        ("MemoryMax", "1G"),
        ("OOMPolicy", "continue"),
        ("Restart", "on-failure"),
        ("RestartPreventExitStatus", "78"),
        ("ExecStart", "confbus serve"),
        (
            "LoadCredential",
            "application.yml:/etc/confbus/application.yml",
        ),
        ("Environment", "CONFBUS_CONFIG=%d/application.yml"),
    ] {
        assert_eq!(said(&unit, name), [value], "{name}");
    }
    assert_eq!(said(&unit, "SystemCallFilter")[0], "@system-service");
    // The number of the machine's start is read there.
    assert_eq!(said(&unit, "ProcSubset"), [""; 0]);
}

#[test]
fn an_agent_is_given_a_copy_of_its_settings_which_are_roots() {
    let unit = watch_unit();
    for (name, value) in [
        ("DynamicUser", "yes"),
        ("StateDirectory", "confbus-watch/%i"),
        ("StateDirectoryMode", "0700"),
        ("UMask", "0077"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("AmbientCapabilities", ""),
        ("LimitCORE", "0"),
        ("Restart", "on-failure"),
        ("RestartPreventExitStatus", "78"),
        (
            "ExecStartPre",
            "confbus agent --check --config %d/agent.toml",
        ),
        ("ExecStart", "confbus agent --config %d/agent.toml"),
        ("LoadCredential", "agent.toml:/etc/confbus/%i.toml"),
    ] {
        assert_eq!(said(&unit, name), [value], "{name}");
    }
    // What only root may read is named nowhere else.
    let settings = fs::read_to_string(root().join("packaging/agent.toml")).unwrap();
    let key = settings.split_once("key-file = \"").unwrap().1;
    assert!(key.starts_with("/run/credentials/confbus-watch@"), "{key}");
}

/// The unit with a program that is there, in a folder of its own; nothing, and said aloud, where systemd's tools are not.
fn unit_to_judge() -> Option<(tempfile::TempDir, PathBuf)> {
    let tools = Command::new("systemd-analyze").arg("--version").output();
    if !tools.is_ok_and(|output| output.status.success()) {
        skipped_without("systemd-analyze", "systemd");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("confbus.service");
    let program = env!("CARGO_BIN_EXE_confbus");
    let unit = unit().replace("ExecStart=confbus", &format!("ExecStart={program}"));
    fs::write(&file, unit).unwrap();
    Some((folder, file))
}

#[test]
fn systemd_understands_the_service_and_finds_it_closed() {
    let Some((_folder, file)) = unit_to_judge() else {
        return;
    };
    let analyze = |arguments: &[&str]| {
        let mut command = Command::new("systemd-analyze");
        let output = command.args(arguments).arg(&file).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&text).into_owned(),
        )
    };
    let (is_good, said) = analyze(&["verify", "--man=no"]);
    if said.contains("Read-only file system") {
        eprintln!("skipped: systemd-analyze has nowhere to write");
        return;
    }
    assert!(is_good && !said.contains("confbus.service:"), "{said}");
    // Tenths, of 100: what is left is the network, and folders that are there to be read.
    let closed = ["security", "--no-pager", "--offline=true", "--threshold=15"];
    let (is_closed, said) = analyze(&closed);
    assert!(is_closed, "{said}");
}

/// Calls that the filter of the unit lets through, as systemd itself lists them.
fn allowed_calls() -> Vec<String> {
    let list = |set: &str| {
        let mut command = Command::new("systemd-analyze");
        let output = command.args(["syscall-filter", "--no-pager", set]).output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        let lines = text.lines().skip(1).map(str::trim);
        let calls = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        calls.map(str::to_owned).collect::<Vec<_>>()
    };
    fn all(set: &str, list: &dyn Fn(&str) -> Vec<String>) -> Vec<String> {
        let members = list(set).into_iter();
        let each = members.flat_map(|member| {
            if member.starts_with('@') {
                all(&member, list)
            } else {
                vec![member]
            }
        });
        each.collect()
    }
    let mut allowed = Vec::new();
    for line in said(&unit(), "SystemCallFilter") {
        let takes = line.starts_with('~');
        for word in line.trim_start_matches('~').split(' ') {
            let calls = if word.starts_with('@') {
                all(word, &list)
            } else {
                vec![word.to_owned()]
            };
            if takes {
                allowed.retain(|call| !calls.contains(call));
            } else {
                allowed.extend(calls);
            }
        }
    }
    allowed
}

#[test]
fn a_server_calls_nothing_that_the_service_forbids() {
    let tries = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .output();
    let Ok(tried) = tries else {
        skipped_without("strace", "strace");
        return;
    };
    if !tried.status.success() {
        eprintln!("skipped: strace cannot look where it is itself looked at");
        return;
    }
    if unit_to_judge().is_none() {
        return;
    }
    let (repo, folder) = (ConfigRepo::from_sample(), tempfile::tempdir().unwrap());
    let notes = folder.path().join("notes");
    let mut command = Command::new("strace");
    command
        // The server is our own child with it, and ends with us.
        .args(["-D", "-f", "-qq", "-e", "signal=none", "-o"])
        .arg(&notes)
        .arg(env!("CARGO_BIN_EXE_confbus"))
        .args(["serve", "--server.address=127.0.0.1", "--server.port=0"])
        .arg(format!(
            "--spring.cloud.config.server.git.uri={}",
            repo.path().display()
        ))
        .arg(format!(
            "--spring.cloud.config.server.git.basedir={}",
            folder.path().join("state").display()
        ))
        .env("XDG_CACHE_HOME", folder.path());
    let running = Running::start(command);
    running.line_with("in service");
    let commit = repo.push("another greeting", &[("orders.yml", "greeting: hi\n")]);
    running.line_with(&commit);
    let calls = || -> Vec<String> {
        let text = fs::read_to_string(&notes).unwrap_or_default();
        let calls = text.lines().filter_map(|line| {
            let (name, _) = line.split_once(' ')?.1.trim_start().split_once('(')?;
            let is_name = name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            is_name.then(|| name.to_owned())
        });
        calls.collect()
    };
    let called = eventually("what it calls", || {
        let called = calls();
        let has = |name: &str| called.iter().any(|call| call == name);
        expect_that(
            has("execve") && has("listen") && has("setrlimit") | has("prlimit64"),
            called.len(),
        )
        .map(|()| called)
    });
    let allowed = allowed_calls();
    assert!(allowed.len() > 100, "{allowed:?}");
    let mut forbidden: Vec<_> = called
        .into_iter()
        .filter(|call| !allowed.contains(call))
        .collect();
    forbidden.sort();
    forbidden.dedup();
    assert_eq!(forbidden, [""; 0]);
}

#[test]
fn what_is_missing_is_skipped_only_where_not_everything_must_be_seen() {
    for (test, install) in [
        (
            "systemd_understands_the_service_and_finds_it_closed",
            "apt-get install systemd",
        ),
        (
            "a_server_calls_nothing_that_the_service_forbids",
            "apt-get install strace",
        ),
    ] {
        for (in_ci, passes) in [("true", false), ("", true)] {
            let mut command = Command::new(env::current_exe().unwrap());
            command
                .args(["--exact", &format!("packaging::{test}"), "--nocapture"])
                .env("PATH", "/nowhere")
                .env("CI", in_ci);
            let output = command.output().unwrap();
            assert_eq!(output.status.success(), passes, "{output:?}");
            let said = [output.stdout, output.stderr].concat();
            assert!(String::from_utf8_lossy(&said).contains(install));
        }
    }
}

#[test]
fn containers_of_ours_may_write_nowhere_and_take_no_rights() {
    let text = fs::read_to_string(root().join("docker-compose.yml")).unwrap();
    let mut compose: Value = serde_yaml::from_str(&text).unwrap();
    compose.apply_merge().unwrap();
    let services = compose["services"].as_mapping().unwrap();
    let ours: Vec<_> = services
        .iter()
        .filter(|(_, service)| service["image"] == "confbus")
        .collect();
    assert!(ours.len() >= 3, "{ours:?}");
    for (name, service) in ours {
        let holds = [
            service["read_only"] == true,
            service["cap_drop"] == Value::from(vec!["ALL"]),
            service["cap_add"].is_null() && service["privileged"].is_null(),
            service["security_opt"] == Value::from(vec!["no-new-privileges:true"]),
            service["tmpfs"] == Value::from(vec!["/tmp"]),
            service["pids_limit"]
                .as_u64()
                .is_some_and(|limit| limit <= 512),
            service["mem_limit"] == "1g",
            service["user"].is_null(),
        ];
        assert_eq!(holds, [true; 8], "{name:?}");
        let ports = service["ports"].as_sequence().into_iter().flatten();
        for port in ports {
            assert!(port.as_str().unwrap().starts_with("127.0.0.1:"), "{name:?}");
        }
    }
}

#[test]
fn the_image_runs_as_a_user_without_rights_and_has_no_shell() {
    let file = fs::read_to_string(root().join("Dockerfile")).unwrap();
    let (_, last) = file.rsplit_once("\nFROM ").unwrap();
    assert!(last.starts_with("gcr.io/distroless/") && last.contains(":nonroot\n"));
    let root_again = last.lines().any(|line| line.starts_with("USER"));
    assert!(!root_again, "the user of the image is not another one");
}
