use std::{
    env, fs,
    io::Write as _,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{Authority, eventually, skipped_without, skipped_without_typing};

/// A real store that speaks S3 and checks who asks, with one bucket; what is in it outlives its end.
pub(crate) struct BucketServer {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    more: Vec<String>,
    child: Option<Child>,
}

impl BucketServer {
    /// The bucket, and who may.
    pub(crate) const BUCKET: &str = "config";
    pub(crate) const ID: &str = "confbus";
    pub(crate) const SECRET: &str = "open sesame: s3";

    /// `None`, and said aloud, where there is no server, or nobody to put files there.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// The same, which speaks TLS.
    pub(crate) fn with_tls(authority: &Authority) -> Option<Self> {
        let file = |name: &str| authority.path(name).display().to_string();
        Self::start_with(&["--cert", &file("server.pem"), "--key", &file("server.key")])
    }

    fn start_with(more: &[&str]) -> Option<Self> {
        let Some(program) = program() else {
            // Which has Go build the one that is known to do.
            skipped_without_typing("versitygw", "cargo xtask test");
            return None;
        };
        if Command::new("curl").arg("--version").output().is_err() {
            skipped_without("curl", "curl");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("files").join(Self::BUCKET)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut server = Self {
            program,
            folder,
            port: listener.local_addr().unwrap().port(),
            more: more.iter().map(|text| (*text).to_owned()).collect(),
            child: None,
        };
        drop(listener);
        server.go_on();
        Some(server)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Starts it, with what it had.
    pub(crate) fn go_on(&mut self) {
        let path = |name: &str| {
            let path = self.folder.path().join(name);
            fs::create_dir_all(&path).unwrap();
            path
        };
        let child = Command::new(&self.program)
            .args(["--access", Self::ID, "--secret", Self::SECRET, "--keep-alive"])
            .args(["--port", &format!("127.0.0.1:{}", self.port)])
            .args(&self.more)
            // Beside the files, since not every file system has attributes.
            .args(["posix", "--sidecar"])
            .arg(path("attributes"))
            .arg(path("files"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.unwrap());
        eventually("versitygw", || self.try_put("ready", ""));
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            _ = child.kill();
            _ = child.wait();
        }
    }

    /// Puts a file into the bucket, in place of the one before.
    pub(crate) fn put(&self, key: &str, content: &str) {
        self.try_put(key, content).unwrap();
    }

    fn try_put(&self, key: &str, content: &str) -> Result<(), String> {
        let scheme = if self.more.is_empty() {
            "http"
        } else {
            "https"
        };
        let (port, bucket) = (self.port, Self::BUCKET);
        let mut curl = Command::new("curl")
            .args(["--silent", "--show-error", "--fail", "--insecure"])
            .args(["--aws-sigv4", "aws:amz:us-east-1:s3"])
            .args(["--user", &format!("{}:{}", Self::ID, Self::SECRET)])
            .args(["--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD"])
            // From a pipe it would send chunks, which S3 does not take.
            .args(["--request", "PUT", "--data-binary", "@-"])
            .args(["--header", "content-type: text/plain"])
            .arg(format!("{scheme}://127.0.0.1:{port}/{bucket}/{key}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may be gone before it has read anything.
        _ = curl.stdin.take().unwrap().write_all(content.as_bytes());
        let ended = curl.wait_with_output().unwrap();
        let told = || String::from_utf8_lossy(&ended.stderr).into_owned();
        ended.status.success().then_some(()).ok_or_else(told)
    }
}

impl Drop for BucketServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The one that is named, or one on the path or where Go puts what it installs.
fn program() -> Option<PathBuf> {
    let named = env::var_os("CONFBUS_TEST_VERSITYGW");
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        return Some(named.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let folders = env::split_paths(&path).chain([home.join("go/bin")]);
    let mut programs = folders.map(|folder| folder.join("versitygw"));
    programs.find(|program| program.is_file())
}
