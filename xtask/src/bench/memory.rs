//! `cargo xtask bench memory`: what an application with the client needs, and what each further client costs.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    thread,
    time::{Duration, Instant},
};

use anyhow::ensure;

use super::{
    confbus, http, sample,
    server::{self, Running, free_port},
};
use crate::{
    rabbit::{Rabbit, server::find_or_install},
    shell::{debug_server, release_example},
};

const CONNECT_DEADLINE: Duration = Duration::from_secs(30);

/// After the last connection is there, for what is still on its way.
const SETTLE: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many clients there are besides the first in the second run.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    clients: u32,
    /// A build of the example to measure, instead of building it for release.
    #[arg(long)]
    program: Option<PathBuf>,
    /// How many events are published before the second reading: enough to touch every buffer from end to end.
    #[arg(long, default_value_t = 5000)]
    events: u32,
    /// Fails when one client takes more, in KiB, at either reading.
    #[arg(long, value_name = "KIB")]
    at_most: Option<u64>,
    /// Fails when a further client takes more, in KiB, at either reading.
    #[arg(long, value_name = "KIB")]
    each_at_most: Option<u64>,
}

/// Where the parts listen.
struct Ports {
    config: u16,
    broker: u16,
}

/// Resident memory in KiB.
struct Reading {
    connected: u64,
    after_events: u64,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    ensure!(
        cfg!(target_os = "linux"),
        "only Linux tells how much memory is resident"
    );
    let program = match &args.program {
        Some(built) => built.clone(),
        None => release_example("axum", "amqp,axum")?,
    };
    let folder = tempfile::Builder::new()
        .prefix("confbus-bench-")
        .tempdir()?;
    let repository = sample::repository(folder.path())?;
    let rabbit = Rabbit::start(&find_or_install()?)?;
    let config = confbus::start(&debug_server()?, &repository, folder.path())?;
    let ports = Ports {
        config: config.port,
        broker: rabbit.port(),
    };

    let alone = measure(&program, 0, args.events, &ports, folder.path())?;
    let many = measure(&program, args.clients, args.events, &ports, folder.path())?;
    let further = u64::from(args.clients);
    let each = Reading {
        connected: many.connected.saturating_sub(alone.connected) / further,
        after_events: many.after_events.saturating_sub(alone.after_events) / further,
    };
    println!("one client:           {alone}");
    println!("{further:3} clients more:     {many}");
    println!("each further client:  {each}");
    let fits = [(&alone, args.at_most), (&each, args.each_at_most)]
        .iter()
        .all(|(reading, at_most)| reading.is_at_most(at_most.unwrap_or(u64::MAX)));
    if fits {
        return Ok(ExitCode::SUCCESS);
    }
    println!("that is more than was allowed");
    Ok(ExitCode::FAILURE)
}

impl Reading {
    fn is_at_most(&self, kib: u64) -> bool {
        self.connected.max(self.after_events) <= kib
    }
}

fn measure(
    program: &Path,
    further: u32,
    events: u32,
    ports: &Ports,
    folder: &Path,
) -> anyhow::Result<Reading> {
    let application = start(program, further, ports, folder)?;
    let deadline = Instant::now() + CONNECT_DEADLINE;
    while connections(&application, ports.broker)? <= further {
        ensure!(
            Instant::now() < deadline,
            "not every client is connected to the broker after {} s",
            CONNECT_DEADLINE.as_secs()
        );
        thread::sleep(Duration::from_millis(50));
    }
    thread::sleep(SETTLE);
    let connected = application.resident_kib()?;
    for _ in 0..events {
        http::post(application.port, "/actuator/busrefresh")?;
    }
    thread::sleep(SETTLE);
    Ok(Reading {
        connected,
        after_events: application.resident_kib()?,
    })
}

fn start(program: &Path, further: u32, ports: &Ports, folder: &Path) -> anyhow::Result<Running> {
    let port = free_port()?;
    let log = folder.join("application.log");
    let output = File::create(&log)?;
    let mut command = Command::new(program);
    command
        .args(["--clients", &further.to_string()])
        .env("SPRING_APPLICATION_NAME", "orders")
        .env(
            "SPRING_CLOUD_CONFIG_URI",
            format!("http://127.0.0.1:{}", ports.config),
        )
        .env(
            "SPRING_RABBITMQ_ADDRESSES",
            format!("127.0.0.1:{}", ports.broker),
        )
        .env("SERVER_PORT", port.to_string())
        .stdout(output.try_clone()?)
        .stderr(output);
    server::start(command, port, "/actuator/health", &log)
}

/// How many connections a process has to this port, as the kernel lists them.
fn connections(application: &Running, port: u16) -> anyhow::Result<u32> {
    let sockets: Vec<_> = fs::read_dir(format!("/proc/{}/fd", application.id()))?
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .collect();
    let table = fs::read_to_string(format!("/proc/{}/net/tcp", application.id()))?;
    let is_ours = |line: &&str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [_, _, remote, "01", _, _, _, _, _, inode, ..] = fields[..] else {
            return false;
        };
        let socket = format!("socket:[{inode}]");
        remote.ends_with(&format!(":{port:04X}"))
            && sockets
                .iter()
                .any(|open| open.as_os_str() == socket.as_str())
    };
    Ok(u32::try_from(table.lines().filter(is_ours).count())?)
}

impl std::fmt::Display for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            connected,
            after_events,
        } = self;
        write!(
            f,
            "{connected:6} KiB connected, {after_events:6} KiB after the events"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_reading_counts() {
        let reading = Reading {
            connected: 7,
            after_events: 9,
        };
        assert!(reading.is_at_most(9) && !reading.is_at_most(8));
    }
}
