//! Adding up what the test programs of one `cargo test` report.

use std::fmt;

/// Tests of all programs together.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Tally {
    /// Adds a line of output, if it is the closing one of a test program:
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`.
    pub(super) fn add(&mut self, line: &str) {
        let Some((_, counts)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.split(';') {
            let Some((number, what)) = count.trim().split_once(' ') else {
                continue;
            };
            let number = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }

    /// Adds what was counted elsewhere.
    pub(super) fn add_counts(&mut self, passed: usize, failed: usize, skipped: usize) {
        self.passed += passed;
        self.failed += failed;
        self.skipped += skipped;
    }

    /// Whether something was run and nothing has failed.
    pub(super) fn is_good(self) -> bool {
        self.ran_something() && self.failed == 0
    }

    /// Whether a test has passed or failed at all.
    pub(super) fn ran_something(self) -> bool {
        self.passed + self.failed > 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(output: &str, expected: &str) {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.add(line));
        assert_eq!(tally.to_string(), expected);
    }

    #[test]
    fn results_of_all_programs_are_added_up() {
        check(
            "running 3 tests\n\
             test a ... ok\n\
             test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
             test result: FAILED. 40 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out; finished in 1.20s\n",
            "43 passed, 2 failed",
        );
    }

    #[test]
    fn ignored_tests_are_called_skipped_and_named_only_when_there_are_any() {
        let line = "test result: ok. 1 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        check(line, "1 passed, 0 failed, 2 skipped");
    }

    #[test]
    fn one_failure_counted_elsewhere_is_enough() {
        let mut tally = Tally::default();
        tally.add_counts(9, 0, 1);
        assert!(tally.is_good());
        tally.add_counts(0, 1, 0);
        assert!(!tally.is_good());
        assert_eq!(tally.to_string(), "9 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn lines_that_only_look_like_a_result_do_not_count() {
        check(
            "test results: ok. 3 passed; 1 failed\n    test result: ok. 5 passed; 0 failed; 0 ignored\ntest result: ?\n",
            "0 passed, 0 failed",
        );
    }

    #[test]
    fn nothing_but_skipped_tests_is_nothing_run() {
        let mut tally = Tally::default();
        tally.add("test result: ok. 0 passed; 0 failed; 9 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        assert!(!tally.ran_something());
    }
}
