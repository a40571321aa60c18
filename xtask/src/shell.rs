//! Starting other programs.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{env, io, thread};

use anyhow::{Context as _, ensure};

/// The workspace's root, where cargo and the others are started.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies inside the workspace")
}

/// The cargo that runs us, with its first arguments.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Builds the server as it is shipped, and says where it lies.
pub(crate) fn release_server() -> anyhow::Result<PathBuf> {
    run(&mut cargo([
        "build",
        "--release",
        "--package",
        "confbus",
        "--bin",
        "confbus",
    ]))?;

    Ok(target_folder()?.join("release/confbus"))
}

/// Builds the server as tests do, and says where it lies.
pub(crate) fn debug_server() -> anyhow::Result<PathBuf> {
    run(&mut cargo([
        "build",
        "--package",
        "confbus",
        "--bin",
        "confbus",
    ]))?;
    built_server()
}

/// The same with features that are not on by default.
pub(crate) fn debug_server_with(features: &str) -> anyhow::Result<PathBuf> {
    let mut build = cargo(["build", "--package", "confbus", "--bin", "confbus"]);
    run(build.args(["--features", features]))?;
    built_server()
}

/// Builds an example of the client as tests do, and says where it lies.
pub(crate) fn debug_example(name: &str, features: &str) -> anyhow::Result<PathBuf> {
    let mut build = cargo(["build", "--package", "confbus-client"]);
    run(build.args(["--features", features, "--example", name]))?;
    Ok(target_folder()?.join("debug/examples").join(name))
}

/// Where the server lies that was built last, by [`debug_server`] or for the tests.
pub(crate) fn built_server() -> anyhow::Result<PathBuf> {
    Ok(target_folder()?.join("debug/confbus"))
}

/// Builds an example of the client as users would, and says where it lies.
pub(crate) fn release_example(name: &str, features: &str) -> anyhow::Result<PathBuf> {
    let mut build = cargo(["build", "--release", "--package", "confbus-client"]);
    run(build.args(["--features", features, "--example", name]))?;
    Ok(target_folder()?.join("release/examples").join(name))
}

/// Where cargo builds: `cargo run` has put this program into `target/debug`, wherever `target` is.
pub(crate) fn target_folder() -> anyhow::Result<PathBuf> {
    let this = env::current_exe().context("cannot tell where this program lies")?;
    let target = this
        .ancestors()
        .nth(2)
        .context("this program was not started by cargo")?;
    Ok(target.to_owned())
}

/// Prints the command, runs it, and expects success.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = status(command)?;
    ensure!(status.success(), "`{}` failed: {status}", line(command));
    Ok(())
}

/// Prints the command, runs it, and tells how it ended.
pub(crate) fn status(command: &mut Command) -> anyhow::Result<ExitStatus> {
    announce(command);
    command.status().with_context(|| cannot_run(command))
}

/// Shows the command as one would type it.
pub(crate) fn announce(command: &Command) {
    eprintln!("$ {}", line(command));
}

/// What the command wrote to standard output; an error when it failed.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| cannot_run(command))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "`{}` failed: {}\n{}",
        line(command),
        output.status,
        complaint.trim()
    );
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` did not write text", line(command)))
}

/// The same for little output and with a time limit, after which the command is killed.
pub(crate) fn output_within(limit: Duration, command: &mut Command) -> anyhow::Result<String> {
    command.stdout(Stdio::piped());
    let mut child = KillOnDrop::spawn(command)?;
    let until = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.ended()? {
            break status;
        }
        ensure!(
            Instant::now() < until,
            "`{}` takes longer than {} s",
            line(command),
            limit.as_secs()
        );
        thread::sleep(Duration::from_millis(10));
    };
    ensure!(status.success(), "`{}` failed: {status}", line(command));
    let stdout = child.0.stdout.take().context("no output")?;
    Ok(io::read_to_string(stdout)?)
}

/// The first file of that name in the folders of `PATH`.
pub(crate) fn find_program(name: impl AsRef<Path>) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(&name))
        .find(|candidate| candidate.is_file())
}

/// A port of loopback that nobody listens on.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

/// A child process that does not outlive its owner.
pub(crate) struct KillOnDrop(pub(crate) Child);

impl KillOnDrop {
    /// Starts the command.
    pub(crate) fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        Ok(Self(command.spawn().with_context(|| cannot_run(command))?))
    }

    /// Whether the child has ended by itself, and how.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // Fails only for a child that has ended already.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn cannot_run(command: &Command) -> String {
    format!("cannot run `{}`", line(command))
}

/// The command as one would type it.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let words: Vec<_> = [program]
        .into_iter()
        .chain(command.get_args())
        .map(quoted)
        .collect();
    words.join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    if word.is_empty() || word.contains([' ', '\n', '\'']) {
        format!("{word:?}")
    } else {
        word.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_hangs_is_given_up() {
        let mut hangs = Command::new("sleep");
        let error = output_within(Duration::ZERO, hangs.arg("60")).unwrap_err();
        assert!(error.to_string().contains("`sleep 60`"), "{error}");
        let mut says = Command::new("echo");
        let said = output_within(Duration::from_secs(60), says.arg("1"));
        assert_eq!(said.unwrap(), "1\n");
    }
}
