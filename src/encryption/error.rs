/// Why a text could not be encrypted or decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CipherError {
    /// No key is configured.
    #[error("no key is configured: set encrypt.key or encrypt.key-store")]
    NoKey,
    /// No key is configured, and texts pass unchanged.
    #[error(
        "no key is configured, and texts would pass unchanged: set encrypt.key or encrypt.key-store"
    )]
    TooWeak,
    /// The key store has no key under this alias.
    #[error("the key store has no key under this alias")]
    UnknownAlias,
    /// The key under this alias cannot be opened with this secret.
    #[error("the key store's key under this alias has another secret")]
    WrongSecret,
    /// The text was not encrypted with this key, or not at all.
    #[error("the text was not encrypted with this key")]
    Foreign,
    /// The text ends before what every encrypted text begins with.
    #[error("the text is too short to be an encrypted one")]
    TooShort,
    /// The library refused.
    #[error("the text could not be encrypted")]
    Failed,
}

/// Why a key cannot be used; never holds a part of it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    /// Not what its header says, or cut off.
    #[error("the key is not a complete PEM text")]
    NotPem,
    /// Protected by a pass phrase.
    #[error("the key is itself encrypted")]
    EncryptedPem,
    /// Some other PEM text.
    #[error("the PEM text holds no RSA private key")]
    NotPrivate,
    /// Not RSA, damaged, or of a size that is not used.
    #[error("the key is no RSA private key of 2048 to 8192 bits")]
    NotRsa,
    /// Neither JKS nor PKCS#12.
    #[error("this is not a key store of type JKS or PKCS#12")]
    NotAStore,
    /// Java's own type.
    #[error("key stores of type JCEKS are not supported")]
    Jceks,
    /// Cut off, or changed.
    #[error("the key store is damaged")]
    Damaged,
    /// The store's password is wrong, or the store is damaged: nobody can tell these two apart.
    #[error("the key store cannot be opened with this password")]
    WrongPassword,
    /// Nothing is stored under the alias.
    #[error("the key store has no private key under this alias")]
    NoSuchAlias {
        /// Those that there are.
        aliases: Vec<String>,
    },
    /// The key has a secret of its own.
    #[error("the key cannot be opened with this secret")]
    WrongSecret,
}
