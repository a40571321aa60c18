//! What all buses over a broker have in common: the handle, the driver, what is heard and what is counted.

mod address;
mod backoff;
mod beside;
mod driver;
mod files;
mod handle;
mod inbox;
mod keys;
mod password;
mod tally;
mod tls;

pub use address::Address;
#[cfg(all(test, feature = "rabbit"))]
pub(crate) use beside::LARGEST_BODY;
pub(crate) use beside::{Unread, headers, message};
pub(crate) use driver::{Connector, Session, drive};
pub(crate) use files::{line, read};
pub(crate) use handle::{Ends, Publish, pair};
pub(crate) use inbox::Inbox;
pub use keys::{KeyFile, Keys, UnusableKeys};
pub use password::Password;
pub(crate) use tally::{Tally, count};
pub use tls::{TlsSettings, Verification};
