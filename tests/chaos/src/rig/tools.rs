//! What a rig is made of, and how much of it.

use std::path::PathBuf;

/// What a rig is made of.
#[derive(Debug, Clone)]
pub struct Tools {
    /// The built server.
    pub server: PathBuf,
    /// What it calls itself, and how it was built.
    pub build: String,
    /// The program that keeps a RabbitMQ.
    pub keeper: PathBuf,
    /// The `rabbitmq-server` it keeps.
    pub rabbit: PathBuf,
    /// Where the Git remote listens.
    pub git_port: u16,
    /// The folder whose repositories it serves.
    pub repositories: PathBuf,
    /// A bare repository of thousands of files that nobody may change.
    pub large: PathBuf,
    /// For clones and logs, which outlive a run.
    pub folder: PathBuf,
}

/// How much of everything.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Servers.
    pub servers: usize,
    /// Clients.
    pub clients: usize,
    /// Reads per second and server.
    pub reads: u32,
}

impl Default for Size {
    fn default() -> Self {
        Self {
            servers: 2,
            clients: 12,
            reads: 100,
        }
    }
}

/// What runs when a run begins.
#[derive(Debug, Clone, Copy)]
pub enum Start {
    /// A remote with one commit and a broker.
    Bare,
    /// The same with servers, clients and readers, all at the first commit.
    Running(Size),
    /// The same on a remote of thousands of files.
    Large(Size),
}
