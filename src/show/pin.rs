use confbus::{printable, short_version};
use jiff::Timestamp;
use serde_json::Value;

use crate::{desk::address, talk};

/// What is pinned, in a line.
pub(crate) fn pin_line(pin: &Value) -> String {
    let sign = talk::sign("held");
    format!("{sign} {}", printable(&shown(pin)))
}

/// `orders/dev  4e81d07  until 2026-11-20T15:09:00Z  by jo  INC-812`.
fn shown(pin: &Value) -> String {
    let text = |key: &str| pin[key].as_str().unwrap_or_default();
    let commit = text("commit");
    let until = pin["until"].as_i64().unwrap_or_default();
    let until = Timestamp::from_second(until / 1000).unwrap_or_default();
    format!(
        "{}  {}  until {until}  by {}  {}",
        address(pin),
        short_version(commit),
        text("by"),
        text("reason"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pin_is_one_line() {
        let pin = json!({
            "application": "orders", "profile": null, "label": "main", "commit": "4e81d07".repeat(6)[..40], "by": "jo", "reason": "INC-812",
            "until": 1_763_650_140_000_i64,
        });
        assert_eq!(
            shown(&pin),
            "orders/*/main  4e81d07  until 2025-11-20T14:49:00Z  by jo  INC-812"
        );
    }
}
