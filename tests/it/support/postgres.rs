use std::{
    fs::{self, Permissions},
    io::Write as _,
    net::TcpListener,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{Authority, eventually, skipped_without};

/// A real PostgreSQL, whose data outlives its end.
pub(crate) struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    /// It does not run as root.
    user: Option<(u32, u32)>,
    port: u16,
    has_tls: bool,
    child: Option<Child>,
}

/// What it wants to hear of its user `confbus`.
pub(crate) const PASSWORD: &str = "open sesame: postgres";

impl Postgres {
    /// With an empty table of properties. `None`, and said aloud, where there is no server.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            skipped_without("initdb", "postgresql");
            return None;
        };
        let user = somebody();
        let folder = tempfile::tempdir().unwrap();
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut server = Self {
            programs,
            folder,
            user,
            port: listener.local_addr().unwrap().port(),
            has_tls: false,
            child: None,
        };
        drop(listener);
        server.initialize();
        server.go_on();
        server.run(
            "CREATE TABLE properties (application text, profile text, label text, \"KEY\" text, \"VALUE\" text, \
             UNIQUE NULLS NOT DISTINCT (application, profile, label, \"KEY\"))",
        );
        Some(server)
    }

    /// Starts it anew, so that it offers TLS as well.
    pub(crate) fn offer_tls(&mut self, authority: &Authority) {
        self.stop();
        for name in ["server.pem", "server.key"] {
            self.put(name, &fs::read(authority.path(name)).unwrap());
        }
        self.has_tls = true;
        self.go_on();
    }

    /// A file that nobody else reads.
    fn put(&self, name: &str, content: &[u8]) -> PathBuf {
        let file = self.folder.path().join(name);
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        if let Some((uid, gid)) = self.user {
            chown(&file, Some(uid), Some(gid)).unwrap();
        }
        file
    }

    fn initialize(&self) {
        let word = self.put("word", PASSWORD.as_bytes());
        let mut initdb = self.program("initdb");
        initdb.arg("--pgdata").arg(self.data());
        initdb.args(["--no-sync", "--username=confbus", "--auth=scram-sha-256"]);
        initdb.arg(format!("--pwfile={}", word.display()));
        let output = initdb.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    pub(crate) fn url(&self) -> String {
        format!("jdbc:postgresql://127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it, with what it had.
    pub(crate) fn go_on(&mut self) {
        let mut postgres = self.program("postgres");
        postgres.arg("-D").arg(self.data());
        postgres.args(["-p", &self.port.to_string(), "-h", "127.0.0.1"]);
        postgres.args(["-c", "fsync=off", "-c", "unix_socket_directories="]);
        if self.has_tls {
            let file = |name| self.folder.path().join(name).display().to_string();
            let [certificate, key] = ["server.pem", "server.key"].map(file);
            postgres.args([
                "-c",
                "ssl=on",
                "-c",
                &format!("ssl_cert_file={certificate}"),
            ]);
            postgres.args(["-c", &format!("ssl_key_file={key}")]);
        }
        self.child = Some(postgres.spawn().unwrap());
        eventually("PostgreSQL", || self.try_run("SELECT 1"));
    }

    pub(crate) fn stop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        // At once: nobody is waited for.
        let id = child.id().to_string();
        _ = Command::new("kill").args(["-s", "QUIT", &id]).status();
        _ = child.wait();
    }

    /// Has it carry out a statement.
    pub(crate) fn run(&self, sql: &str) -> String {
        self.try_run(sql).unwrap()
    }

    fn try_run(&self, sql: &str) -> Result<String, String> {
        let mut psql = self.program("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
        psql.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        psql.args(["-U", "confbus", "-d", "postgres", "-f", "-"]);
        psql.env("PGPASSWORD", PASSWORD).stdin(Stdio::piped());
        psql.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = psql.spawn().unwrap();
        let mut input = running.stdin.take().unwrap();
        // Who cannot log in reads nothing.
        _ = input.write_all(sql.as_bytes());
        drop(input);
        let output = running.wait_with_output().unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The newest that Debian put there.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let programs = versions.map(|version| version.path().join("bin"));
    programs
        .filter(|folder| folder.join("initdb").exists() && folder.join("psql").exists())
        .max()
}

/// Whom root becomes for it: the user of its package.
fn somebody() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    let ours = fs::metadata("/proc/self").ok()?;
    if ours.uid() != 0 {
        return None;
    }
    let users = fs::read_to_string(Path::new("/etc/passwd")).ok()?;
    let line = users.lines().find(|line| line.starts_with("postgres:"))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}
