//! A compose file whose image is changed, and nothing else: whatever its applications ask is answered as before.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::Programs;
use super::compose::Way;
use super::configuration::Configuration;
use super::container::{Container, Environment, Place};
use super::requests;
use crate::interop::{Tally, http};
use crate::shell::free_port;

/// Starts both servers by one compose file, and has `confbus shadow` compare them.
pub(super) fn play(
    programs: &Programs,
    way: &Way,
    broker: u16,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let configuration = Configuration::of_sample(folder.path())?;
    let mut environment = (way.environment)(&configuration);
    environment.extend(bus(broker));
    let (spring, ready, login) = match way.user {
        Some((name, password)) => {
            environment.push(("SPRING_SECURITY_USER_NAME", name.to_owned()));
            environment.push(("SPRING_SECURITY_USER_PASSWORD", password.to_owned()));
            // Which is open to everybody.
            let ready = "/actuator/health".to_owned();
            let login = format!("{name}:{password}@");
            (&programs.spring_with_user, ready, login)
        }
        None => {
            let ready = format!("{}/orders/default", way.base);
            (&programs.spring, ready, String::new())
        }
    };
    let place = |port| Place {
        port,
        folder: folder.path(),
        ready: &ready,
    };
    let theirs = Container::spring(spring, &environment, &place(free_port()?))?;
    let ours = Container::confbus(programs, &environment, &place(free_port()?))?;
    health(way, [&theirs, &ours], tally);

    let mut requests = requests::all(&configuration.files()?, &configuration.labels()?);
    if way.user.is_some() {
        requests.extend(requests::STRANGERS.map(str::to_owned));
    }
    let list = folder.path().join("requests.txt");
    fs::write(&list, requests.join("\n"))?;
    let address =
        |server: &Container| format!("http://{login}127.0.0.1:{}{}", server.port, way.base);
    let mut shadow = Command::new(&programs.confbus);
    shadow.args([
        "shadow",
        "--json",
        "--show-values",
        "--timeout=120",
        "--allow-deliberate",
    ]);
    shadow.args(["--against", &address(&theirs), "--server", &address(&ours)]);
    let shadow = shadow.arg("--requests").arg(&list).output()?;
    let said = String::from_utf8(shadow.stdout)?;
    let complaint = String::from_utf8_lossy(&shadow.stderr).into_owned();
    let compared = count(way, &requests, &said, tally).context(complaint)?;
    ensure!(
        compared == requests.len(),
        "{compared} of {} requests were compared",
        requests.len()
    );
    let verdict = shadow.status.to_string();
    if tally.failed == 0 && !shadow.status.success() {
        tally.fail(way.name, &format!("`confbus shadow` ended with {verdict}"));
    }
    Ok(())
}

/// What a compose file says about the broker, and that its orchestrator may look at the endpoints.
pub(super) fn bus(broker: u16) -> Environment {
    vec![
        ("SPRING_APPLICATION_NAME", "config".to_owned()),
        ("SPRING_RABBITMQ_HOST", "127.0.0.1".to_owned()),
        ("SPRING_RABBITMQ_PORT", broker.to_string()),
        ("MANAGEMENT_ENDPOINTS_WEB_EXPOSURE_INCLUDE", "*".to_owned()),
    ]
}

/// What orchestrators ask.
fn health(way: &Way, servers: [&Container; 2], tally: &mut Tally) {
    for server in servers {
        let status = http::get(server.port, "/actuator/health").and_then(|body| {
            let health: Value = serde_json::from_str(&body)?;
            Ok(health["status"].as_str().unwrap_or_default().to_owned())
        });
        tally.check(&format!("{}, health", way.name), &status, "UP");
    }
}

/// Counts a line for each request; answers with how many there were.
fn count(way: &Way, requests: &[String], said: &str, tally: &mut Tally) -> anyhow::Result<usize> {
    let mut compared = 0;
    for line in said.lines() {
        let line: Value = serde_json::from_str(line)?;
        let (Some(outcome), Some(number)) = (line["outcome"].as_str(), line["line"].as_u64())
        else {
            continue;
        };
        let index = usize::try_from(number)?.checked_sub(1);
        let request = index.and_then(|index| requests.get(index));
        let request = request.context("a line that is not on the list")?;
        compared += 1;
        let is_meant = outcome == "deliberate" && requests::is_nobodys(request);
        if is_meant {
            println!("{}, {request}: {}", way.name, line["reason"]);
        }
        let seen = if outcome == "identical" || is_meant {
            "identical".to_owned()
        } else {
            line.to_string()
        };
        let what = format!("{}, {request}", way.name);
        tally.check(&what, &Ok(seen), "identical");
    }
    Ok(compared)
}
