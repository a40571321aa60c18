//! What holds a missed line back: written by hand into `reasons.txt`, since no harness can know it.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::super::record::Record;

const FILE: &str = "reasons.txt";

/// Lines of `W6 R10k: why`, and comments behind `#`.
pub(super) struct Reasons(Vec<(String, String)>);

impl Reasons {
    /// None when there is no such file.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join(FILE);
        if !file.exists() {
            return Ok(Self(Vec::new()));
        }
        let text = fs::read_to_string(&file)?;
        let lines = text.lines().enumerate();
        let reasons = lines
            .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
            .map(|(index, line)| {
                let (which, why) = line.split_once(": ").with_context(|| {
                    format!("{}:{}: expected `W6 R10k: why`", file.display(), index + 1)
                })?;
                Ok((which.trim().to_owned(), why.trim().to_owned()))
            });
        Ok(Self(reasons.collect::<anyhow::Result<_>>()?))
    }

    /// Of this workload and variant, or of the workload alone.
    pub(super) fn of(&self, record: &Record) -> Option<&str> {
        let of = |which: &str| {
            let found = self.0.iter().find(|(name, _)| name == which);
            found.map(|(_, why)| why.as_str())
        };
        of(&format!("{} {}", record.workload, record.variant)).or_else(|| of(&record.workload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_reason_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        fs::write(
            &file,
            "# a comment\nW6: the network\n\nW6 R10k: the pack: it is large\n",
        )
        .unwrap();
        let reasons = Reasons::read(folder.path()).unwrap();
        let of = |variant| {
            reasons
                .of(&Record::new("W6", variant, "ms"))
                .unwrap()
                .to_owned()
        };
        assert_eq!(of("R10k"), "the pack: it is large");
        assert_eq!(of("R3k"), "the network");
        assert_eq!(reasons.of(&Record::new("W1", "hot", "ms")), None);
        fs::write(&file, "no colon\n").unwrap();
        assert!(Reasons::read(folder.path()).is_err());
    }
}
