//! Symbolic links within a commit: under their own path stands what they lead to.

use std::{collections::BTreeMap, sync::Arc};

use confbus_resolution::{Blob, RepoPath};
use git2::{Odb, Oid};

use super::objects::unreadable;
use crate::look::{Limits, LookError};

/// A link may lead to a link, but not in a circle.
const MAX_LINKS: usize = 8;
/// Bytes of what a link leads to; no system knows longer paths.
const MAX_TARGET: usize = 4096;

type Entries = BTreeMap<RepoPath, Arc<Blob>>;

/// Where links lead; a text that is no path leads nowhere.
pub(super) fn targets(
    odb: &Odb<'_>,
    links: Vec<(String, Oid)>,
) -> Result<Vec<(String, String)>, LookError> {
    let mut targets = Vec::new();
    for (link, id) in links {
        let (size, _) = odb.read_header(id).map_err(unreadable)?;
        if size > MAX_TARGET {
            continue;
        }
        let blob = odb.read(id).map_err(unreadable)?;
        if let Ok(target) = str::from_utf8(blob.data()) {
            targets.push((link, target.to_owned()));
        }
    }
    Ok(targets)
}

/// Puts the target of a symbolic link in its place; a target outside the repository is nothing.
pub(super) fn follow_all(
    entries: &mut Entries,
    mut links: Vec<(String, String)>,
    limits: Limits,
) -> Result<(), LookError> {
    for _ in 0..MAX_LINKS {
        let before = links.len();
        let mut left = Vec::new();
        for (link, target) in links {
            if !follow(entries, &link, &target) {
                left.push((link, target));
            }
            // A few links to folders of links are as many files as there are atoms.
            if entries.len() > limits.files {
                return Err(LookError::TooLarge(format!(
                    "with its links the commit has more than {} files",
                    limits.files
                )));
            }
        }
        links = left;
        if links.is_empty() || links.len() == before {
            break;
        }
    }
    Ok(())
}

fn follow(entries: &mut Entries, link: &str, target: &str) -> bool {
    let Some(target) = within(link, target) else {
        return false;
    };
    let folder = format!("{target}/");
    let found: Vec<_> = entries
        .iter()
        .filter_map(|(path, blob)| {
            let rest = if path.as_str() == target {
                ""
            } else {
                path.as_str().strip_prefix(&folder)?
            };
            let place = if rest.is_empty() {
                link.to_owned()
            } else {
                format!("{link}/{rest}")
            };
            Some((RepoPath::parse(&place)?, Arc::clone(blob)))
        })
        .collect();
    let followed = !found.is_empty();
    entries.extend(found);
    followed
}

/// The path inside the repository that a link leads to.
fn within(link: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = link.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_within_the_repository() {
        assert_eq!(within("a/link", "../b/file").as_deref(), Some("b/file"));
        assert_eq!(within("link", "./file").as_deref(), Some("file"));
        assert_eq!(within("a/link", "../../etc/passwd"), None);
        assert_eq!(within("link", "/etc/passwd"), None);
        assert_eq!(within("a/link", ".."), None);
    }
}
