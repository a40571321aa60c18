//! The configuration of the applications, and what its newest commit says.

use std::path::{Path, PathBuf};

use crate::interop::repository::Repository;

/// Each commit has a number, which is the value of every key in the files that it writes.
pub(in crate::interop) struct Configuration {
    repository: Repository,
    commit: String,
    number: i64,
    customers: i64,
    orders: i64,
}

impl Configuration {
    /// Files for all applications and profiles.
    pub(in crate::interop) fn create(folder: PathBuf) -> anyhow::Result<Self> {
        let repository = Repository::create(folder)?;
        let commit = repository.commit(&[
            ("application.yml", "shared: 0\n"),
            ("customers-dev.yml", "origin: dev\n"),
            ("orders-cloud.yml", "origin: cloud\n"),
        ])?;
        let mut configuration = Self {
            repository,
            commit,
            number: 0,
            customers: 0,
            orders: 0,
        };
        configuration.change(&["customers", "orders"])?;
        Ok(configuration)
    }

    pub(in crate::interop) fn path(&self) -> &Path {
        self.repository.path()
    }

    /// The newest commit.
    pub(in crate::interop) fn commit(&self) -> &str {
        &self.commit
    }

    /// What the newest commit says to an application.
    pub(in crate::interop) fn value(&self, application: &str) -> i64 {
        if application == "orders" {
            self.orders
        } else {
            self.customers
        }
    }

    /// Commits new values into these files. Nobody is told.
    pub(in crate::interop) fn change(&mut self, names: &[&str]) -> anyhow::Result<()> {
        self.number += 1;
        let number = self.number;
        let mut files = Vec::new();
        for &name in names {
            let mut text = format!("greeting: '{number}'\nlimits:\n  max-open: {number}\n");
            match name {
                "customers" => self.customers = number,
                "orders" => self.orders = number,
                _ => text = format!("shared: {number}\n"),
            }
            files.push((format!("{name}.yml"), text));
        }
        let files: Vec<_> = files
            .iter()
            .map(|(file, text)| (file.as_str(), text.as_str()))
            .collect();
        self.commit = self.repository.commit(&files)?;
        Ok(())
    }

    /// Commits a text that an application may not be able to use. Nobody is told.
    pub(in crate::interop) fn write(&mut self, file: &str, text: &str) -> anyhow::Result<()> {
        self.commit = self.repository.commit(&[(file, text)])?;
        Ok(())
    }
}
