use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{ConfigRepo, eventually, skipped_without};

/// OpenSSH's own server for a repository, for whoever has its client key.
pub(crate) struct Sshd {
    folder: TempDir,
    repository: PathBuf,
    user: String,
    port: u16,
    child: Child,
}

impl Sshd {
    /// With a host key of each of these kinds: `ed25519`, `ecdsa`, `rsa`. `None`, and said aloud, where there is no server.
    pub(crate) fn serve(repo: &ConfigRepo, kinds: &[&str]) -> Option<Self> {
        let Some(program) = program() else {
            skipped_without("sshd", "openssh-server");
            return None;
        };
        let Some(user) = user_with_shell() else {
            eprintln!("skipped: sshd lets nobody in who has no shell");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        for kind in kinds {
            make_key(kind, &folder.path().join(kind));
        }
        make_key("ed25519", &folder.path().join("client"));
        // Somebody else may take the port between our look and its.
        let started = (0..10).find_map(|_| start(&program, folder.path(), kinds));
        let (port, child) = started.expect("a port for sshd");
        Some(Self {
            folder,
            repository: repo.path(),
            user,
            port,
            child,
        })
    }

    pub(crate) fn url(&self) -> String {
        let (user, port) = (&self.user, self.port);
        format!("ssh://{user}@127.0.0.1:{port}{}", self.repository.display())
    }

    /// The key that it lets in.
    pub(crate) fn client_key(&self) -> String {
        fs::read_to_string(self.folder.path().join("client")).unwrap()
    }

    /// Algorithm and key of a kind, as they stand in `known_hosts`.
    pub(crate) fn host_key(&self, kind: &str) -> (String, String) {
        public_key(&self.folder.path().join(kind))
    }

    /// `SHA256:…` of a kind, as `ssh-keygen` tells it.
    pub(crate) fn fingerprint(&self, kind: &str) -> String {
        let output = Command::new("ssh-keygen")
            .args(["-l", "-f"])
            .arg(self.folder.path().join(kind))
            .output()
            .unwrap();
        let line = String::from_utf8(output.stdout).unwrap();
        line.split(' ').nth(1).unwrap().to_owned()
    }

    /// A file that knows this server by the key of a kind.
    pub(crate) fn known_hosts(&self, kind: &str) -> PathBuf {
        let (algorithm, key) = self.host_key(kind);
        let file = self.folder.path().join("known_hosts");
        let line = format!("[127.0.0.1]:{} {algorithm} {key}\n", self.port);
        fs::write(&file, line).unwrap();
        file
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Another key, of somebody else: algorithm and key.
pub(crate) fn foreign_key(kind: &str) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    make_key(kind, &folder.path().join("key"));
    public_key(&folder.path().join("key"))
}

fn public_key(file: &Path) -> (String, String) {
    let line = fs::read_to_string(file.with_extension("pub")).unwrap();
    let mut words = line.split_whitespace().map(str::to_owned);
    (words.next().unwrap(), words.next().unwrap())
}

fn make_key(kind: &str, file: &Path) {
    let status = Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-C", "test", "-t", kind, "-f"])
        .arg(file)
        .status()
        .expect("ssh-keygen, which comes with sshd");
    assert!(status.success());
}

fn start(program: &Path, folder: &Path, kinds: &[&str]) -> Option<(u16, Child)> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let at = |name: &str| folder.join(name).display().to_string();
    let mut lines = vec![
        format!("ListenAddress 127.0.0.1:{port}"),
        format!("AuthorizedKeysFile {}", at("client.pub")),
        "PidFile none".to_owned(),
        "StrictModes no".to_owned(),
        "PasswordAuthentication no".to_owned(),
        "MaxStartups 100".to_owned(),
    ];
    lines.extend(kinds.iter().map(|kind| format!("HostKey {}", at(kind))));
    fs::write(folder.join("sshd_config"), lines.join("\n") + "\n").unwrap();
    // Where root's sshd locks itself in; the service would have made it.
    _ = fs::create_dir_all("/run/sshd");
    let mut child = Command::new(program)
        .args(["-D", "-e", "-f"])
        .arg(folder.join("sshd_config"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let listens = eventually("sshd", || match child.try_wait().unwrap() {
        Some(_) => Ok(false),
        None => TcpStream::connect(("127.0.0.1", port))
            .map(|_| true)
            .map_err(|error| error.to_string()),
    });
    listens.then_some((port, child))
}

/// It insists on being called by its whole path, which is in nobody's `PATH` but root's.
fn program() -> Option<PathBuf> {
    let folders = ["/usr/sbin", "/usr/local/sbin", "/sbin"];
    let files = folders.map(|folder| Path::new(folder).join("sshd"));
    files.into_iter().find(|file| file.is_file())
}

/// We, if we may log in.
fn user_with_shell() -> Option<String> {
    let output = Command::new("id").arg("-un").output().ok()?;
    let user = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let line = users
        .lines()
        .find(|line| line.split_once(':').is_some_and(|(name, _)| name == user))?;
    let is_closed = line.ends_with("nologin") || line.ends_with("false");
    (!is_closed).then_some(user)
}
