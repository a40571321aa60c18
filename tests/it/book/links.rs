//! Links of pages lead somewhere.

use std::{collections::BTreeSet, fs, path::Path, sync::LazyLock};

use regex::Regex;

use super::{pages, root};

static LINK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\]\(([^)\s]+)\)").unwrap());

/// The anchors of a page, as GitHub and mdBook make them of its headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| -> String {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn links_of_pages_lead_somewhere() {
    let mut dead = Vec::new();
    for path in pages() {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let mut is_code = false;
        for (number, line) in text.lines().enumerate() {
            is_code ^= line.starts_with("```");
            for link in LINK.captures_iter(line).filter(|_| !is_code) {
                if !leads_somewhere(&path, &text, &link[1]) {
                    dead.push(format!("{}:{}: {}", path.display(), number + 1, &link[1]));
                }
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

fn leads_somewhere(page: &Path, text: &str, link: &str) -> bool {
    if link.starts_with("https://") || link.starts_with("http://") {
        return true;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() {
        None
    } else {
        Some(root().join(page.parent().unwrap()).join(file))
    };
    let found = match &target {
        None => text.to_owned(),
        Some(target) if anchor.is_empty() => return target.exists(),
        Some(target) => match fs::read_to_string(target) {
            Ok(found) => found,
            Err(_) => return false,
        },
    };
    anchors(&found).contains(anchor)
}
