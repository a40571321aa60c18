use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

/// A directory for a clone that nobody else in this process uses, as long as somebody holds the claim.
///
/// Two repositories may have the same address, and a thread that was left behind may still write.
#[derive(Debug, Clone)]
pub(super) struct Claim(Arc<Claimed>);

#[derive(Debug)]
struct Claimed(PathBuf);

static CLAIMED: LazyLock<Mutex<HashSet<PathBuf>>> = LazyLock::new(Mutex::default);

impl Claim {
    /// Takes the directory, or the first free one of those beside it that end in a number.
    pub(super) fn take(wanted: &Path) -> Self {
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        let mut path = wanted.to_path_buf();
        let mut number = 1;
        while !claimed.insert(path.clone()) {
            number += 1;
            path = numbered(wanted, number);
        }
        Self(Arc::new(Claimed(path)))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0.0
    }
}

fn numbered(path: &Path, number: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{number}.git"))
}

impl Drop for Claimed {
    fn drop(&mut self) {
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.remove(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_user_at_a_time() {
        let wanted = Path::new("/clones/of-this-test.git");
        let first = Claim::take(wanted);
        let second = Claim::take(wanted);
        assert_eq!(first.path(), wanted);
        assert_eq!(second.path(), Path::new("/clones/of-this-test-2.git"));
        drop(first);
        assert_eq!(Claim::take(wanted).path(), wanted);
    }
}
