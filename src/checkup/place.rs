use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
    path::Path,
};

use jiff::Timestamp;
use rustix::fs::statvfs;

use super::{Finding, Verdict};
use crate::{files, http::Tls};

const GIB: u64 = 1 << 30;
/// Below this a look may fail.
const LITTLE: u64 = GIB;
/// A certificate that ends sooner wants a look.
const SOON: i64 = 21;
const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;

/// Takes a port and gives it back.
pub(super) fn port(address: SocketAddr) -> Finding {
    const NAME: &str = "port";
    match TcpListener::bind(address) {
        Ok(_) => Finding::good(NAME, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let text = format!("{address} is taken; good if by the server of these settings");
            Finding::new(NAME, Verdict::Doubtful, text)
                .help("confbus health tells whether that runs")
        }
        Err(error) => Finding::new(NAME, Verdict::Bad, format!("{address}: {error}"))
            .help("set server.address and server.port to what this user may listen on"),
    }
}

/// Writes a file into a folder and removes it; for one that is not there, into the one where it would be made.
pub(super) fn disk(folder: &Path) -> Finding {
    const NAME: &str = "disk";
    let mut existing = folder.ancestors();
    let existing = existing.find(|folder| folder.is_dir());
    let existing = existing.unwrap_or_else(|| Path::new("."));
    let shown = folder.display();
    if let Err(error) = tempfile::tempfile_in(existing) {
        let text = format!("{shown} cannot be written: {error}");
        return Finding::new(NAME, Verdict::Bad, text)
            .help("give this user the folder, or set spring.cloud.config.server.git.basedir");
    }
    match statvfs(existing) {
        Ok(about) => {
            let free = about.f_bavail.saturating_mul(about.f_frsize);
            let text = format!(
                "{shown} can be written; {}.{} GiB free",
                free / GIB,
                free % GIB * 10 / GIB
            );
            if free < LITTLE {
                return Finding::new(NAME, Verdict::Doubtful, text).help("make room");
            }
            Finding::good(NAME, text)
        }
        Err(error) => Finding::new(NAME, Verdict::Doubtful, format!("{shown}: {error}")),
    }
}

/// How long our certificate is good; that key and files belong together is known, since they were opened.
pub(super) fn tls(tls: &Tls) -> Finding {
    const NAME: &str = "tls";
    let Some(end) = tls.not_after() else {
        return Finding::good(NAME, "certificate and key belong together");
    };
    let days = end.as_second().saturating_sub(Timestamp::now().as_second()) / SECONDS_OF_A_DAY;
    let text = format!("certificate and key belong together; good until {end}");
    if end < Timestamp::now() {
        let text = format!("the certificate ended at {end}");
        return Finding::new(NAME, Verdict::Bad, text)
            .help("renew it; a running server reads it by itself");
    }
    if days < SOON {
        return Finding::new(NAME, Verdict::Doubtful, text)
            .help("renew it; a running server reads it by itself");
    }
    Finding::good(NAME, text)
}

/// Directories without placeholders have to be there.
pub(super) fn directories(files: &files::Settings) -> Finding {
    const NAME: &str = "native";
    let fixed = files.roots.iter().filter(|root| !root.path.contains('{'));
    let missing = fixed.filter(|root| std::fs::read_dir(&root.directory).is_err());
    let missing: Vec<_> = missing.map(|root| root.path.as_str()).collect();
    if missing.is_empty() {
        return Finding::good(NAME, format!("{} can be read", files.display_uri));
    }
    let text = format!("{} cannot be read", missing.join(", "));
    Finding::new(NAME, Verdict::Bad, text)
        .help("see spring.cloud.config.server.native.search-locations, and who may read them")
}
