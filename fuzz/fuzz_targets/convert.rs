#![no_main]
//! Every environment has its three formats, or a reason why not.

use confbus_protocol::{Environment, PropertySource};
use confbus_resolution::{Conversion, Format, Placeholders, convert, parse_documents};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let source = |properties| PropertySource {
        name: "s".into(),
        source: properties,
    };
    let documents = parse_documents("a.properties", bytes).unwrap_or_default();
    let environment = Environment {
        property_sources: documents.into_iter().map(source).collect(),
        ..Environment::default()
    };
    for format in [Format::Yaml, Format::Properties, Format::Json] {
        for placeholders in [Placeholders::Keep, Placeholders::Resolve] {
            let conversion = Conversion {
                format,
                placeholders,
                strip_document: true,
            };
            _ = convert(&environment, conversion);
        }
    }
});
