use std::path::PathBuf;

use super::KeyFile;

/// How TLS is spoken with the broker. Files are read for every connection, so that they may be renewed at any time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// The certificates that vouch for the broker, instead of the system's.
    pub trusted: Option<KeyFile>,
    /// Our own certificate and those that vouch for it, for brokers that ask for one.
    pub certificate: Option<KeyFile>,
    /// Its private key in PEM, unless it lies with the certificate.
    pub private_key: Option<PathBuf>,
    /// How the broker's certificate is verified.
    pub verification: Verification,
}

/// How the broker's certificate is verified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verification {
    /// Somebody we trust vouches for it, and it names the host that we connect to.
    #[default]
    Full,
    /// Somebody we trust vouches for it, whatever it names.
    AnyName,
    /// Not at all: whoever answers is believed, and told our password.
    Off,
}
