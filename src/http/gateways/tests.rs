use super::*;
use crate::http::peer::ON_SOCKET;

fn gateways(headers: ForwardHeaders) -> Gateways {
    Gateways {
        headers,
        trusted: ["10.0.0.0/8", "127.0.0.1/32", "2001:db8::/32"]
            .map(|range| range.parse().unwrap())
            .into(),
        on_socket: false,
    }
}

fn fields(said: &[(&'static str, &str)]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in said {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        fields.append(*name, value);
    }
    fields
}

#[test]
fn nobody_is_trusted_by_default() {
    let address = IpAddr::from([127, 0, 0, 1]);
    assert!(!Gateways::default().trust(address));
    assert!(gateways(ForwardHeaders::Native).trust(address));
    assert!(gateways(ForwardHeaders::Native).trust("::ffff:10.0.0.1".parse().unwrap()));
    assert!(!gateways(ForwardHeaders::None).trust(address));
    let mut all = gateways(ForwardHeaders::Native);
    all.trusted.push("0.0.0.0/0".parse().unwrap());
    assert!(!all.trust(ON_SOCKET.ip()));
    all.on_socket = true;
    assert!(all.trust(ON_SOCKET.ip()));
}

#[test]
fn who_asks_is_the_last_one_that_is_not_trusted() {
    let all = gateways(ForwardHeaders::Native);
    let many = "10.0.0.9, ".repeat(64) + "192.0.2.7";
    let much = "x".repeat(4096) + ", 192.0.2.7";
    let too_many = "192.0.2.7".to_owned() + &", 10.0.0.9".repeat(32);
    let just_so_many = "192.0.2.7".to_owned() + &", 10.0.0.9".repeat(31);
    let too_much = "192.0.2.7, ".to_owned() + &" ".repeat(2048) + "10.0.0.9";
    for (said, gateway, expected) in [
        ("192.0.2.7", "10.0.0.1", "192.0.2.7"),
        ("192.0.2.7, 192.0.2.8", "10.0.0.1", "192.0.2.8"),
        ("192.0.2.7, 10.0.0.2", "10.0.0.1", "192.0.2.7"),
        ("127.0.0.1, 192.0.2.7, 10.0.0.2", "10.0.0.1", "192.0.2.7"),
        // All are trusted: the first of them asks.
        ("10.0.0.3, 10.0.0.2", "10.0.0.1", "10.0.0.3"),
        ("192.0.2.7:4711", "10.0.0.1", "192.0.2.7"),
        ("[2001:db9::1]:4711", "10.0.0.1", "2001:db9::1"),
        ("2001:db9::1", "10.0.0.1", "2001:db9::1"),
        ("::ffff:192.0.2.7", "10.0.0.1", "192.0.2.7"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        // What cannot be so is not believed.
        ("127.0.0.1", "10.0.0.1", "10.0.0.1"),
        ("127.0.0.1, 10.0.0.2", "10.0.0.1", "10.0.0.1"),
        ("0.0.0.0", "10.0.0.1", "10.0.0.1"),
        ("::", "10.0.0.1", "10.0.0.1"),
        ("224.0.0.1", "10.0.0.1", "10.0.0.1"),
        ("ff02::1", "10.0.0.1", "10.0.0.1"),
        ("unknown", "10.0.0.1", "10.0.0.1"),
        ("192.0.2.7, x, 10.0.0.2", "10.0.0.1", "10.0.0.1"),
        ("192.0.2.7,", "10.0.0.1", "10.0.0.1"),
        ("192.0.2.7:x", "10.0.0.1", "10.0.0.1"),
        ("", "10.0.0.1", "10.0.0.1"),
        // Behind one who is not trusted, anything may stand.
        ("x, 192.0.2.7", "10.0.0.1", "192.0.2.7"),
        ("\u{e9}\", 192.0.2.7", "10.0.0.1", "192.0.2.7"),
        (&many, "10.0.0.1", "192.0.2.7"),
        (&much, "10.0.0.1", "192.0.2.7"),
        (&just_so_many, "10.0.0.1", "192.0.2.7"),
        (&too_many, "10.0.0.1", "10.0.0.1"),
        (&too_much, "10.0.0.1", "10.0.0.1"),
    ] {
        let fields = fields(&[("x-forwarded-for", said)]);
        let gateway = gateway.parse().unwrap();
        let asker = all.asker(&fields, gateway);
        assert_eq!(asker.to_string(), expected, "{said}");
        assert_eq!(all.told(&fields, gateway).address, asker, "{said}");
    }
}

#[test]
fn a_host_of_many_gateways_is_that_of_who_asks() {
    let all = gateways(ForwardHeaders::Native);
    let gateway = "10.0.0.1".parse().unwrap();
    for (said, host, scheme) in [
        (&[("x-forwarded-proto", "https")][..], None, Some("https")),
        (
            &[
                ("x-forwarded-for", "192.0.2.7"),
                ("x-forwarded-host", "config.example"),
                ("x-forwarded-port", "8443"),
                ("x-forwarded-proto", "HTTPS"),
            ],
            Some("config.example:8443"),
            Some("https"),
        ),
        (
            &[
                ("x-forwarded-for", "192.0.2.7, 10.0.0.2"),
                ("x-forwarded-host", "evil.example, config.example, inner"),
                ("x-forwarded-proto", "http,https,http"),
            ],
            Some("config.example"),
            Some("https"),
        ),
        (
            &[
                ("x-forwarded-host", "config.example"),
                ("x-forwarded-port", "443"),
                ("x-forwarded-proto", "https"),
            ],
            Some("config.example"),
            Some("https"),
        ),
        (
            &[
                ("x-forwarded-for", "nonsense"),
                ("x-forwarded-host", "config.example"),
                ("x-forwarded-proto", "https"),
            ],
            None,
            None,
        ),
        (&[("x-forwarded-host", "user@config.example")], None, None),
        (&[("x-forwarded-host", "a b")], None, None),
        (&[("x-forwarded-proto", "gopher")], None, None),
    ] {
        let told = all.told(&fields(said), gateway);
        let told = (
            told.host.as_ref().map(Authority::as_str),
            told.outside.scheme,
        );
        assert_eq!(told, (host, scheme), "{said:?}");
    }
}

#[test]
fn forwarded_is_read_where_it_is_to_be() {
    let gateway = "10.0.0.1".parse().unwrap();
    for (said, expected) in [
        (&[("forwarded", "for=192.0.2.7")][..], "192.0.2.7 - -"),
        (
            &[(
                "forwarded",
                "For=\"[2001:db9::1]:99\";proto=https;host=\"a.example:8\"",
            )],
            "2001:db9::1 a.example:8 https",
        ),
        (
            &[
                ("forwarded", "for=1.1.1.1;host=evil, for=192.0.2.7;host=a"),
                (
                    "forwarded",
                    "for=10.0.0.2;host=b;by=_x;secret=\"a,b;c=\\\"\"",
                ),
            ],
            "192.0.2.7 a -",
        ),
        (&[("forwarded", "for=unknown")], "10.0.0.1 - -"),
        (&[("forwarded", "for=_hidden;host=a")], "10.0.0.1 - -"),
        (&[("forwarded", "for=\"192.0.2.7")], "10.0.0.1 - -"),
        // A quote that a caller left open ends where the gateway begins to write.
        (
            &[("forwarded", "for=\", for=\"192.0.2.7\";host=a")],
            "192.0.2.7 a -",
        ),
        (
            &[
                ("forwarded", "\"\\, for=192.0.2.7"),
                ("x-forwarded-for", "\", 192.0.2.7"),
            ],
            "192.0.2.7 - -",
        ),
        (
            &[("forwarded", "for=192.0.2.7;for=192.0.2.8")],
            "10.0.0.1 - -",
        ),
        (&[("forwarded", "host=a")], "10.0.0.1 - -"),
        // Whichever of the two a gateway passes on as it came: they say two things, so neither counts.
        (
            &[
                ("forwarded", "for=192.0.2.7"),
                ("x-forwarded-for", "192.0.2.8"),
            ],
            "10.0.0.1 - -",
        ),
        (
            &[
                ("forwarded", "for=192.0.2.7;host=a"),
                ("x-forwarded-for", "192.0.2.7"),
            ],
            "192.0.2.7 a -",
        ),
        (&[("x-forwarded-for", "192.0.2.8")], "192.0.2.8 - -"),
    ] {
        let told = gateways(ForwardHeaders::Framework).told(&fields(said), gateway);
        let host = told.host.as_ref().map_or("-", Authority::as_str);
        let scheme = told.outside.scheme.unwrap_or("-");
        assert_eq!(
            format!("{} {host} {scheme}", told.address),
            expected,
            "{said:?}"
        );
    }
    let native = gateways(ForwardHeaders::Native);
    for passed_on in ["for=192.0.2.7", "\"", "\u{e9}"] {
        let said = [
            ("forwarded", passed_on),
            ("x-forwarded-for", "192.0.2.8"),
            ("x-forwarded-host", "a.example"),
        ];
        let told = native.told(&fields(&said), gateway);
        assert_eq!(told.address.to_string(), "192.0.2.8", "{passed_on}");
        assert!(told.host.is_some(), "{passed_on}");
    }
}

#[test]
fn a_prefix_is_a_path_and_nothing_else() {
    for (said, expected) in [
        (&["/config"][..], "/config"),
        (&["/a/", "b, /c"], "/a/b/c"),
        (&["//evil.example"], "/evil.example"),
        (&["/a/../b"], ""),
        (&["/a\"onload=x"], ""),
        (&["/a", "https://evil"], ""),
        (&["/"], ""),
    ] {
        let said: Vec<_> = said
            .iter()
            .map(|text| ("x-forwarded-prefix", *text))
            .collect();
        assert_eq!(prefix(&fields(&said)).as_str(), expected, "{said:?}");
    }
    let longest = format!("/{}", "a".repeat(LONGEST_PREFIX - 1));
    for (long, expected) in [(&longest, &*longest), (&format!("{longest}a"), "")] {
        let fields = fields(&[("x-forwarded-prefix", long)]);
        assert_eq!(prefix(&fields).as_str(), expected);
    }
}
