/// An event was not published, or nobody knows whether it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// There is no connection at the moment; nothing was sent.
    #[error("the bus is not connected to the broker")]
    NotConnected,
    /// The connection for publishing could not be made, often in the broker's words; nothing was sent.
    #[error("the bus cannot publish: {0}")]
    NoPublisher(String),
    /// The broker takes no messages until its memory or disk alarm is over (`connection.blocked`); the event that met
    /// the alarm first is sent then.
    #[error("the broker is short of memory or disk and takes no messages")]
    Blocked,
    /// No confirm came in time: the event may have been sent.
    #[error("the broker did not confirm the event in time")]
    Timeout,
    /// The connection ended before the confirm: the event may have been sent.
    #[error("the broker ended the connection before it confirmed the event: {0}")]
    Lost(String),
    /// The broker could not take the event (`basic.nack`).
    #[error("the broker did not take the event")]
    Nack,
    /// The broker forbids it, which another try does not change.
    #[error("the broker refused the event: {0}")]
    Refused(String),
}

impl PublishError {
    /// Whether the same call may succeed later. An event that arrives twice does no harm.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotConnected
            | Self::NoPublisher(_)
            | Self::Blocked
            | Self::Timeout
            | Self::Lost(_)
            | Self::Nack => true,
            Self::Refused(_) => false,
        }
    }

    /// Whether it may have been sent all the same, or be sent yet.
    #[must_use]
    pub fn may_have_been_sent(&self) -> bool {
        match self {
            Self::Blocked | Self::Timeout | Self::Lost(_) => true,
            Self::NotConnected | Self::NoPublisher(_) | Self::Nack | Self::Refused(_) => false,
        }
    }
}
