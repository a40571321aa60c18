#![no_main]
//! A body from the bus is an event, or refused; an event survives the wire.

use confbus_protocol::BusEvent;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    if let Ok(event) = BusEvent::from_json(body) {
        let again = BusEvent::from_json(&event.to_json()).expect("our own events can be read");
        assert_eq!(again.type_name(), event.type_name());
    }
});
