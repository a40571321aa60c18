//! Which parts of two programs differ, by the names that `readelf` gives them.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::output;

/// The sections whose bytes are not the same, and what lies in one program only.
pub(super) fn that_differ(programs: &[PathBuf; 2]) -> anyhow::Result<Vec<String>> {
    let [first, second] = programs;
    let (sections, others) = (sections(first)?, sections(second)?);
    let (bytes, other_bytes) = (fs::read(first)?, fs::read(second)?);
    let mut different = Vec::new();
    for (name, range) in &sections {
        let other = others.iter().find(|(other, _)| other == name);
        let is_same = other
            .is_some_and(|(_, other)| bytes.get(range.clone()) == other_bytes.get(other.clone()));
        if !is_same {
            different.push(name.clone());
        }
    }
    let is_new = |name: &String| !sections.iter().any(|(known, _)| known == name);
    different.extend(others.into_iter().map(|(name, _)| name).filter(is_new));
    Ok(different)
}

fn sections(program: &Path) -> anyhow::Result<Vec<(String, Range<usize>)>> {
    let mut readelf = Command::new("readelf");
    readelf.args(["--section-headers", "--wide"]).arg(program);
    Ok(output(&mut readelf)?.lines().filter_map(section).collect())
}

/// `[12] .text PROGBITS address offset size …`, in hexadecimal.
fn section(line: &str) -> Option<(String, Range<usize>)> {
    let (_, rest) = line.trim_start().strip_prefix('[')?.split_once("] ")?;
    let mut words = rest.split_whitespace();
    let (name, kind) = (words.next()?, words.next()?);
    let mut number = || usize::from_str_radix(words.next()?, 16).ok();
    let (_, offset, size) = (number()?, number()?, number()?);
    // Has no bytes in the file.
    let size = if kind == "NOBITS" { 0 } else { size };
    Some((name.to_owned(), offset..offset.checked_add(size)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_lies_where_its_line_says() {
        for (line, expected) in [
            (
                "  [ 1] .interp           PROGBITS        0000000000000318 000318 00001c 00   A  0   0  1",
                Some((".interp", 0x318..0x334)),
            ),
            (
                "  [25] .bss              NOBITS          0000000000a3d4c0 a3c4c0 0026d8 00  WA  0   0 32",
                Some((".bss", 0xa3_c4c0..0xa3_c4c0)),
            ),
            (
                "  [Nr] Name              Type            Address          Off    Size",
                None,
            ),
            (
                "There are 30 section headers, starting at offset 0x1234:",
                None,
            ),
            ("", None),
        ] {
            let expected = expected.map(|(name, range)| (name.to_owned(), range));
            assert_eq!(section(line), expected, "{line}");
        }
    }

    #[test]
    fn what_differs_is_named() {
        let program = std::env::current_exe().unwrap();
        let same = that_differ(&[program.clone(), program.clone()]);
        assert_eq!(same.unwrap(), Vec::<String>::new());
        let mut all = sections(&program).unwrap().into_iter();
        let (_, text) = all.find(|(name, _)| name == ".text").unwrap();
        let mut bytes = fs::read(&program).unwrap();
        bytes[text.start] ^= 1;
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("other");
        fs::write(&other, bytes).unwrap();
        assert_eq!(that_differ(&[program, other]).unwrap(), [".text"]);
    }
}
