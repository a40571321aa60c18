use std::fs;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use tempfile::TempDir;

use super::super::{eventually::eventually, server::free_port};
use crate::golang;
use crate::shell::{self, KillOnDrop};

const NAME: &str = "config";
const ID: &str = "confbus";
const SECRET: &str = "of-this-run-alone";

/// Both servers look there for who asks.
pub(super) const CREDENTIALS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", ID), ("AWS_SECRET_ACCESS_KEY", SECRET)];

/// A store with a bucket, and files in it.
pub(super) struct Bucket {
    port: u16,
    _process: KillOnDrop,
    _folder: TempDir,
}

const FILES: [(&str, &str); 20] = [
    (
        "orders.properties",
        "who=orders\nn=5\na.b[0]=x\numl=\u{fc}\\u00fc\nempty=\nlong=a\\\n  b\n#---\nn=6\n",
    ),
    (
        "orders-dev.yml",
        "who: dev\nz: 1\ny: [1, two, 3.5]\nb: yes\nnothing:\nlist: []\nmap: {}\n---\n\
         spring.config.activate.on-profile: dev\nwho: dev of dev\n---\n\
         spring.config.activate.on-profile: qa\nwho: nobody\n",
    ),
    (
        "orders-qa.json",
        "{\"who\": \"qa\", \"n\": {\"m\": [1, true, null]}}",
    ),
    ("orders-default.yaml", "who: default\n"),
    ("orders/application.yml", "who: folder\n"),
    ("orders/application-dev.json", "{\"who\": \"folder-dev\"}"),
    (
        "application.yml",
        "s: 1\nwho: all\n---\nspring.config.activate.onProfile: qa\ns: qa\n---\n\
         spring.config.activate.on-profile: dev | qa\ns: nobody\n---\n\
         spring:\n  config:\n    activate:\n      on-profile: dev\n",
    ),
    ("application-dev.properties", "s=dev\n"),
    ("application/application-qa.yml", "s: folder-qa\n"),
    // The first kind that is there counts.
    ("billing.json", "{\"kind\": \"json\"}"),
    ("billing.yml", "kind: yml\n"),
    ("billing-dev.yml", ""),
    ("billing-qa.properties", "# nothing\n"),
    ("a-dev.yml", "who: a\n7: seven\n"),
    ("a/b-dev.yml", "who: below a\n"),
    ("master/orders.yml", "who: master\n"),
    ("v1/orders.yml", "who: v1\n---\nwho: v1, again\nmore: 1\n"),
    ("v1/application-dev.yml", "s: v1\n"),
    ("v1/x/orders-dev.yaml", "who: below v1\n"),
    ("v2/orders-dev.json", "{\"who\": \"v2\"}"),
];

impl Bucket {
    /// # Errors
    /// [`Unavailable`](crate::interop::Unavailable) where there is no program for it; another when that does not start.
    pub(super) fn start() -> anyhow::Result<Self> {
        let program = golang::versitygw()?;
        let (port, folder) = (free_port()?, tempfile::tempdir()?);
        let [files, attributes] = ["files", "attributes"].map(|name| folder.path().join(name));
        fs::create_dir_all(files.join(NAME))?;
        fs::create_dir(&attributes)?;
        let mut command = Command::new(program);
        command
            .args(["--access", ID, "--secret", SECRET])
            .args(["--port", &format!("127.0.0.1:{port}")])
            // Beside the files, since not every file system has attributes.
            .args(["posix", "--sidecar"])
            .args([attributes, files])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let bucket = Self {
            port,
            _process: KillOnDrop::spawn(&mut command)?,
            _folder: folder,
        };
        eventually("versitygw", || bucket.put("ready", ""))?;
        for (key, content) in FILES {
            bucket.put(key, content).context(key)?;
        }
        Ok(bucket)
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn put(&self, key: &str, content: &str) -> anyhow::Result<()> {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", "--request", "PUT"])
            .args(["--aws-sigv4", "aws:amz:us-east-1:s3"])
            .args(["--user", &format!("{ID}:{SECRET}")])
            .args(["--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD"])
            .args(["--header", "content-type: text/plain"])
            .args(["--data-binary", content])
            .arg(format!("{}/{NAME}/{key}", self.endpoint()));
        shell::output(&mut curl).map(drop)
    }
}
