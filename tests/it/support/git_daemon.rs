use std::{
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

use super::{ConfigRepo, eventually};

/// Git's own server for a repository; it can go away and come back.
pub(crate) struct GitDaemon {
    folder: std::path::PathBuf,
    port: u16,
    child: Option<Child>,
}

impl GitDaemon {
    pub(crate) fn serve(repo: &ConfigRepo) -> Self {
        // Somebody else may take the port between our look and Git's.
        (0..10)
            .find_map(|_| Self::try_serve(repo))
            .expect("a port for git daemon")
    }

    fn try_serve(repo: &ConfigRepo) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut daemon = Self {
            folder: repo.parent().to_path_buf(),
            port,
            child: None,
        };
        daemon.start();
        let is_ours = daemon.child.as_mut().unwrap().try_wait().unwrap().is_none();
        is_ours.then_some(daemon)
    }

    pub(crate) fn url(&self) -> String {
        format!("git://127.0.0.1:{}/config.git", self.port)
    }

    pub(crate) fn start(&mut self) {
        self.child = Some(spawn(&self.folder, self.port));
        eventually("git daemon", || {
            TcpStream::connect(("127.0.0.1", self.port)).map_err(|error| error.to_string())
        });
    }

    pub(crate) fn stop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        // `git` starts the daemon as a child of its own in a group that we made.
        _ = Command::new("kill")
            .args(["-s", "KILL", "--", &format!("-{}", child.id())])
            .status();
        _ = child.wait();
        eventually("the end of git daemon", || {
            match TcpStream::connect(("127.0.0.1", self.port)) {
                Ok(_) => Err("it still listens".to_owned()),
                Err(_) => Ok(()),
            }
        });
    }
}

impl Drop for GitDaemon {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(folder: &Path, port: u16) -> Child {
    use std::os::unix::process::CommandExt as _;
    Command::new("git")
        .args([
            "daemon",
            "--listen=127.0.0.1",
            "--reuseaddr",
            "--export-all",
        ])
        .arg(format!("--port={port}"))
        .arg(format!("--base-path={}", folder.display()))
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("git with its daemon")
}
