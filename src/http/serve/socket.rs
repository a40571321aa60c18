//! A socket in the file system, for gateways on this machine.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::{
        fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
        net::UnixListener,
    },
    path::{Path, PathBuf},
};

use socket2::{Domain, SockAddr, Type};

use super::listen::BACKLOG;

/// Where a socket is to be, and who may connect to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SocketFile {
    pub(crate) path: PathBuf,
    /// As of any file: 0o660 for the user and the group of the server.
    pub(crate) mode: u32,
}

/// A socket that somebody may connect to.
#[derive(Debug)]
pub(super) struct Socket {
    listener: UnixListener,
    file: OwnFile,
}

/// The file of a socket, which goes with this.
#[derive(Debug)]
pub(super) struct OwnFile {
    path: PathBuf,
    /// Which file it is, whatever has its name later.
    identity: (u64, u64),
}

impl Socket {
    /// Makes the socket; what an earlier server left behind is taken away.
    ///
    /// # Errors
    /// When somebody listens there, or something else than a socket has the name.
    pub(super) fn bind(file: &SocketFile) -> io::Result<Self> {
        let path = &file.path;
        make_way(path)?;
        let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&SockAddr::unix(path)?)?;
        let own = OwnFile {
            path: path.clone(),
            identity: identity(path)?,
        };
        // Before anybody can connect.
        fs::set_permissions(path, Permissions::from_mode(file.mode))?;
        socket.listen(i32::try_from(BACKLOG).unwrap_or(i32::MAX))?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            listener: socket.into(),
            file: own,
        })
    }

    /// A listener for each of so many threads, and what the file goes with.
    pub(super) fn shared(self, threads: usize) -> io::Result<(Vec<UnixListener>, OwnFile)> {
        let all = (0..threads).map(|_| self.listener.try_clone());
        Ok((all.collect::<io::Result<_>>()?, self.file))
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

/// Removes a socket on which nobody listens, and nothing else.
fn make_way(path: &Path) -> io::Result<()> {
    let file = match fs::symlink_metadata(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !file.file_type().is_socket() {
        let text = "something that is no socket has this name";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // Whoever listens may be too busy to accept.
    socket.set_nonblocking(true)?;
    match socket.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        Ok(()) | Err(_) => Err(io::ErrorKind::AddrInUse.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    fn file(folder: &Path) -> SocketFile {
        SocketFile {
            path: folder.join("confbus.sock"),
            mode: 0o600,
        }
    }

    #[test]
    fn a_socket_has_its_rights_and_goes_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path());
        let socket = Socket::bind(&file).unwrap();
        let mode = fs::metadata(&file.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        UnixStream::connect(&file.path).unwrap();
        let (listeners, own) = socket.shared(2).unwrap();
        assert_eq!(listeners.len(), 2);
        drop(own);
        assert!(!file.path.exists());
    }

    #[test]
    fn what_nobody_listens_on_makes_way_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path());
        // A listener that ends leaves its file behind.
        drop(UnixListener::bind(&file.path).unwrap());
        let socket = Socket::bind(&file).unwrap();
        let second = Socket::bind(&file).unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
        // What another has put there meanwhile stays.
        fs::remove_file(&file.path).unwrap();
        fs::write(&file.path, "text").unwrap();
        drop(socket);
        let refused = Socket::bind(&file).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&file.path).unwrap(), "text");
    }
}
