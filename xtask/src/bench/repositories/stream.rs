//! A repository as `git fast-import` reads it.

use std::io::{self, Write};

use super::{Shape, branch, content, shared, tag};

/// When the first commit was made, in seconds since 1970; each further thing is a minute younger.
const FIRST: u64 = 1_700_000_000;

const WHO: &str = "confbus <confbus@localhost>";

/// All commits, branches and tags of a shape.
pub(super) fn write(shape: &Shape, stream: &mut dyn Write) -> io::Result<()> {
    history(shape, stream)?;
    for number in 0..shape.branches {
        let reference = format!("refs/heads/{}", branch(number));
        head(&reference, None, shape.commits + number, stream)?;
        writeln!(stream, "from :{}", shape.commits)?;
        let changed = changed_at(number + 1, shape);
        file(
            &content::path(changed),
            &content::text(changed, number + 1),
            stream,
        )?;
    }
    for number in 0..shape.tags {
        let commit = 1 + number % shape.commits;
        if number % 2 == 0 {
            writeln!(stream, "reset refs/tags/{}\nfrom :{commit}\n", tag(number))?;
        } else {
            writeln!(stream, "tag {}\nfrom :{commit}", tag(number))?;
            writeln!(stream, "tagger {WHO} {FIRST} +0000")?;
            data("tag\n", stream)?;
        }
    }
    writeln!(stream, "done")
}

/// One commit on top of `main`, whose id is asked for.
pub(super) fn commit(files: &[(String, String)], stream: &mut dyn Write) -> io::Result<()> {
    head("refs/heads/main", Some(1), 0, stream)?;
    writeln!(stream, "from refs/heads/main^0")?;
    for (path, text) in files {
        file(path, text, stream)?;
    }
    writeln!(stream, "get-mark :1\ndone")
}

/// The commits of `main`; each has its place as mark, counted from one.
fn history(shape: &Shape, stream: &mut dyn Write) -> io::Result<()> {
    for number in 0..shape.commits {
        head("refs/heads/main", Some(number + 1), number, stream)?;
        if number > 0 {
            let changed = changed_at(number, shape);
            file(
                &content::path(changed),
                &content::text(changed, number),
                stream,
            )?;
            continue;
        }
        let (path, text) = shared(0);
        file(&path, &text, stream)?;
        file("application-prod.yml", "common:\n  a: 2\n", stream)?;
        for number in 0..shape.files {
            file(&content::path(number), &content::text(number, 0), stream)?;
        }
    }
    Ok(())
}

/// Which file a commit changes: they are spread, and the first dozen stays as it was.
fn changed_at(commit: u32, shape: &Shape) -> u32 {
    12 + commit * 37 % (shape.files - 12)
}

fn head(reference: &str, mark: Option<u32>, age: u32, stream: &mut dyn Write) -> io::Result<()> {
    writeln!(stream, "commit {reference}")?;
    if let Some(mark) = mark {
        writeln!(stream, "mark :{mark}")?;
    }
    writeln!(
        stream,
        "committer {WHO} {} +0000",
        FIRST + 60 * u64::from(age)
    )?;
    data("change\n", stream)
}

fn file(path: &str, text: &str, stream: &mut dyn Write) -> io::Result<()> {
    writeln!(stream, "M 100644 inline {path}")?;
    data(text, stream)
}

fn data(text: &str, stream: &mut dyn Write) -> io::Result<()> {
    writeln!(stream, "data {}\n{text}", text.len())
}
