use std::{
    collections::HashSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use super::folder;

/// Another server may be about to end.
const PATIENCE: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);

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
    /// Says to other processes that it is taken.
    lock: OnceLock<File>,
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
        Claim(Arc::new(Claimed {
            path,
            claims,
            lock: OnceLock::new(),
        }))
    }
}

impl Claim {
    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Takes the directory for this process, as soon as another one that may be about to end has let it go.
    ///
    /// # Errors
    /// When another process keeps it, or somebody else may have put there what lies there.
    pub(super) async fn lock(&self) -> io::Result<()> {
        for end in ["git", "home", "lock", "served"] {
            folder::check(&self.0.path.with_extension(end))?;
        }
        let mut taken = self.try_lock();
        for _ in 0..PATIENCE {
            if taken.is_ok() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            taken = self.try_lock();
        }
        taken
    }

    fn try_lock(&self) -> io::Result<()> {
        if self.0.lock.get().is_some() {
            return Ok(());
        }
        let path = self.0.path.with_extension("lock");
        let opened = path.parent().map_or(Ok(()), fs::create_dir_all);
        let opened = opened.and_then(|()| File::options().append(true).create(true).open(&path));
        // What cannot be written, nobody else writes.
        let Ok(file) = opened else { return Ok(()) };
        if let Err(Errno::WOULDBLOCK) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            let folder = path.parent().unwrap_or(&path).display();
            return Err(io::Error::other(format!(
                "another confbus has its clones in {folder}; each needs a spring.cloud.config.server.git.basedir of its own"
            )));
        }
        _ = self.0.lock.set(file);
        Ok(())
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

    #[tokio::test]
    async fn a_directory_has_one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = folder.path().join("below/orders.git");
        let take = || Claims::default().take(&wanted);
        let first = take();
        first.lock().await.unwrap();
        // Once more by the same one.
        first.lock().await.unwrap();
        // As another process would.
        let refused = take().lock().await.unwrap_err().to_string();
        assert!(refused.contains("another confbus"), "{refused}");
        drop(first);
        take().lock().await.unwrap();
    }
}
