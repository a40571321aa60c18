//! Workers that do not work.

use std::ffi::OsString;

use super::*;
use crate::git::{Common, Program};

fn with_program(path: &str, arguments: &[&str], deadline: Duration) -> (TempDir, Git) {
    let folder = tempfile::tempdir().unwrap();
    let reach = Reach {
        base_directory: folder.path().join("clones"),
        access: Access::default(),
        timeout: Duration::from_secs(5),
        deadline,
        clone_deadline: Duration::from_secs(60),
        limits: LIMITS,
    };
    let program = Program {
        path: path.into(),
        arguments: arguments.iter().map(OsString::from).collect(),
    };
    let address = Address::parse("http://localhost:1/x.git").unwrap();
    let settings = Settings::new(address, reach, &Common::new(Some(program)));
    (folder, Git::spawn(settings).unwrap())
}

fn is_running(marker: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.any(|line| String::from_utf8_lossy(&line).contains(marker))
}

#[tokio::test]
async fn a_worker_that_says_nothing_is_killed_at_its_deadline() {
    let marker = "86399.25";
    let (_folder, git) = with_program("/bin/sleep", &[marker], Duration::from_millis(300));
    let begin = Instant::now();
    let looked = look(&git, Fetch::All, &["main"]).await;
    assert!(matches!(looked, Err(LookError::Late(_))), "{looked:?}");
    assert!(begin.elapsed() < Duration::from_secs(5));
    let end = Instant::now() + Duration::from_secs(10);
    while is_running(marker) {
        assert!(Instant::now() < end, "the process is still there");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Not at once another one.
    let looked = look(&git, Fetch::All, &["main"]).await;
    assert!(matches!(looked, Err(LookError::Ended)), "{looked:?}");
}

#[tokio::test]
async fn a_worker_that_ends_is_an_error_and_not_the_end() {
    for path in ["/bin/true", "/does/not/exist"] {
        let (_folder, git) = with_program(path, &[], Duration::from_secs(20));
        let looked = look(&git, Fetch::All, &["main"]).await;
        assert!(matches!(looked, Err(LookError::Ended)), "{looked:?}");
    }
}
