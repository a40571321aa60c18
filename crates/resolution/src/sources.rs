//! Documents and overrides as named sources of an environment.

use std::sync::Arc;

use confbus_protocol::{Properties, PropertySource, PropertyValue};

use crate::{
    Layout,
    contributors::Contributor,
    documents::{buckets_of_copy, sort_as_hash_map},
};

/// The source that wins over all others.
///
/// `\{` and `\${` keep the server from resolving its own settings; here they have done their work.
pub(crate) fn overrides(layout: &Layout) -> PropertySource {
    let mut entries: Vec<_> = layout.overrides.iter().collect();
    let buckets = buckets_of_copy(entries.len());
    sort_as_hash_map(&mut entries, buckets, |(key, _)| key);
    let property = |(key, value): (&String, &String)| {
        let value = value.replace("\\{", "{").replace("\\${", "${");
        (key.clone(), PropertyValue::from(value).into())
    };
    PropertySource {
        name: "overrides".into(),
        source: Arc::new(entries.into_iter().map(property).collect::<Properties>()),
    }
}

/// The source that a document makes.
pub(crate) fn of_document(contributor: &Contributor<'_>, layout: &Layout) -> PropertySource {
    PropertySource {
        name: name(contributor, layout),
        source: Arc::clone(&contributor.document.properties),
    }
}

/// `<uri>/<path>`, or a longer form for a file with several documents, with a bracket that never closes.
fn name(contributor: &Contributor<'_>, layout: &Layout) -> String {
    let Contributor {
        path,
        location,
        index,
        of,
        ..
    } = contributor;
    let name = if *of == 1 {
        (*path).to_owned()
    } else {
        format!(
            "Config resource 'file [{}/{path}' via location '{location}' (document #{index})",
            layout.checkout
        )
    };
    format!("{}/{}", layout.uri, name.replace(']', ""))
}
