//! `cargo xtask timing`: what the time of a check tells about a secret, measured on the code as it is shipped.

use std::process::ExitCode;

use crate::shell::{self, cargo};

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let test = "webhook::signature::timing";
    let mut command = cargo(["test", "--release", "--package", "confbus", "--lib", test]);
    shell::run(command.args(["--", "--ignored", "--nocapture"]))?;
    Ok(ExitCode::SUCCESS)
}
