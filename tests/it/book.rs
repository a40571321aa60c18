//! What the documentation tells its readers to type is typed here, page by page, and shows what the page says it shows.
//!
//! A block of the language `console` holds commands after `$ ` and below each of them what it writes; `…` stands for any text,
//! alone on a line for any lines. `terminal=NAME` behind the language is another terminal, in which the last command goes on
//! running; a block of it without commands is what it writes later. `exit=CODE` is a command that is meant to fail, and
//! `skip=REASON` one that cannot be typed here. A block with `file=PATH` is a file that the reader writes.

mod links;
mod page;
mod session;

use std::{
    fs,
    path::{Path, PathBuf},
};

use page::Page;
use session::Session;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All pages for users, as they lie below the root.
fn pages() -> Vec<PathBuf> {
    let mut found = vec!["README.md".into(), "SECURITY.md".into()];
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap().flatten() {
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn page(path: &Path) -> Page {
    Page::parse(&fs::read_to_string(root().join(path)).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Types what is on all pages of one kind, each page in a folder of its own.
fn type_pages(is_meant: impl Fn(&Page) -> bool) -> usize {
    let mut commands = 0;
    for path in pages() {
        let page = page(&path);
        if is_meant(&page) {
            commands += page.commands();
            Session::new(&path).run(page);
        }
    }
    commands
}

#[test]
fn what_pages_tell_to_type_works() {
    assert!(type_pages(|page| !page.needs_broker()) > 0);
}

/// All of them share the exchange that everybody has who sets nothing, so they come one after the other.
#[cfg(feature = "broker-tests")]
#[test]
fn what_pages_tell_to_type_over_a_broker_works() {
    assert!(type_pages(Page::needs_broker) > 0);
}

/// A command that is in no block of its kind would never be tried.
#[test]
fn commands_stand_where_they_are_tried() {
    for path in pages() {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let mut language = None;
        for (number, line) in text.lines().enumerate() {
            if let Some(info) = line.strip_prefix("```") {
                language = language.is_none().then(|| info.to_owned());
                continue;
            }
            let is_command = line.trim_start().starts_with("$ ");
            let is_tried = language
                .as_deref()
                .is_some_and(|info| info.starts_with("console"));
            assert!(
                is_tried || !is_command,
                "{}:{}: write ```console around it",
                path.display(),
                number + 1
            );
        }
    }
}

/// Each page can be found from the table of contents.
#[test]
fn the_book_holds_every_page() {
    let contents = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    for path in pages() {
        let Ok(within) = path.strip_prefix("docs") else {
            continue;
        };
        let name = within.display().to_string();
        let is_listed = name == "SUMMARY.md" || contents.contains(&format!("({name})"));
        assert!(is_listed, "docs/SUMMARY.md does not name {name}");
    }
}
