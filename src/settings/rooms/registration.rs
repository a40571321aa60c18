//! Which registries are told that this server is here, under the names that Spring's starters give to their settings.

use crate::{registration::Settings, settings::reader::Reader};

#[cfg(feature = "eureka")]
mod eureka;

/// `None` when they cannot be used.
#[cfg(feature = "eureka")]
pub(super) fn registration(reader: &mut Reader, is_https: bool) -> Option<Settings> {
    let eureka = eureka::eureka(reader, is_https)?;
    Some(Settings {
        eureka: eureka.map(Box::new),
    })
}

/// No registry is built in.
#[cfg(not(feature = "eureka"))]
pub(super) fn registration(reader: &mut Reader, _: bool) -> Option<Settings> {
    let why = "this program was built without the feature `eureka`";
    reader.have_no_effect("eureka.client.service-url.", &[], why);
    Some(Settings::default())
}
