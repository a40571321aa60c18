use std::time::Duration;

/// Why a Vault gave no secrets. Never a secret or a token, nor what the Vault itself says about them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VaultError {
    /// The request brings none, and none is configured.
    #[error("the vault needs a token: send it as `X-Config-Token`")]
    NoToken,
    /// The request asks for more keys than are looked up.
    #[error("applications and profiles make more than {0} keys")]
    TooManyKeys(usize),
    /// All secrets together are more than is served.
    #[error("the secrets of this request take more than {} MiB", .0 >> 20)]
    TooMuch(usize),
    /// The token is wrong, or may not read this.
    #[error("the vault does not let this token read `{path}` (403)")]
    Forbidden {
        /// Below `/v1/`.
        path: String,
    },
    /// It answers, but not the question.
    #[error("the vault answered {status} to a read of `{path}`{hint}")]
    Status {
        /// Below `/v1/`.
        path: String,
        status: u16,
        /// What the status usually means, with its comma.
        hint: &'static str,
    },
    /// Nobody answers.
    #[error("the vault cannot be reached: {0}")]
    Unreachable(String),
    /// It took longer than the settings allow.
    #[error("the vault did not answer within {} ms", .0.as_millis())]
    Late(Duration),
    /// What came is no secret of this engine.
    #[error("the vault's answer to a read of `{path}` cannot be used: {problem}")]
    Answer {
        /// Below `/v1/`.
        path: String,
        problem: &'static str,
    },
}

impl VaultError {
    /// The answer of a Vault that neither has the secret nor says that there is none.
    pub(super) fn of_status(path: &str, status: u16) -> Self {
        let path = path.to_owned();
        let hint = match status {
            403 => return Self::Forbidden { path },
            300..=399 => ": redirects are not followed, name the active node",
            412 | 472 | 473 => ": this node is a standby",
            429 => ": too many requests, or a standby",
            501 => ": it was never initialised",
            503 => ": it is sealed or under maintenance",
            _ => "",
        };
        Self::Status { path, status, hint }
    }

    /// Whether another request could do better.
    pub(super) fn is_of_caller(&self) -> bool {
        matches!(self, Self::NoToken | Self::TooManyKeys(_))
    }
}
