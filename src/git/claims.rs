use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// Which directories for clones are in use.
///
/// Two repositories may have the same address, and a thread that was left behind may still write.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claims(Arc<Mutex<HashSet<PathBuf>>>);

/// A directory that is nobody else's as long as somebody holds the claim.
#[derive(Debug, Clone)]
pub(super) struct Claim(Arc<Claimed>);

#[derive(Debug)]
struct Claimed {
    path: PathBuf,
    claims: Claims,
}

impl Claims {
    /// Takes the directory, or the first free one of those beside it that end in a number.
    pub(super) fn take(&self, wanted: &Path) -> Claim {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut path = wanted.to_path_buf();
        let mut number = 1;
        while !taken.insert(path.clone()) {
            number += 1;
            path = numbered(wanted, number);
        }
        let claims = self.clone();
        Claim(Arc::new(Claimed { path, claims }))
    }
}

impl Claim {
    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }
}

fn numbered(path: &Path, number: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{number}.git"))
}

impl Drop for Claimed {
    fn drop(&mut self) {
        let mut taken = self.claims.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_user_at_a_time() {
        let (claims, wanted) = (Claims::default(), Path::new("/clones/orders.git"));
        let first = claims.take(wanted);
        let second = claims.take(wanted);
        assert_eq!(first.path(), wanted);
        assert_eq!(second.path(), Path::new("/clones/orders-2.git"));
        drop(first);
        assert_eq!(claims.take(wanted).path(), wanted);
    }
}
