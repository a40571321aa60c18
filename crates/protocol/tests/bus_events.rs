//! Bus events byte for byte as both lines of Spring write them, and odd ones as Spring reads them.

use confbus_protocol::{BusEvent, DecodeError, EventKind, SpringLine};

/// As recorded from real applications.
const RECORDED: &[(SpringLine, &str)] = &[
    (
        SpringLine::Boot4,
        r#"{"type":"RefreshRemoteApplicationEvent","destinationService":"**","id":"5ca52405-240f-469f-8870-543b772c043c","originService":"config-server:47613:f4556c72b291ff54cdb98f42399ef552","timestamp":1795273145892}"#,
    ),
    (
        SpringLine::Boot4,
        r#"{"type":"AckRemoteApplicationEvent","ackDestinationService":"**","ackId":"5ca52405-240f-469f-8870-543b772c043c","destinationService":"**","event":"org.springframework.cloud.bus.event.RefreshRemoteApplicationEvent","id":"6c62d517-133a-464a-b426-1ffc5a3b8d8d","originService":"customers:52543:60af79347f1e1bf4efd653762a318901","timestamp":1795273146475}"#,
    ),
    (
        SpringLine::Boot4,
        r#"{"type":"EnvironmentChangeRemoteApplicationEvent","destinationService":"**","id":"42222b9c-c94d-4843-802c-f4ed4a231d94","originService":"config-server:47613:f4556c72b291ff54cdb98f42399ef552","timestamp":1795273250714,"values":{"injected":"by-busenv"}}"#,
    ),
    (
        SpringLine::Boot3,
        r#"{"type":"RefreshRemoteApplicationEvent","timestamp":1795273401149,"originService":"config-server:47399:46bc3a288e7c19dfc143781b84baf28f","destinationService":"**","id":"bc80f838-e19c-448f-8ee8-18fff141c9f6"}"#,
    ),
    (
        SpringLine::Boot3,
        r#"{"type":"AckRemoteApplicationEvent","timestamp":1795273401355,"originService":"customers:58747:bc4ee717d97a221e4f93be6195b8d03b","destinationService":"**","id":"002734a2-983c-4777-a249-1d1c929a3c0e","ackId":"bc80f838-e19c-448f-8ee8-18fff141c9f6","ackDestinationService":"**","event":"org.springframework.cloud.bus.event.RefreshRemoteApplicationEvent"}"#,
    ),
    (
        SpringLine::Boot3,
        r#"{"type":"EnvironmentChangeRemoteApplicationEvent","timestamp":1795273442074,"originService":"config-server:47399:46bc3a288e7c19dfc143781b84baf28f","destinationService":"**","id":"f0c7b6c3-72f7-4272-bc72-5af4544a7946","values":{"injected":"by-busenv"}}"#,
    ),
    (
        SpringLine::Boot3,
        r#"{"type":"ShutdownRemoteApplicationEvent","timestamp":1795170581505,"originService":"app:8080:abc","destinationService":"a:b:c","id":"5dd7a7f5-d6b8-4908-b9a6-eee8111c2d44"}"#,
    ),
];

#[test]
fn what_spring_wrote_is_read_and_written_again_byte_for_byte() {
    for (line, recorded) in RECORDED {
        let event = BusEvent::from_json(recorded.as_bytes()).unwrap();
        let written = String::from_utf8(event.to_json_of(*line)).unwrap();
        assert_eq!(written, *recorded);
    }
}

fn read(body: &str) -> Result<BusEvent, DecodeError> {
    BusEvent::from_json(body.as_bytes())
}

