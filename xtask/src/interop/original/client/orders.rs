//! The client's example `orders`, started as a container would be.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::interop::original::container::{Environment, in_container};
use crate::interop::printer::Printer;
use crate::shell::output;

/// A running one.
pub(super) struct Orders {
    printer: Printer,
}

/// How one is started.
pub(super) struct Start<'a> {
    pub(super) program: &'a Path,
    pub(super) server: u16,
    /// Tells its logs and last good files apart.
    pub(super) name: &'static str,
    pub(super) folder: &'a Path,
    pub(super) more: Environment,
}

impl Start<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        in_container(&mut command, self.folder);
        command
            .env("SPRING_APPLICATION_NAME", "orders")
            .env("SPRING_PROFILES_ACTIVE", "dev")
            .env(
                "SPRING_CLOUD_CONFIG_URI",
                format!("http://127.0.0.1:{}", self.server),
            )
            .envs(self.more.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// Starts it and waits until it takes orders.
    pub(super) fn run(&self) -> anyhow::Result<Orders> {
        let printer = Printer::start(
            &mut self.command(),
            self.folder,
            self.name,
            "open orders in",
        )?;
        Ok(Orders { printer })
    }

    /// Starts it and expects it to fail; answers with what it said.
    pub(super) fn fails(&self) -> anyhow::Result<String> {
        match output(&mut self.command()) {
            Ok(said) => anyhow::bail!("it ran, and said {said}"),
            Err(error) => Ok(error.to_string()),
        }
    }

    /// Where its last good file lies, which has to be there.
    pub(super) fn last_good(&self) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join(format!("{}-last-good", self.name));
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

impl Orders {
    /// Waits for a line with all these texts.
    pub(super) fn says(&self, texts: &[&str]) -> anyhow::Result<()> {
        self.printer.says(texts)
    }

    /// Waits until it has taken one more order, under a limit.
    pub(super) fn takes_at_most(&self, max_open: u32) -> anyhow::Result<()> {
        let said = self.printer.all()?.len();
        let line = format!("at most {max_open} open orders");
        self.printer.says_after(said, &[&line])
    }

    /// Everything that it has said so far.
    pub(super) fn all(&self) -> anyhow::Result<String> {
        self.printer.all()
    }
}
