use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use tempfile::TempDir;

use super::super::{eventually::eventually, server::free_port};
use crate::shell::{self, KillOnDrop};

const HOW_TO_INSTALL: &str = "initdb is missing; type: sudo apt-get install postgresql";

/// With tables.
pub(super) struct Postgres {
    port: u16,
    programs: PathBuf,
    _process: KillOnDrop,
    _folder: TempDir,
}

const TABLES: &str = r#"
CREATE TABLE properties (application text, profile text, label text, "KEY" text, "VALUE" text);
INSERT INTO properties SELECT a, p, l, k, concat_ws('/', a, p, l, k) FROM
  (VALUES ('orders'), ('application'), ('billing'), ('applications'), ('application-x')) x(a),
  (VALUES (NULL), ('dev'), ('qa'), ('default')) y(p), (VALUES ('master'), ('v1'), ('v2')) z(l),
  (VALUES ('who'), ('n'), ('a.b[0]')) w(k);
INSERT INTO properties VALUES ('orders', 'dev', 'master', 'nothing', NULL), ('orders', 'dev', 'master', 'empty', ''),
  ('orders', 'dev', 'master', 'who', 'again');
CREATE TABLE typed (a varchar(20), p varchar(20), l varchar(20), k text, n numeric, t timestamp);
INSERT INTO typed VALUES ('orders', 'default', 'master', 'num', 1.50, '2026-01-01 10:00:00'),
  ('orders', NULL, 'master', 'time', 7, '2026-01-01 10:00:00.25');
"#;

impl Postgres {
    pub(super) fn start() -> anyhow::Result<Self> {
        let programs = programs().context(HOW_TO_INSTALL)?;
        let (port, folder) = (free_port()?, tempfile::tempdir()?);
        let is_root = shell::output(Command::new("id").arg("-u"))?.trim() == "0";
        // It does not run as root.
        let program = |name: &str| {
            let path = programs.join(name);
            if !is_root {
                return Command::new(path);
            }
            let mut command = Command::new("setpriv");
            command.args([
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
                "--",
            ]);
            command.arg(path);
            command
        };
        if is_root {
            shell::output(Command::new("chown").arg("postgres").arg(folder.path()))?;
        }
        let data = folder.path().join("data");
        let mut initdb = program("initdb");
        initdb.current_dir(folder.path()).arg("-D").arg(&data);
        shell::output(initdb.args(["--no-sync", "--username=confbus", "--auth=trust"]))?;
        let mut postgres = program("postgres");
        postgres.current_dir(folder.path()).arg("-D").arg(&data);
        postgres.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        postgres.args(["-c", "fsync=off", "-c", "unix_socket_directories="]);
        postgres.stdout(Stdio::null()).stderr(Stdio::null());
        let postgres = Self {
            port,
            programs,
            _process: KillOnDrop::spawn(&mut postgres)?,
            _folder: folder,
        };
        eventually("PostgreSQL", || postgres.run("SELECT 1"))?;
        postgres.run(TABLES)?;
        Ok(postgres)
    }

    pub(super) fn url(&self) -> String {
        format!("jdbc:postgresql://127.0.0.1:{}/postgres", self.port)
    }

    fn run(&self, sql: &str) -> anyhow::Result<()> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"]);
        psql.args([
            "-p",
            &self.port.to_string(),
            "-U",
            "confbus",
            "postgres",
            "-c",
            sql,
        ]);
        shell::output(&mut psql).map(drop)
    }
}

/// The newest that Debian put there, or those on the path.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let folders = versions.flatten().map(|version| version.path().join("bin"));
    let installed = folders
        .filter(|folder| folder.join("initdb").exists())
        .max();
    let on_path = || {
        let initdb = shell::find_program("initdb")?;
        initdb.parent().map(Path::to_owned)
    };
    installed.or_else(on_path)
}
