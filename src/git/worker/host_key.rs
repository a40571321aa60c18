//! Whether a host is the one that it should be.

use std::cell::RefCell;

use git2::{CertificateCheckStatus, Error, ErrorClass, ErrorCode, cert::Cert};

use crate::git::{
    Access,
    ssh::{HostKey, KnownHosts},
    ssh_host,
};

/// What a host showed that may turn out not to be known, for the reader of the error: libgit2 says nothing of it.
#[derive(Debug, Default)]
pub(super) struct Shown(RefCell<Option<String>>);

impl Shown {
    /// Why a look failed, where the host was the reason.
    pub(super) fn reason(&self, error: &Error, url: &str, access: &Access) -> Option<String> {
        if error.code() == ErrorCode::Certificate {
            return self.0.take();
        }
        let (KnownHosts::Pinned(pinned), Some(host)) = (&access.ssh.hosts, ssh_host(url)) else {
            return None;
        };
        let algorithm = pinned.algorithm();
        // We ask for no key but one of that kind.
        is_before_any_key(error).then(|| {
            format!("{host} does not speak ssh, or has no key of the kind of host-key: {algorithm}")
        })
    }
}

fn is_before_any_key(error: &Error) -> bool {
    error.class() == ErrorClass::Ssh && error.message().contains("start SSH session")
}

/// Accepts the host only by libgit2's own checks, which know what [`crate::git::home`] has laid before them, unless one is
/// switched off by name. A pinned key is compared here besides.
pub(super) fn check<'a>(
    access: &'a Access,
    shown: &'a Shown,
) -> impl FnMut(&Cert<'_>, &str) -> Result<CertificateCheckStatus, Error> + 'a {
    |certificate, host| {
        let Some(key) = certificate.as_hostkey() else {
            return Ok(if access.skip_ssl_validation {
                CertificateCheckStatus::CertificateOk
            } else {
                CertificateCheckStatus::CertificatePassthrough
            });
        };
        let hosts = &access.ssh.hosts;
        if *hosts == KnownHosts::Anybody {
            return Ok(CertificateCheckStatus::CertificateOk);
        }
        let key = HostKey::shown(key.hostkey().unwrap_or_default());
        *shown.0.borrow_mut() = Some(refusal(host, &key, hosts));
        match hosts {
            KnownHosts::Pinned(pinned) if *pinned == key => {
                Ok(CertificateCheckStatus::CertificateOk)
            }
            KnownHosts::Pinned(_) | KnownHosts::Nobody => Err(Error::new(
                ErrorCode::Certificate,
                ErrorClass::Ssh,
                "the host is not known",
            )),
            KnownHosts::File(_) | KnownHosts::OfUser | KnownHosts::Anybody => {
                Ok(CertificateCheckStatus::CertificatePassthrough)
            }
        }
    }
}

fn refusal(host: &str, key: &HostKey, hosts: &KnownHosts) -> String {
    match hosts {
        KnownHosts::Pinned(pinned) => {
            format!("{host} showed the key {key}, and host-key is {pinned}")
        }
        KnownHosts::File(path) => {
            let path = path.display();
            format!("{host} showed the key {key}, which is not the one that {path} knows it by")
        }
        _ => format!(
            "{host} showed the key {key}, by which it is not known; host-key or known-hosts-file make it so"
        ),
    }
}
