//! Encrypts the values of a checkout anew, and leaves every other byte as it is.

use std::{
    fs,
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use confbus::{TextCipher, printable};
use tempfile::NamedTempFile;

use super::{MARK, open};
use crate::{
    cli::RotateArgs,
    exit::{Complaint, Exit, Failure},
    talk,
};

/// What a server reads of one file unless it is told otherwise.
const LARGEST: u64 = 8 << 20;

/// Rotates all or nothing: a value that cannot be decrypted leaves every file as it is.
pub(crate) fn run(args: &RotateArgs) -> Result<ExitCode, Failure> {
    let new = open(args.config.clone())?;
    let old = args.old_config.clone();
    let old = old.map(|config| open(Some(config))).transpose()?;
    let rotation = Rotation {
        old: old.as_ref().unwrap_or(&new),
        new: &new,
        from: args.from.as_ref().map(|from| format!("{{key:{from}}}")),
        to: args.to.as_ref().map(|to| format!("{{key:{to}}}")),
    };
    let files = rotation.files_below(&args.folder)?;
    for file in &files {
        if !args.dry_run {
            file.write()
                .with_context(|| file.path.display().to_string())?;
        }
        let line = format!("{}  {}", printable(&file.name), file.values);
        talk::line(line)?;
    }
    let values: usize = files.iter().map(|file| file.values).sum();
    let done = if args.dry_run { "would be" } else { "are" };
    let number = files.len();
    talk::note(format!(
        "{values} values in {number} files {done} encrypted anew"
    ));
    Ok(Exit::Yes.into())
}

struct Rotation<'a> {
    old: &'a TextCipher,
    new: &'a TextCipher,
    /// `{key:ALIAS}`, if only values with it are meant.
    from: Option<String>,
    to: Option<String>,
}

/// A file with other ciphers.
struct Rotated {
    path: PathBuf,
    /// As it is called in the checkout.
    name: String,
    text: String,
    values: usize,
}

impl Rotation<'_> {
    /// Those in which anything changes.
    fn files_below(&self, folder: &Path) -> Result<Vec<Rotated>, Failure> {
        let mut files = Vec::new();
        let mut complaints = Vec::new();
        for path in paths_below(folder)? {
            let name = path.strip_prefix(folder).unwrap_or(&path);
            let name = name.display().to_string();
            let text = match read(&path).with_context(|| name.clone())? {
                Content::Text(text) => text,
                Content::Other { hides: None } => continue,
                Content::Other { hides: Some(why) } => {
                    complaints.push(unread(name, why));
                    continue;
                }
            };
            let file = Rotated {
                name,
                path,
                text: String::with_capacity(text.len()),
                values: 0,
            };
            let file = self.rotated(&text, file, &mut complaints);
            files.extend(Some(file).filter(|file| file.values > 0));
        }
        if complaints.is_empty() {
            Ok(files)
        } else {
            Err(Failure::of(Exit::No, complaints))
        }
    }

    fn rotated(&self, text: &str, mut file: Rotated, complaints: &mut Vec<Complaint>) -> Rotated {
        let mut at = 0;
        while let Some(found) = text[at..].find(MARK) {
            let start = at + found + MARK.len();
            let end = start + length(&text[start..]);
            let cipher = &text[start..end];
            file.text += &text[at..start];
            at = end;
            if cipher.is_empty() || !self.is_meant(cipher) {
                file.text += cipher;
                continue;
            }
            match self.anew(cipher) {
                Ok(anew) => {
                    file.text += &anew;
                    file.values += 1;
                }
                Err(reason) => {
                    let line = text[..start].matches('\n').count() + 1;
                    complaints.push(Complaint {
                        code: Some("CB7001"),
                        place: Some(format!("{}:{line}", file.name)),
                        ..Complaint::new(format!("a value cannot be decrypted: {reason}"))
                    });
                }
            }
        }
        file.text += &text[at..];
        file
    }

    fn is_meant(&self, cipher: &str) -> bool {
        let prefixes = cipher.rfind('}').map_or("", |end| &cipher[..=end]);
        self.from
            .as_ref()
            .is_none_or(|from| prefixes.contains(from))
    }

    fn anew(&self, cipher: &str) -> Result<String, String> {
        let plain = self.old.decrypt(cipher)?;
        let key = self.to.as_deref().unwrap_or_default();
        // `{plain}` keeps a text apart from prefixes that it may begin with itself.
        let anew = self.new.encrypt(&format!("{key}{{plain}}{plain}"))?;
        if self.new.decrypt(&anew)? == plain {
            Ok(anew)
        } else {
            Err("it would not be the same value afterwards".to_owned())
        }
    }
}

