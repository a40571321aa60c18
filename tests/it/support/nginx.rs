use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{eventually, skipped_without};

/// A real nginx in front of a server.
pub(crate) struct Nginx {
    port: u16,
    child: Child,
    _folder: TempDir,
}

impl Nginx {
    /// With these lines in its `server`. `None`, and said aloud, where there is no nginx.
    pub(crate) fn with(lines: &str) -> Option<Self> {
        let Some(program) = program() else {
            skipped_without("nginx", "nginx-light");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        // Where nginx is started by root, its worker is somebody else.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        // Somebody else may take the port between our look and its.
        let started = (0..10).find_map(|_| start(&program, folder.path(), lines));
        let (port, child) = started.expect("a port for nginx");
        Some(Self {
            port,
            child,
            _folder: folder,
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn start(program: &Path, folder: &Path, lines: &str) -> Option<(u16, Child)> {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {}/{name};", folder.display()))
        .join(" ");
    let text = format!(
        "daemon off; master_process off; pid {0}/pid; error_log stderr;\nevents {{}}\n\
        http {{ access_log off; {temporary}\nserver {{ listen 127.0.0.1:{port};\n{lines}\n}} }}\n",
        folder.display()
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, text).unwrap();
    let mut command = Command::new(program);
    command.arg("-p").arg(folder).arg("-c").arg(file);
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let listens = eventually("nginx", || match child.try_wait().unwrap() {
        Some(_) => Ok(false),
        None => TcpStream::connect(("127.0.0.1", port))
            .map(|_| true)
            .map_err(|error| error.to_string()),
    });
    listens.then_some((port, child))
}

fn program() -> Option<PathBuf> {
    let paths = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&paths).chain([PathBuf::from("/usr/sbin")]);
    let mut files = folders.map(|folder| folder.join("nginx"));
    files.find(|file| file.is_file())
}
