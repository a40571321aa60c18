//! What `strace` saw of many programs: what servers and clients started, and where they wrote.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

/// Ours, by its name.
const PROGRAM: &str = "confbus";

/// What is asked for.
pub(super) const CALLS: &str = "trace=clone,clone3,fork,vfork,execve,execveat,open,openat,creat,mkdir,mkdirat,mknod,\
    mknodat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,truncate,chmod,fchmodat,chown,\
    fchownat";

/// What servers and clients did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    /// How many servers there were.
    pub(super) servers: usize,
    /// How often they wrote where they may.
    pub(super) fine: usize,
    /// How many times `confbus watch` ran.
    pub(super) clients: usize,
    /// How often these wrote to the folder that is open: it is what they are for.
    pub(super) delivered: usize,
    /// The programs that they were told to start, and how often.
    pub(super) told: BTreeMap<String, usize>,
    /// How servers and clients wrote elsewhere.
    pub(super) written: BTreeSet<String>,
    /// How they started programs, but for workers and what they were told.
    pub(super) started: BTreeSet<String>,
}

/// Goes over what was seen, line by line.
pub(super) struct Reader<'t> {
    findings: Findings,
    /// The only folder that may be written.
    open: &'t str,
    /// Of threads and processes, by number; nothing for those that are not ours.
    owners: HashMap<&'t str, Option<Rc<Ours<'t>>>>,
    /// What children did before it was seen whose they are.
    early: HashMap<&'t str, Vec<&'t str>>,
}

struct Ours<'t> {
    /// Where it may write.
    base: &'t str,
    role: Role<'t>,
}

enum Role<'t> {
    Server,
    Client {
        /// That it is told to start.
        program: Option<&'t str>,
        /// It is told lines for a shell, by `--check`, `--ready` or `--on-change`.
        has_lines: bool,
    },
}

impl<'t> Reader<'t> {
    /// `open` is the only folder that may be written.
    pub(super) fn read(text: &'t str, open: &'t str) -> Findings {
        let mut reader = Self {
            findings: Findings::default(),
            open,
            owners: HashMap::new(),
            early: HashMap::new(),
        };
        for line in text.lines() {
            let Some((number, call)) = line.split_once(' ') else {
                continue;
            };
            if reader.owners.is_empty() {
                // The first one is nobody's child.
                reader.owners.insert(number, None);
            }
            reader.see(number, call.trim_start());
        }
        reader.findings
    }

    fn see(&mut self, number: &'t str, line: &'t str) {
        let Some(owner) = self.owners.get(number).cloned() else {
            self.early.entry(number).or_default().push(line);
            return;
        };
        if let Some(child) = child(line) {
            self.owners.insert(child, owner);
            for line in self.early.remove(child).unwrap_or_default() {
                self.see(child, line);
            }
            return;
        }
        match (owner, Call::parse(line)) {
            (Some(ours), Some(call)) => {
                if self.findings.judge(&call, &ours) == Verdict::SomebodyElses {
                    self.owners.insert(number, None);
                }
            }
            (None, Some(call)) => {
                if let Some(ours) = Ours::started_by(&call, self.open) {
                    match ours.role {
                        Role::Server => self.findings.servers += 1,
                        Role::Client { .. } => self.findings.clients += 1,
                    }
                    self.owners.insert(number, Some(Rc::new(ours)));
                }
            }
            (_, None) => {}
        }
    }
}

/// The number of what was started here, be it in the second half of a line.
fn child(line: &str) -> Option<&str> {
    let name = line.trim_start_matches("<... ");
    let is_start = ["clone", "fork", "vfork"]
        .iter()
        .any(|call| name.starts_with(call));
    let (_, child) = line.rsplit_once(" = ").filter(|_| is_start)?;
    child
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(child)
}

