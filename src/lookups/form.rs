//! How answers are written down: each value as it is, so that what a start reads is what was kept, type by type.

use std::{borrow::Cow, sync::Arc, time::SystemTime};

use confbus_protocol::{
    Application, Label, Position, Profiles, Property, PropertySource, PropertyValue, Timestamp,
};
use confbus_resolution::EnvironmentRequest;
use serde::{Deserialize, Serialize, Serializer};

use super::{Answer, kept::Kept};

/// What is written, one answer after the other.
#[derive(Debug, Serialize)]
pub(super) struct Written {
    confirmed: Option<SystemTime>,
    #[serde(serialize_with = "each")]
    answers: Arc<Kept>,
}

/// What is read.
#[derive(Debug, Deserialize)]
pub(super) struct Read {
    confirmed: Option<SystemTime>,
    answers: Vec<Answered>,
}

/// An answer and the coordinates that it answers, unless nobody can ask for those any more, or has for long.
#[derive(Debug, Deserialize)]
#[serde(from = "Entry<'static>")]
struct Answered(Option<(EnvironmentRequest, Arc<Answer>)>);

#[derive(Serialize, Deserialize)]
struct Entry<'a> {
    application: Cow<'a, str>,
    profiles: Cow<'a, str>,
    label: Option<Cow<'a, str>>,
    /// When somebody last took it, in seconds since 1970.
    taken: u64,
    sources: Vec<Source<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Source<'a> {
    name: Cow<'a, str>,
    properties: Vec<Pair<'a>>,
}

/// A key, what it says, and in which line and column.
#[derive(Serialize, Deserialize)]
struct Pair<'a>(Cow<'a, str>, Value<'a>, Option<(u32, u32)>);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Value<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    BigInteger(Cow<'a, str>),
    /// Its bits: JSON has no infinity.
    Float(u64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    /// In milliseconds since 1970.
    Timestamp(i64),
}

impl Written {
    pub(super) fn new(answers: Arc<Kept>, confirmed: Option<SystemTime>) -> Self {
        Self { confirmed, answers }
    }
}

impl Read {
    pub(super) fn into_parts(self) -> (Kept, Option<SystemTime>) {
        let answers = self.answers.into_iter();
        let mut kept: Kept = answers.filter_map(|Answered(answer)| answer).collect();
        kept.fit();
        (kept, self.confirmed)
    }
}

fn each<S: Serializer>(answers: &Arc<Kept>, serializer: S) -> Result<S::Ok, S::Error> {
    let all = answers.iter();
    serializer.collect_seq(all.map(|(request, answer)| entry(request, answer)))
}

fn entry<'a>(request: &'a EnvironmentRequest, answer: &'a Answer) -> Entry<'a> {
    let label = request.label.as_ref();
    Entry {
        application: request.application.as_str().into(),
        profiles: request.profiles.as_str().into(),
        label: label.map(|label| label.as_str().into()),
        taken: answer.taken(),
        sources: answer.untaken().iter().map(source).collect(),
    }
}

fn source(source: &PropertySource) -> Source<'_> {
    let properties = source.source.iter();
    Source {
        name: source.name.as_str().into(),
        properties: properties.map(pair).collect(),
    }
}

fn pair<'a>((key, property): (&'a String, &'a Property)) -> Pair<'a> {
    let origin = property.origin.map(|at| (at.line, at.column));
    Pair(key.as_str().into(), (&property.value).into(), origin)
}

impl<'a> From<&'a PropertyValue> for Value<'a> {
    fn from(value: &'a PropertyValue) -> Self {
        match value {
            PropertyValue::Null => Self::Null,
            PropertyValue::Bool(value) => Self::Bool(*value),
            PropertyValue::Integer(value) => Self::Integer(*value),
            PropertyValue::BigInteger(digits) => Self::BigInteger((&**digits).into()),
            PropertyValue::Float(value) => Self::Float(value.to_bits()),
            PropertyValue::Text(text) => Self::Text((&**text).into()),
            PropertyValue::Bytes(bytes) => Self::Bytes(bytes.as_slice().into()),
            PropertyValue::Timestamp(moment) => Self::Timestamp(moment.as_millis()),
        }
    }
}

impl From<Value<'_>> for PropertyValue {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Integer(value) => Self::Integer(value),
            Value::BigInteger(digits) => Self::BigInteger(digits.into()),
            Value::Float(bits) => Self::Float(f64::from_bits(bits)),
            Value::Text(text) => Self::Text(text.into()),
            Value::Bytes(bytes) => Self::Bytes((&*bytes).into()),
            Value::Timestamp(millis) => Self::Timestamp(Timestamp::from_millis(millis)),
        }
    }
}

