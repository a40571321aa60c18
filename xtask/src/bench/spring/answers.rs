//! Whether two servers say the same.

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::bench::http;
use crate::bench::stage::HOT;

/// Everything but the place where each of them keeps its files; tells whether even the bytes are the same.
pub(super) fn compare(ours: u16, theirs: u16) -> anyhow::Result<&'static str> {
    let (ours, theirs) = (http::get(ours, HOT)?, http::get(theirs, HOT)?);
    let (ours_read, theirs_read) = (logical(&ours)?, logical(&theirs)?);
    ensure!(
        ours_read == theirs_read,
        "Spring answers otherwise:\n{theirs_read}\ninstead of\n{ours_read}"
    );
    Ok(if ours == theirs {
        "the same bytes"
    } else {
        "the same sources and values in the same order"
    })
}

/// With source names cut to the file, and without what is not part of a configuration.
fn logical(body: &[u8]) -> anyhow::Result<Value> {
    let mut answer: Value = serde_json::from_slice(body)?;
    let all = answer.as_object_mut().context("no object")?;
    all.retain(|key, _| {
        ["name", "profiles", "label", "version", "propertySources"].contains(&key.as_str())
    });
    let sources = all.get_mut("propertySources").and_then(Value::as_array_mut);
    for source in sources.context("no sources")? {
        let name = source.get_mut("name").context("a source without name")?;
        let file = name.as_str().and_then(|name| name.rsplit('/').next());
        *name = Value::from(file.context("a name that is no text")?);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::logical;

    #[test]
    fn places_and_state_do_not_matter_but_order_and_values_do() {
        let read = |text: &str| logical(text.as_bytes()).unwrap();
        let ours = read(
            r#"{"name":"a","state":"","propertySources":[{"name":"x/1","source":{"k":1}},{"name":"2","source":{}}]}"#,
        );
        let same = read(
            r#"{"name":"a","state":null,"propertySources":[{"name":"y/1","source":{"k":1}},{"name":"2","source":{}}]}"#,
        );
        let turned = read(
            r#"{"name":"a","propertySources":[{"name":"2","source":{}},{"name":"1","source":{"k":1}}]}"#,
        );
        let other = read(
            r#"{"name":"a","propertySources":[{"name":"1","source":{"k":2}},{"name":"2","source":{}}]}"#,
        );
        assert_eq!(ours, same);
        assert_ne!(ours, turned);
        assert_ne!(ours, other);
    }
}
