//! The document that lies in the repository tells of every row, as the matrix has it.

use confbus_chaos::document::head;
use confbus_chaos::matrix::SECTIONS;

const DOCUMENT: &str = include_str!("../../../docs/RESILIENCE.md");
/// Those of the matrix, besides the whole runs.
const ROWS: usize = 102;

#[test]
fn every_row_has_a_line() {
    for section in SECTIONS {
        let title = format!("\n## {}\n", section.title);
        assert!(DOCUMENT.contains(&title), "{title}");
        for row in section.rows {
            let head = head(row);
            let lines = DOCUMENT.lines().filter(|line| line.starts_with(&head));
            assert_eq!(lines.count(), 1, "{head}");
        }
    }
}

#[test]
fn no_row_is_missing() {
    let faults = SECTIONS.iter().skip(1);
    let rows: usize = faults.map(|section| section.rows.len()).sum();
    assert_eq!(rows, ROWS);
}
