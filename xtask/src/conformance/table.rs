//! How the cases of each group ended.

use std::collections::BTreeMap;
use std::fmt;

/// The results of one run.
#[derive(Debug, Default)]
pub(super) struct Table {
    groups: BTreeMap<String, Counts>,
    /// Cases, and their group, that pass although they are listed as not built yet.
    passing: Vec<(String, String)>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    passed: u64,
    failed: u64,
    differs: u64,
    not_yet: u64,
}

impl Table {
    /// Adds a line of output, if it is about a case: `test [kind] group::server::id ... ok`.
    pub(super) fn add(&mut self, line: &str) {
        let Some((name, result)) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.rsplit_once(" ... "))
        else {
            return;
        };
        let (kind, name) = name.rsplit_once("] ").unwrap_or(("", name));
        let Some((group, name)) = name.trim().split_once("::") else {
            return;
        };
        let counts = self.groups.entry(group.to_owned()).or_default();
        match (kind.trim_start_matches('['), result) {
            ("differs", "ok") => counts.differs += 1,
            (_, "ok") => counts.passed += 1,
            (_, result) if result.starts_with("ignored") => counts.not_yet += 1,
            (kind, _) => {
                counts.failed += 1;
                if kind == "not yet" {
                    let id = name.rsplit("::").next().unwrap_or(name);
                    self.passing.push((group.to_owned(), id.to_owned()));
                }
            }
        }
    }

    /// The cases that failed only because they pass by now; from here on they count as passed.
    pub(super) fn accept_passing(&mut self) -> Vec<String> {
        let passing = std::mem::take(&mut self.passing);
        for (group, _) in &passing {
            let counts = self.groups.entry(group.clone()).or_default();
            counts.failed -= 1;
            counts.passed += 1;
        }
        passing.into_iter().map(|(_, id)| id).collect()
    }

    /// Whether there were results, and no failure among them.
    pub(super) fn succeeded(&self) -> bool {
        !self.groups.is_empty() && self.total().failed == 0
    }

    fn total(&self) -> Counts {
        let add = |sum: Counts, counts: &Counts| Counts {
            passed: sum.passed + counts.passed,
            failed: sum.failed + counts.failed,
            differs: sum.differs + counts.differs,
            not_yet: sum.not_yet + counts.not_yet,
        };
        self.groups.values().fold(Counts::default(), add)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = ["passed", "failed", "differs on purpose", "not yet"];
        write!(f, "{:14}", "")?;
        for column in columns {
            write!(f, "  {column}")?;
        }
        writeln!(f)?;
        for (group, counts) in &self.groups {
            write!(f, "{group:14}")?;
            for (column, count) in columns.iter().zip(counts.in_order()) {
                let shown = if count == 0 {
                    String::new()
                } else {
                    count.to_string()
                };
                write!(f, "  {shown:>width$}", width = column.len())?;
            }
            writeln!(f)?;
        }
        let total = self.total();
        writeln!(
            f,
            "{} passed, {} failed, {} differ on purpose, {} not yet",
            total.passed, total.failed, total.differs, total.not_yet
        )
    }
}

impl Counts {
    fn in_order(self) -> [u64; 4] {
        [self.passed, self.failed, self.differs, self.not_yet]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
running 5 tests
test           git::labels::git-13   ... ok
test [differs] git::labels::git-127  ... ok
test [not yet] git::labels::git-18   ... ignored, not yet: lists of labels
test [not yet] yaml::yaml::yaml-169  ... FAILED
test           yaml::yaml::yaml-170  ... FAILED
---- yaml::yaml::yaml-170 ----
test result: FAILED. 2 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s
";

    fn table(output: &str) -> Table {
        let mut table = Table::default();
        output.lines().for_each(|line| table.add(line));
        table
    }

    #[track_caller]
    fn last_line(table: &Table) -> String {
        table.to_string().lines().last().unwrap().to_owned()
    }

    #[test]
    fn each_way_to_end_is_counted_apart() {
        let table = table(OUTPUT);
        assert_eq!(
            last_line(&table),
            "1 passed, 2 failed, 1 differ on purpose, 1 not yet"
        );
        assert!(!table.succeeded());
    }

    #[test]
    fn what_passes_by_now_can_be_accepted() {
        let mut table = table(OUTPUT);
        assert_eq!(table.accept_passing(), ["yaml-169"]);
        assert_eq!(
            last_line(&table),
            "2 passed, 1 failed, 1 differ on purpose, 1 not yet"
        );
    }

    #[test]
    fn nothing_run_is_no_success() {
        assert!(!table("running 0 tests\n").succeeded());
    }
}
