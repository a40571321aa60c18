//! What holds for every text with placeholders, and for every environment.

use std::borrow::Cow;
use std::collections::HashMap;

use confbus_protocol::{
    Environment, Properties, PropertySource, PropertyValue, Representation, resolve_placeholders,
};
use proptest::{collection::vec, prelude::*};

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-c]",
        3 => Just("${".to_owned()),
        3 => Just("}".to_owned()),
        2 => r"[:\\{$ ]",
        1 => Just("$_{".to_owned()),
        1 => "[é😀\n\"]",
    ];
    vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

/// Values that JSON can hold.
fn value() -> impl Strategy<Value = PropertyValue> {
    prop_oneof![
        Just(PropertyValue::Null),
        any::<bool>().prop_map(PropertyValue::Bool),
        any::<i64>().prop_map(PropertyValue::Integer),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(PropertyValue::Float),
        ".{0,12}".prop_map(PropertyValue::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_stops_the_resolver(
        input in text(),
        known in proptest::collection::hash_map("[a-c:]{1,2}", text(), 0..5),
    ) {
        let lookup = |key: &str| known.get(key).map(|value| Cow::Borrowed(value.as_str()));
        _ = resolve_placeholders(&input, &lookup);
    }

    #[test]
    fn text_without_placeholders_stays(input in "[^$]{0,60}") {
        prop_assert_eq!(resolve_placeholders(&input, &|_| None), Ok(input));
    }

    #[test]
    fn a_known_key_is_replaced(
        key in "[a-z.]{1,10}",
        value in "[^$]{0,20}",
        around in "[^$\\\\{}]{0,10}",
    ) {
        let known = HashMap::from([(key.as_str(), value.as_str())]);
        let lookup = |key: &str| known.get(key).map(|value| Cow::Borrowed(*value));
        let input = format!("{around}${{{key}}}{around}");
        let expected = format!("{around}{value}{around}");
        prop_assert_eq!(resolve_placeholders(&input, &lookup), Ok(expected));
        let escaped = format!("{around}\\${{{key}}}{around}");
        prop_assert_eq!(resolve_placeholders(&escaped, &lookup), Ok(input));
    }

    #[test]
    fn an_environment_survives_the_wire(
        name in ".{0,10}",
        label in proptest::option::of(".{0,5}"),
        source in proptest::collection::hash_map(".{0,8}", value(), 0..8),
    ) {
        let property = |(key, value): (String, PropertyValue)| (key, value.into());
        let source: Properties = source.into_iter().map(property).collect();
        let environment = Environment {
            name,
            label,
            property_sources: vec![PropertySource { name: "s".into(), source: source.into() }],
            ..Environment::default()
        };
        for representation in [Representation::V1, Representation::V2] {
            let json = environment.to_json(representation);
            let read: Environment = serde_json::from_slice(&json).unwrap();
            prop_assert_eq!(&read, &environment);
        }
    }
}
