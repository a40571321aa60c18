use askama::Template;
use serde_json::Value;

use super::frame::Frame;

/// How commits come here, and how the news of them goes out.
#[derive(Debug, Template)]
#[template(path = "delivery.html")]
pub(crate) struct Delivery {
    pub(crate) frame: Frame,
    /// Nothing for whoever may not know.
    pub(crate) parts: Option<Vec<Facts>>,
}

/// What is known of one part.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) is_well: bool,
    pub(crate) facts: Vec<Fact>,
}

/// A name and what is so.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// The most that one part tells.
const MOST_FACTS: usize = 100;

impl Facts {
    /// Whatever health tells of a part, one fact a line.
    pub(crate) fn of(name: &str, status: &str, details: &Value) -> Self {
        let mut facts = Vec::new();
        flatten("", details, &mut facts);
        facts.truncate(MOST_FACTS);
        let is_bad = |fact: &Fact| match fact.name.as_str() {
            "connected" => fact.value == "no",
            "degraded" => fact.value == "yes",
            name => name == "error" || name.ends_with(" error"),
        };
        Self {
            name: name.to_owned(),
            is_well: status == "UP" && !facts.iter().any(is_bad),
            facts,
        }
    }
}

fn flatten(name: &str, value: &Value, facts: &mut Vec<Fact>) {
    let below = |part: &str| match name {
        "" => part.replace('_', " "),
        name => format!("{name} {}", part.replace('_', " ")),
    };
    let shown = match value {
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(part, value)| flatten(&below(part), value, facts));
            return;
        }
        Value::Array(list) if list.iter().any(Value::is_object) => {
            for (index, value) in (1..).zip(list) {
                flatten(&below(&index.to_string()), value, facts);
            }
            return;
        }
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        Value::Array(list) => {
            let each: Vec<_> = list.iter().map(shown).collect();
            each.join("\n")
        }
        // To the minute: a page is not another one each second.
        Value::Number(seconds) if name.ends_with("seconds ago") => {
            let name = name.trim_end_matches(" seconds ago").to_owned();
            let value = match seconds.as_u64().unwrap_or_default() / 60 {
                0 => "within the last minute".to_owned(),
                minutes => format!("{minutes} min ago"),
            };
            facts.push(Fact { name, value });
            return;
        }
        plain => shown(plain),
    };
    facts.push(Fact {
        name: name.to_owned(),
        value: shown,
    });
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn details_become_lines() {
        let details = json!({ "connected": false, "confirmed_seconds_ago": 130, "counts": { "not_understood": 2 }, "list": [], "many": [{ "a": null }, { "a": "x" }] });
        let part = Facts::of("bus", "UP", &details);
        let facts: Vec<_> = part
            .facts
            .iter()
            .map(|fact| format!("{}={}", fact.name, fact.value))
            .collect();
        assert_eq!(
            facts,
            [
                "connected=no",
                "confirmed=2 min ago",
                "counts not understood=2",
                "list=none",
                "many 1 a=–",
                "many 2 a=x"
            ]
        );
        assert!(!part.is_well);
        assert!(Facts::of("git", "UP", &json!({ "degraded": false })).is_well);
    }
}