impl<'t> Ours<'t> {
    fn started_by(call: &Call<'t>, open: &'t str) -> Option<Self> {
        let [program, _, command, arguments @ ..] = call.texts.as_slice() else {
            return None;
        };
        if !call.name.starts_with("execve") || file_name(program) != PROGRAM {
            return None;
        }
        let base =
            |argument: &&'t str| argument.strip_prefix("--spring.cloud.config.server.git.basedir=");
        let told = || {
            arguments
                .iter()
                .skip_while(|argument| **argument != "--")
                .nth(1)
        };
        let (base, role) = match *command {
            "serve" => (arguments.iter().find_map(base)?, Role::Server),
            "watch" => {
                let is_line = |argument: &&str| {
                    ["--check", "--ready", "--on-change"]
                        .iter()
                        .any(|name| argument.starts_with(name))
                };
                let role = Role::Client {
                    program: told().copied(),
                    has_lines: arguments.iter().any(is_line),
                };
                (open, role)
            }
            _ => return None,
        };
        Some(Self { base, role })
    }

    fn is_told(&self, call: &Call<'_>) -> bool {
        let Role::Client { program, has_lines } = self.role else {
            return false;
        };
        match call.texts.as_slice() {
            ["/bin/sh", _, "-c", ..] if has_lines => true,
            // Looked for in each folder of `PATH`.
            [path, ..] => program.is_some_and(|told| file_name(told) == file_name(path)),
            [] => false,
        }
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[derive(PartialEq, Eq)]
enum Verdict {
    StillOurs,
    /// From here on it is a program that we were told to start.
    SomebodyElses,
}

impl Findings {
    fn judge(&mut self, call: &Call<'_>, ours: &Ours<'_>) -> Verdict {
        if call.name.starts_with("execve") {
            let program = call.texts.first().copied().unwrap_or_default();
            if ours.is_told(call) {
                return self.note_told(program, call);
            }
            // Links may have led to it the first time.
            let is_worker = matches!(call.texts.as_slice(), [program, _, "git-worker", ..] if file_name(program) == PROGRAM);
            if !is_worker {
                self.started.insert(call.line.to_owned());
            }
        } else if call.writes() {
            let is_fine = |path: &str| path.starts_with(ours.base) || path == "/dev/null";
            match ours.role {
                _ if !call.places().all(is_fine) => {
                    self.written.insert(call.line.to_owned());
                }
                Role::Server => self.fine += 1,
                Role::Client { .. } => self.delivered += 1,
            }
        }
        Verdict::StillOurs
    }

    fn note_told(&mut self, program: &str, call: &Call<'_>) -> Verdict {
        if call.line.contains(" = -1 ") {
            return Verdict::StillOurs;
        }
        *self.told.entry(file_name(program).to_owned()).or_default() += 1;
        Verdict::SomebodyElses
    }
}

struct Call<'t> {
    name: &'t str,
    /// What stands between quotes.
    texts: Vec<&'t str>,
    line: &'t str,
}

impl<'t> Call<'t> {
    /// `openat(AT_FDCWD, "/x", O_RDONLY) = 3`; nothing for ends, and second halves of lines.
    fn parse(line: &'t str) -> Option<Self> {
        let (name, rest) = line.split_once('(')?;
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_name.then(|| Self {
            name,
            texts: rest.split('"').skip(1).step_by(2).collect(),
            line,
        })
    }

    /// What it names, or the folder that a relative name is of.
    fn places(&self) -> impl Iterator<Item = &'t str> {
        let folder = self
            .line
            .split_once('<')
            .and_then(|(_, rest)| rest.split_once('>'));
        let folder = folder.map_or("", |(folder, _)| folder);
        // What a link says is no place that is written to.
        let said = usize::from(self.name.starts_with("symlink"));
        let names = self.texts.iter().skip(said);
        names.map(move |name| if name.starts_with('/') { name } else { folder })
    }