/// A refresh with one field said otherwise; an empty text leaves the field out.
fn with(field: &str, value: &str) -> BusEvent {
    let fields = [
        ("type", r#""RefreshRemoteApplicationEvent""#),
        ("timestamp", "1705329000123"),
        ("originService", r#""server:8888:cd34""#),
        ("destinationService", r#""orders:**""#),
        ("id", r#""e1""#),
    ];
    let said = fields.map(|(key, usual)| (key, if key == field { value } else { usual }));
    let said: Vec<_> = said
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| format!("\"{key}\":{value}"))
        .collect();
    read(&format!("{{{}}}", said.join(",")))
        .unwrap_or_else(|error| panic!("{field} {value}: {error}"))
}

#[test]
fn odd_fields_are_read_as_spring_reads_them() {
    for (value, expected) in [
        (r#""**""#, Some("**")),
        (r#""""#, Some("")),
        (r#""  ""#, Some("  ")),
        ("null", None),
        ("", Some("____transient_destination___:**")),
        ("7", Some("7")),
    ] {
        let event = with("destinationService", value);
        assert_eq!(event.destination_service.as_deref(), expected, "{value}");
    }
    for (value, expected) in [
        (r#""free text""#, "free text"),
        ("5", "5"),
        ("null", ""),
        ("", ""),
    ] {
        assert_eq!(with("id", value).id, expected, "{value}");
    }
    for (value, expected) in [
        ("1705329000123", 1_705_329_000_123),
        (r#""5""#, 5),
        ("1705329000123.7", 1_705_329_000_123),
        (r#""2026-11-21T15:00:00Z""#, 0),
        ("null", 0),
        ("", 0),
        ("{}", 0),
    ] {
        assert_eq!(with("timestamp", value).timestamp, expected, "{value}");
    }
    for (value, expected) in [
        (r#""AckRemoteApplicationEvent""#, true),
        (r#""ShutdownRemoteApplicationEvent""#, true),
        (r#""com.example.UserEvent""#, false),
        (
            r#""org.springframework.cloud.bus.event.RefreshRemoteApplicationEvent""#,
            false,
        ),
        (r#""UnknownRemoteApplicationEvent""#, false),
        ("5", false),
        ("null", false),
        ("", false),
    ] {
        let is_known = !matches!(with("type", value).kind, EventKind::Unknown { .. });
        assert_eq!(is_known, expected, "{value}");
    }
    assert_eq!(with("originService", r#""""#).origin_service, "");
}

#[test]
fn keys_may_come_in_any_order_in_snake_case_and_with_others() {
    let plain = with("", "");
    for body in [
        r#"{"destinationService":"orders:**","id":"e1","originService":"server:8888:cd34","timestamp":1705329000123,"type":"RefreshRemoteApplicationEvent"}"#,
        r#"{"type":"RefreshRemoteApplicationEvent","timestamp":1705329000123,"origin_service":"server:8888:cd34","destination_service":"orders:**","id":"e1"}"#,
        r#" { "type" : "RefreshRemoteApplicationEvent", "source":"server", "extra":{"deep":[1]}, "timestamp":1705329000123,"originService":"server:8888:cd34","destinationService":"orders:**","id":"e1"} "#,
    ] {
        assert_eq!(read(body).unwrap(), plain, "{body}");
    }
    let ack = r#"{"type":"AckRemoteApplicationEvent","origin_service":"o:1:a","id":"a1","ack_id":"e1","ack_destination_service":"**","event":"com.example.Custom"}"#;
    let expected = EventKind::Ack {
        ack_id: Some("e1".into()),
        ack_destination_service: Some("**".into()),
        event: Some("com.example.Custom".into()),
    };
    assert_eq!(read(ack).unwrap().kind, expected);
}

#[test]
fn values_become_text_and_null_stays_null() {
    let body = r#"{"type":"EnvironmentChangeRemoteApplicationEvent","originService":"o:1:a","values":{"text":"v","number":5,"fraction":1.5,"flag":true,"nothing":null}}"#;
    let EventKind::EnvironmentChange { values } = read(body).unwrap().kind else {
        panic!("another kind");
    };
    let values: Vec<_> = values
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_deref()))
        .collect();
    assert_eq!(
        values,
        [
            ("text", Some("v")),
            ("number", Some("5")),
            ("fraction", Some("1.5")),
            ("flag", Some("true")),
            ("nothing", None),
        ]
    );
}

#[test]
fn what_is_no_event_is_refused_without_being_quoted() {
    let deep = format!(
        r#"{{"originService":{}"s3cret"{}}}"#,
        "[".repeat(500),
        "]".repeat(500)
    );
    for (body, expected) in [
        ("", "not JSON"),
        ("s3cret", "not JSON"),
        (
            r#"{"type":"RefreshRemoteApplicationEvent","timestamp":"#,
            "not JSON",
        ),
        (&deep, "not JSON"),
        (r#"["s3cret"]"#, "expected a JSON object"),
        (r#""s3cret""#, "expected a JSON object"),
        ("null", "expected a JSON object"),
        ("{}", "`originService` is missing"),
        (
            r#"{"originService":null,"id":"s3cret"}"#,
            "`originService` is missing",
        ),
        (
            r#"{"originService":["s3cret"]}"#,
            "`originService` is not a text",
        ),
        (
            r#"{"originService":"o","destinationService":{"s3cret":1}}"#,
            "`destinationService` is not a text",
        ),
        (
            r#"{"type":"EnvironmentChangeRemoteApplicationEvent","originService":"o","values":"s3cret"}"#,
            "`values` is not an object",
        ),
        (
            r#"{"type":"EnvironmentChangeRemoteApplicationEvent","originService":"o","values":{"s3cret":[]}}"#,
            "`values` is not a map of text",
        ),
    ] {
        assert_eq!(read(body).unwrap_err().to_string(), expected, "{body}");
    }
    assert!(BusEvent::from_json(&[0xff, 0xfe, 0, 1]).is_err());
}