impl From<Entry<'static>> for Answered {
    fn from(entry: Entry<'static>) -> Self {
        let request = entry.request();
        let sources = entry.sources.into_iter().map(PropertySource::from);
        let answer = Answer::new(sources.collect()).taken_at(entry.taken);
        let request = request.filter(|_| !answer.is_forgotten());
        Self(request.map(|request| (request, Arc::new(answer))))
    }
}

impl Entry<'_> {
    fn request(&self) -> Option<EnvironmentRequest> {
        let profiles = match &*self.profiles {
            "" => Some(Profiles::none()),
            profiles => Profiles::parse(profiles).ok(),
        };
        let label = self.label.as_deref().map(Label::parse).transpose();
        Some(EnvironmentRequest {
            application: Application::parse(&self.application).ok()?,
            profiles: profiles?,
            label: label.ok()?,
        })
    }
}

impl From<Source<'_>> for PropertySource {
    fn from(source: Source<'_>) -> Self {
        let properties = source.properties.into_iter();
        let properties = properties.map(|Pair(key, value, origin)| {
            let origin = origin.map(|(line, column)| Position { line, column });
            let value = value.into();
            (key.into_owned(), Property { value, origin })
        });
        Self {
            name: source.name.into_owned(),
            source: Arc::new(properties.collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_value_comes_back_as_it_was() {
        let values = [
            PropertyValue::Null,
            PropertyValue::Bool(true),
            PropertyValue::Integer(i64::MIN),
            PropertyValue::BigInteger("18446744073709551616".into()),
            PropertyValue::Float(f64::NEG_INFINITY),
            PropertyValue::Float(0.1),
            PropertyValue::from("a \"b\"\n\u{0}ü"),
            PropertyValue::Bytes([0, 255].as_slice().into()),
            PropertyValue::Timestamp(Timestamp::from_millis(-1)),
        ];
        let keyed = values.into_iter().enumerate().rev();
        let properties = keyed.map(|(index, value)| {
            let origin = Some(Position { line: 7, column: 9 });
            let origin = origin.filter(|_| index % 2 == 0);
            (format!("k[{index}]"), Property { value, origin })
        });
        let sources = vec![PropertySource {
            name: "fake".into(),
            source: Arc::new(properties.collect()),
        }];
        let requests = [
            ("a(_)b,c", Profiles::parse("p"), None),
            ("a", Ok(Profiles::none()), Some("x(_)y")),
        ];
        let requests = requests.map(|(application, profiles, label)| EnvironmentRequest {
            application: Application::parse(application).unwrap(),
            profiles: profiles.unwrap(),
            label: label.map(|label| Label::parse(label).unwrap()),
        });
        let taken = Answer::new(Vec::new()).taken() - 9;
        let answer = Arc::new(Answer::new(sources.clone()).taken_at(taken));
        let kept: Kept = requests
            .iter()
            .map(|request| (request.clone(), Arc::clone(&answer)))
            .collect();
        let confirmed = SystemTime::UNIX_EPOCH + Duration::new(5, 7);
        let written = Written::new(Arc::new(kept), Some(confirmed));
        let text = serde_json::to_vec(&written).unwrap();
        let read: Read = serde_json::from_slice(&text).unwrap();
        let (kept, at) = read.into_parts();
        assert_eq!(at, Some(confirmed));
        let keys = |sources: &[PropertySource]| -> Vec<String> {
            sources[0].source.keys().cloned().collect()
        };
        for request in &requests {
            let answer = kept.get(request).unwrap();
            assert_eq!(answer.taken(), taken);
            let found = answer.sources();
            assert_eq!(found, sources);
            assert_eq!(keys(&found), keys(&sources));
        }
    }

    #[test]
    fn what_nobody_has_taken_for_a_month_stays_away() {
        let now = Answer::new(Vec::new()).taken();
        let day = 24 * 60 * 60;
        let taken = [
            ("a", now - 31 * day),
            ("b", now - 29 * day),
            ("c", now + day),
        ];
        let request = |application| EnvironmentRequest {
            application: Application::parse(application).unwrap(),
            profiles: Profiles::none(),
            label: None,
        };
        let answer = |at| Arc::new(Answer::new(Vec::new()).taken_at(at));
        let kept: Kept = taken
            .map(|(name, at)| (request(name), answer(at)))
            .into_iter()
            .collect();
        let written = Written::new(Arc::new(kept), None);
        let text = serde_json::to_vec(&written).unwrap();
        let read: Read = serde_json::from_slice(&text).unwrap();
        let (kept, _) = read.into_parts();
        let left = ["a", "b", "c"].map(|name| kept.get(&request(name)).is_some());
        assert_eq!(left, [false, true, true]);
    }
}
