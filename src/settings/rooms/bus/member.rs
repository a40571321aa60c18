//! Who we are on the bus.

use confbus_protocol::{BusId, Member};
use serde_json::Value;

use crate::settings::reader::Reader;

/// `spring.cloud.bus.id`, or what Spring makes up without it: `application[:profiles]:index:random`.
pub(in crate::settings::rooms) fn member(reader: &mut Reader) -> Option<Member> {
    let id = match reader.text("spring.cloud.bus.id") {
        Some(id) => BusId::new(id),
        None => default_id(reader),
    };
    let member = id.map(|id| Member {
        id,
        config_names: Vec::new(),
    });
    member
        .inspect_err(|error| reader.refuse("spring.cloud.bus.id", error.to_string(), None))
        .ok()
}

fn default_id(reader: &Reader) -> Result<BusId, confbus_protocol::InvalidBusId> {
    let platform = Platform::of(reader);
    // Profiles as they were written, blanks and all; not those of a list, nor beside the name that a platform gives.
    let profiles = match &platform.name {
        Some(_) => None,
        None => reader.text("spring.profiles.active"),
    };
    let name = platform
        .name
        .or_else(|| reader.text("spring.application.name"))
        // Spring would say `application`, which tells nobody whose events these are.
        .unwrap_or_else(|| "config-server".into());
    let index = platform
        .index
        .or_else(|| reader.text("spring.application.index"))
        .or_else(|| reader.text("server.port"))
        .unwrap_or_else(|| "8888".into());
    let random = platform
        .id
        .unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string());
    BusId::of_instance(&name, &profiles.unwrap_or_default(), &index, &random)
}

/// What Cloud Foundry says of this instance: key by key, or all at once in the variable `VCAP_APPLICATION`.
struct Platform {
    name: Option<String>,
    index: Option<String>,
    id: Option<String>,
}

impl Platform {
    fn of(reader: &Reader) -> Self {
        let whole = reader.text("vcap.application").unwrap_or_default();
        let whole: Value = serde_json::from_str(&whole).unwrap_or_default();
        let part = |name: &str| {
            let said = reader.text(&format!("vcap.application.{name}"));
            said.or_else(|| match &whole[name] {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
        };
        Self {
            name: part("name"),
            index: part("instance_index"),
            id: part("instance_id"),
        }
    }
}
