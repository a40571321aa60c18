//! What a handshake costs a server, by OpenSSL's own client.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::bench::confbus::Confbus;
use crate::bench::machine::family_of;
use crate::bench::sample;
use crate::bench::server::{Cores, end, free_port};
use crate::bench::thread_times::ThreadTimes;
use crate::bench::workload::Context;
use crate::shell::{KillOnDrop, output};

const READY: Duration = Duration::from_secs(30);

/// Milliseconds of the server's CPU time for a connection with TLS 1.3 and a certificate on P-256.
pub(super) fn measure(context: &Context) -> anyhow::Result<f64> {
    let folder = context.folder()?;
    let settings = certificate(folder.path())?;
    let repository = sample::repository(folder.path())?;
    let port = free_port()?;
    let confbus = Confbus {
        program: context.server()?,
        uri: &format!("file://{}", repository.display()),
        folder: folder.path(),
        cores: Cores::Free,
        ready: "",
        settings: &settings,
    };
    let server = KillOnDrop::spawn(&mut confbus.command(port)?)?;
    let until = Instant::now() + READY;
    // It listens last.
    while shakes(port, 1).is_err() {
        ensure!(
            Instant::now() < until,
            "no handshake is answered\n{}",
            end(&confbus.log())
        );
        thread::sleep(Duration::from_millis(50));
    }
    let processes = family_of(server.0.id())?;
    let before = ThreadTimes::of(&processes)?;
    let count = shakes(port, 3)?;
    let spent = ThreadTimes::of(&processes)?.since(&before);
    Ok(spent / f64::from(count))
}

/// A certificate with its key, and the settings that name them.
fn certificate(folder: &Path) -> anyhow::Result<Vec<String>> {
    let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]);
    openssl.args(["-pkeyopt", "ec_paramgen_curve:P-256"]);
    openssl
        .args(["-subj", "/CN=localhost", "-keyout"])
        .arg(&key);
    output(openssl.arg("-out").arg(&certificate))?;
    Ok(vec![
        "--spring.cloud.bus.enabled=false".to_owned(),
        format!("--server.ssl.certificate={}", certificate.display()),
        format!("--server.ssl.certificate-private-key={}", key.display()),
    ])
}

/// How many handshakes somebody gets through in so many seconds, one after the other.
fn shakes(port: u16, seconds: u32) -> anyhow::Result<u32> {
    let mut openssl = Command::new("openssl");
    openssl.args(["s_time", "-new", "-tls1_3", "-connect"]);
    openssl.arg(format!("127.0.0.1:{port}"));
    let said = output(openssl.args(["-time", &seconds.to_string()]))?;
    let count = said.lines().find_map(|line| {
        let (count, _) = line.split_once(" connections in ")?;
        count.trim().parse().ok()
    });
    count
        .filter(|count| *count > 0)
        .context("nobody answered a handshake")
}