impl Rotated {
    /// Whole or not at all, with the rights that the file had.
    fn write(&self) -> anyhow::Result<()> {
        let folder = self.path.parent().context("it is in no folder")?;
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(self.text.as_bytes())?;
        let rights = fs::metadata(&self.path)?.permissions();
        file.as_file().set_permissions(rights)?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }
}

/// How far a cipher text reaches: prefixes, then what base64 or hexadecimal digits are made of.
fn length(text: &str) -> usize {
    let mut at = 0;
    while text[at..].starts_with('{')
        && let Some(end) = text[at..].find(['}', '\n'])
        && text[at + end..].starts_with('}')
    {
        at += end + 1;
    }
    let ends = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_'));
    at + text[at..].find(ends).unwrap_or(text.len() - at)
}

/// What a file holds.
enum Content {
    Text(String),
    /// Nothing that can be written anew; with why, if there are values in it all the same.
    Other {
        hides: Option<&'static str>,
    },
}

fn read(path: &Path) -> io::Result<Content> {
    let file = fs::File::open(path)?;
    if file.metadata()?.len() > LARGEST {
        let why = "the file is larger than 8 MiB";
        let hides = has_mark(file)?.then_some(why);
        return Ok(Content::Other { hides });
    }
    Ok(match String::from_utf8(fs::read(path)?) {
        Ok(text) => Content::Text(text),
        Err(other) => Content::Other {
            hides: has_mark(other.as_bytes())?.then_some("the file is not UTF-8"),
        },
    })
}

/// Whether there is a value anywhere, a piece at a time: a file may be of any size.
fn has_mark(mut content: impl Read) -> io::Result<bool> {
    let mut piece = vec![0; 64 * 1024];
    let mut kept = 0;
    loop {
        let read = content.read(&mut piece[kept..])?;
        let whole = &piece[..kept + read];
        if read == 0 || holds_mark(whole) {
            return Ok(holds_mark(whole));
        }
        // A mark may lie across two pieces.
        let next = whole.len().min(MARK.len() - 1);
        let from = whole.len() - next;
        piece.copy_within(from..from + next, 0);
        kept = next;
    }
}

fn holds_mark(bytes: &[u8]) -> bool {
    bytes
        .windows(MARK.len())
        .any(|part| part == MARK.as_bytes())
}

/// To leave its values as they are would be found out when the old key is gone.
fn unread(name: String, why: &str) -> Complaint {
    Complaint {
        place: Some(name),
        help: vec![
            "rewrite the file as UTF-8 text of at most 8 MiB, or move it out of the folder"
                .to_owned(),
        ],
        ..Complaint::new(format!("values cannot be encrypted anew: {why}"))
    }
}

/// Files in the order of their names; links are not followed.
fn paths_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let entry = entry?;
            let about = entry.metadata()?;
            if about.is_dir() && entry.file_name() != ".git" {
                folders.push(entry.path());
            } else if about.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_wherever_it_lies() {
        for before in [0, 1, 65_530, 65_536, 200_000] {
            let content = format!("{}{MARK}abc", "x".repeat(before));
            assert!(has_mark(content.as_bytes()).unwrap(), "{before}");
        }
        let content = "{cipher".repeat(20_000);
        assert!(!has_mark(content.as_bytes()).unwrap());
    }

    #[test]
    fn a_cipher_text_ends_where_no_digit_of_it_is() {
        for (text, expected) in [
            ("abc+/=' # said", "abc+/="),
            ("{key:a}{secret:b}abc\n", "{key:a}{secret:b}abc"),
            ("{key:a\nabc", ""),
            ("abc", "abc"),
            ("", ""),
        ] {
            assert_eq!(&text[..length(text)], expected, "{text}");
        }
    }
}
