//! Which registries are told that this server is here, under the names that Spring's starters give to their settings.

#[cfg(any(feature = "consul", feature = "eureka", feature = "zookeeper"))]
mod advertised;
#[cfg(feature = "consul")]
mod consul;
#[cfg(feature = "eureka")]
mod eureka;
#[cfg(all(
    test,
    any(feature = "consul", feature = "eureka", feature = "zookeeper")
))]
mod testing;
#[cfg(feature = "zookeeper")]
mod zookeeper;

use crate::{registration::Settings, settings::reader::Reader};

/// `None` when they cannot be used.
#[cfg_attr(
    not(any(feature = "consul", feature = "eureka", feature = "zookeeper")),
    expect(unused_variables, reason = "no registry is built in")
)]
pub(super) fn registration(reader: &mut Reader, is_https: bool) -> Option<Settings> {
    absent(reader);
    // Each is read, so that the mistakes of all are told.
    #[cfg(feature = "consul")]
    let consul = consul::consul(reader, is_https);
    #[cfg(feature = "eureka")]
    let eureka = eureka::eureka(reader, is_https);
    #[cfg(feature = "zookeeper")]
    let zookeeper = zookeeper::zookeeper(reader, is_https);
    Some(Settings {
        #[cfg(feature = "consul")]
        consul: consul?.map(Box::new),
        #[cfg(feature = "eureka")]
        eureka: eureka?.map(Box::new),
        #[cfg(feature = "zookeeper")]
        zookeeper: zookeeper?.map(Box::new),
    })
}

/// Says of each registry that is not built in and is named that nobody is told.
fn absent(reader: &mut Reader) {
    let all = [
        ("consul", cfg!(feature = "consul"), "spring.cloud.consul."),
        (
            "eureka",
            cfg!(feature = "eureka"),
            "eureka.client.service-url.",
        ),
        (
            "zookeeper",
            cfg!(feature = "zookeeper"),
            "spring.cloud.zookeeper.",
        ),
    ];
    for (feature, is_built_in, keys) in all {
        if !is_built_in {
            let why = format!("this program was built without the feature `{feature}`");
            reader.have_no_effect(keys, &["enabled"], &why);
        }
    }
}
