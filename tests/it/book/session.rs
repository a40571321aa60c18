//! A reader with a folder, a shell and some terminals.

use std::{
    collections::BTreeMap,
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use regex::Regex;

use super::page::{Page, Step};
use crate::support::{Running, eventually};

/// Ports that pages name; each page gets free ones in their places.
const PORTS: [&str; 3] = ["8888", "8889", "8890"];
/// Stands for any text.
const ANYTHING: &str = "…";

pub(super) struct Session {
    page: PathBuf,
    folder: tempfile::TempDir,
    /// Where the reader is.
    at: PathBuf,
    ports: Vec<(&'static str, String)>,
    /// What runs in other terminals, and how many of its lines were seen.
    terminals: BTreeMap<String, (Running, usize)>,
}

impl Session {
    pub(super) fn new(page: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("work");
        fs::create_dir(&at).unwrap();
        // All at once, so that no two are the same.
        let free = PORTS.map(|port| (port, TcpListener::bind("127.0.0.1:0").unwrap()));
        let ports = free.map(|(port, free)| (port, free.local_addr().unwrap().port().to_string()));
        Self {
            page: page.to_owned(),
            folder,
            at,
            ports: ports.into(),
            terminals: BTreeMap::new(),
        }
    }

    pub(super) fn run(mut self, page: Page) {
        for step in page.steps {
            match step {
                Step::Write { path, text } => self.write(&path, &text),
                Step::See { terminal, output } => self.see(&terminal, &output),
                Step::Type {
                    terminal: None,
                    exit,
                    commands,
                } => {
                    for command in commands {
                        self.type_in(command.line, &command.text, exit, &command.output);
                    }
                }
                Step::Type {
                    terminal: Some(terminal),
                    commands,
                    ..
                } => {
                    for command in commands {
                        let shell = self.shell(&format!("exec {}", command.text));
                        self.terminals
                            .insert(terminal.clone(), (Running::start(shell), 0));
                        self.see(&terminal, &command.output);
                    }
                }
            }
        }
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.at.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, self.with_own_ports(text)).unwrap();
    }

    /// Types a command, again and again while what it shows is not there yet: a reader looks again, too.
    fn type_in(&mut self, line: usize, text: &str, exit: i32, expected: &[String]) {
        let what = format!("{}:{line}: {text}", self.page.display());
        let is_question = text.starts_with("curl -s ") || text.starts_with("confbus ");
        let look = || {
            let done = self
                .shell(&format!("{text}\n_exit=$?; pwd > \"$AT\"; exit $_exit"))
                .output()
                .unwrap();
            let said = format!(
                "{}{}",
                String::from_utf8_lossy(&done.stdout),
                String::from_utf8_lossy(&done.stderr)
            );
            let said = self.with_ports_of_the_page(&said);
            let lines: Vec<_> = said.lines().map(str::to_owned).collect();
            let is_right = done.status.code() == Some(exit)
                && (expected.is_empty() || is_like(&lines, expected));
            if is_right {
                Ok(())
            } else {
                Err(format!("{}\n{said}", done.status))
            }
        };
        if is_question {
            eventually(&what, look);
        } else {
            look().unwrap_or_else(|seen| panic!("{what}: {seen}"));
        }
        let at = fs::read_to_string(self.folder.path().join("at")).unwrap();
        self.at = at.trim_end().into();
    }

    /// Waits until another terminal has written this, after what was seen before.
    fn see(&mut self, terminal: &str, expected: &[String]) {
        if expected.is_empty() {
            return;
        }
        let what = format!(
            "{}: in terminal {terminal}: {expected:#?}",
            self.page.display()
        );
        let (running, seen) = &self.terminals[terminal];
        let until = eventually(&what, || {
            let lines: Vec<_> = running
                .lines()
                .iter()
                .map(|line| self.with_ports_of_the_page(line))
                .collect();
            let new = &lines[*seen..];
            let ends = (1..=new.len())
                .find(|&end| (0..end).any(|start| is_like(&new[start..end], expected)));
            ends.map(|end| seen + end).ok_or_else(|| lines.join("\n"))
        });
        self.terminals.get_mut(terminal).unwrap().1 = until;
    }

    fn shell(&self, text: &str) -> Command {
        let mut command = Command::new("bash");
        let program = Path::new(env!("CARGO_BIN_EXE_confbus")).parent().unwrap();
        let path = env::var("PATH").unwrap_or_default();
        let home = self.folder.path();
        command
            .args(["-c", &self.with_own_ports(text)])
            .current_dir(&self.at)
            .env("PATH", format!("{}:{path}", program.display()))
            .env("HOME", home)
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("AT", home.join("at"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Ana Petrov")
            .env("GIT_AUTHOR_EMAIL", "ana@example.com")
            .env("GIT_COMMITTER_NAME", "Ana Petrov")
            .env("GIT_COMMITTER_EMAIL", "ana@example.com")
            .stdin(Stdio::null());
        for (name, _) in env::vars()
            .filter(|(name, _)| name.starts_with("SPRING_") || name.starts_with("CONFBUS_"))
        {
            command.env_remove(name);
        }
        command.env("SERVER_PORT", &self.ports[0].1).env(
            "CONFBUS_SERVER",
            format!("http://localhost:{}", self.ports[0].1),
        );
        command
    }

    fn with_own_ports(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (port, own) in &self.ports {
            text = text.replace(port, own);
        }
        match env::var("CONFBUS_TEST_AMQP") {
            Ok(broker) => {
                let broker = broker.rsplit(['/', '@']).find(|part| part.contains(':'));
                text.replace("localhost:5672", broker.unwrap())
            }
            Err(_) => text,
        }
    }

    fn with_ports_of_the_page(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (port, own) in &self.ports {
            text = text.replace(own, port);
        }
        text
    }
}

/// Whether lines are as a page shows them.
fn is_like(lines: &[String], expected: &[String]) -> bool {
    match expected.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first.trim() == ANYTHING => {
            (0..=lines.len()).any(|skipped| is_like(&lines[skipped..], rest))
        }
        Some((first, rest)) => lines
            .split_first()
            .is_some_and(|(line, lines)| is_line_like(line, first) && is_like(lines, rest)),
    }
}

fn is_line_like(line: &str, expected: &str) -> bool {
    let pattern = regex::escape(expected.trim_end()).replace(ANYTHING, ".*");
    let pattern = Regex::new(&format!("^{pattern}$")).unwrap();
    pattern.is_match(line.trim_end())
}

#[test]
fn dots_stand_for_anything() {
    let line = |text: &str| text.to_owned();
    assert!(is_line_like("served at 9f2c1ab now", "served at … now"));
    assert!(is_line_like("a b a", "a … a") && is_line_like("a b b", "a …b"));
    assert!(!is_line_like("served at 9f2c1ab then", "served at … now"));
    assert!(!is_line_like("abc", "ab"));
    assert!(is_like(
        &[line("a"), line("b"), line("c")],
        &[line("…"), line("c")]
    ));
    assert!(!is_like(&[line("a"), line("b")], &[line("…"), line("c")]));
    assert!(!is_like(&[line("a"), line("b")], &[line("a")]));
}