    fn writes(&self) -> bool {
        let opens = self.name.starts_with("open");
        let flags = ["O_WRONLY", "O_RDWR", "O_CREAT"];
        !opens || flags.iter().any(|flag| self.line.contains(flag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tests start a server, whose thread 12 goes on.
    const BEGIN: [&str; 5] = [
        r#"9 execve("/x/tests", ["/x/tests"], 0x7f /* 3 vars */) = 0"#,
        "9 clone3({flags=CLONE_VM} <unfinished ...>",
        r#"10 execve("/x/confbus", ["/x/confbus", "serve", "--spring.cloud.config.server.git.basedir=/tmp/a"], 0x7f /* 3 vars */) = 0"#,
        "9 <... clone3 resumed>) = 10",
        "10 clone3({flags=CLONE_VM}, 88) = 12",
    ];

    fn findings(lines: &[&str]) -> Findings {
        Reader::read(&[&BEGIN, lines].concat().join("\n"), "/tmp")
    }

    #[test]
    fn what_belongs_to_a_server_is_fine() {
        let found = findings(&[
            r#"12 openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3"#,
            r#"12 openat(AT_FDCWD, "/tmp/a/x.lock", O_WRONLY|O_CREAT|O_CLOEXEC, 0666) = 3"#,
            r#"12 rename("/tmp/a/x", "/tmp/a/y") = 0"#,
            r#"12 unlinkat(6</tmp/a/x>, "y", AT_REMOVEDIR) = 0"#,
            r#"12 symlink("elsewhere", "/tmp/a/z") = 0"#,
            "12 vfork() = 13",
            r#"13 execve("/x/confbus", ["/x/confbus", "git-worker", "--log-format", "text"], 0x7f /* 3 vars */) = 0"#,
            r#"9 openat(AT_FDCWD, "/of/the/tests", O_WRONLY|O_CREAT, 0666) = 3"#,
            "13 +++ exited with 0 +++",
        ]);
        let fine = Findings {
            servers: 1,
            fine: 4,
            ..Findings::default()
        };
        assert_eq!(found, fine);
    }

    #[test]
    fn what_does_not_is_found() {
        let write = r#"openat(AT_FDCWD, "/tmp/b", O_RDWR|O_CREAT, 0666) = -1 EROFS (Read-only file system)"#;
        let relative = r#"unlinkat(6</var>, "y", 0) = 0"#;
        let moved = r#"rename("/tmp/a/x", "/var/y") = 0"#;
        let shell = r#"execve("/bin/sh", ["sh", "-c", "id"], 0x7f /* 3 vars */) = 0"#;
        let lines = [write, moved, relative, shell].map(|call| format!("12 {call}"));
        let found = findings(&lines.each_ref().map(String::as_str));
        assert_eq!(found.started, BTreeSet::from([shell.to_owned()]));
        assert_eq!(
            found.written,
            BTreeSet::from([write, moved, relative].map(str::to_owned))
        );
    }
    #[test]
    fn a_client_writes_and_starts_what_it_is_told() {
        let shell = r#"execve("/bin/sh", ["sh", "-c", "id"], 0x7f /* 3 vars */) = 0"#;
        let lines = [
            r#"9 fork() = 20"#,
            r#"20 execve("/x/confbus", ["/x/confbus", "watch", "orders/dev", "--check", "test x", "--", "sh", "-c", "id"], 0x7f /* 3 vars */) = 0"#,
            r#"20 openat(AT_FDCWD, "/tmp/out/a.yaml", O_WRONLY|O_CREAT, 0600) = 3"#,
            r#"20 openat(AT_FDCWD, "/etc/a", O_WRONLY|O_CREAT, 0600) = 3"#,
            r#"20 fork() = 21"#,
            r#"21 execve("/usr/local/bin/sh", ["sh", "-c", "id"], 0x7f /* 3 vars */) = -1 ENOENT (No such file or directory)"#,
            &format!("21 {shell}"),
            r#"21 execve("/bin/id", ["id"], 0x7f /* 3 vars */) = 0"#,
            "20 fork() = 22",
            r#"22 execve("/bin/sh", ["/bin/sh", "-c", "test x"], 0x7f /* 3 vars */) = 0"#,
            r#"20 execve("/bin/ls", ["ls"], 0x7f /* 3 vars */) = 0"#,
        ];
        let found = findings(&lines);
        assert_eq!(
            (found.clients, found.delivered, found.written.len()),
            (1, 1, 1)
        );
        assert_eq!(found.told, BTreeMap::from([("sh".to_owned(), 2)]));
        let started: Vec<_> = found.started.iter().collect();
        assert!(
            matches!(started[..], [ls] if ls.contains("/bin/ls")),
            "{started:?}"
        );
    }
}
