use super::*;

/// Each mistake as `3:9 sentence`, with what may be meant.
fn mistakes(text: &str) -> Vec<String> {
    let mistakes = Settings::read("a.toml", text).unwrap_err();
    let told = mistakes.into_iter().map(|mistake| {
        let place = mistake.place.unwrap_or_default();
        let place = place.trim_start_matches("a.toml:");
        let line = format!("{place} {} {}", mistake.sentence, mistake.help.join("; "));
        line.trim_end().to_owned()
    });
    told.collect()
}

#[test]
fn a_file_says_what_so_many_commands_say() {
    let text = r#"
        server = "http://config:8888"
        poll = "1m"
        http = "[::1]:8890"
        wait-first = "2m"
        last-good = { dir = "/var/lib/agent", key-file = "/etc/agent.key" }

        [[deliver]]
        address = "shop/prod@release/2.0"
        out = ["shop.yaml", "json:shop.conf"]
        mode = "0640"
        only = ["pool.*"]
        check = "lint {shop.yaml}"
        on-change = "POST http://127.0.0.1:9901/reload"
        on-change-timeout = "5s"

        [[deliver]]
        address = "billing"
        server = "http://other:8888"
        out = "billing.env"
        on-change = "SIGHUP"
        pid-file = "/run/billing.pid"
        restore = true
    "#;
    let Settings { http, entries } = Settings::read("a.toml", text).unwrap();
    assert_eq!(http, Some("[::1]:8890".parse().unwrap()));
    let [shop, billing] = entries.as_slice() else {
        panic!("{entries:?}")
    };
    let (args, delivery) = (&shop.args, &shop.args.delivery);
    assert_eq!(args.address.label.as_deref(), Some("release/2.0"));
    assert_eq!(args.server.as_deref(), Some("http://config:8888"));
    assert_eq!(args.poll, Some(60));
    assert_eq!(args.last_good, Some("/var/lib/agent".into()));
    assert_eq!(args.last_good_key.as_deref(), Some("/etc/agent.key"));
    assert_eq!(delivery.wait_first, Some(Duration::from_secs(120)));
    assert_eq!(delivery.out.len(), 2);
    assert!(delivery.out.iter().all(|output| output.mode == Some(0o640)));
    assert_eq!(delivery.ready_timeout, Duration::from_secs(5));
    assert!(matches!(delivery.on_change, Some(OnChange::Post(_))));
    assert_eq!(billing.address.to_string(), "billing/default");
    assert_eq!(billing.args.server.as_deref(), Some("http://other:8888"));
    assert!(billing.args.delivery.restore);
    assert!(billing.plan.is_one_of_several);
}

#[test]
fn every_mistake_is_told_at_its_place_and_in_their_order() {
    let text = r#"serve = "x"
poll = "100ms"
[[deliver]]
adress = "shop"
out = ["größe.yaml", 3]
[[deliver]]
address = "shop/a/b"
out = "b.yaml"
mode = "0040"
[[deliver]]
address = "a"
out = "a.yaml"
on-change = "SIGHUP"
[[deliver]]
address = "b"
out = "a.yaml"
[[deliver]]
address = "c"
out = "-"
"#;
    let found = [
        "1:1 `serve` is none of its settings did you mean `server`?",
        "2:8 poll: write at least 1s, or off",
        "3:1 address: is not there; write \"shop/prod\"",
        "4:1 `adress` is none of its settings did you mean `address`?",
        "5:22 out: write texts in quotes",
        "7:11 address: there is one `/` too many before the label; write shop/prod@main, and (_) for a `/` in the name of an application",
        "9:8 mode: write who may read and write, with the owner, as \"0640\"",
        "10:1 a/default: on-change: there is no program to tell; name its process with pid-file",
        "16:7 out: a.yaml is written for a/default already",
        "19:7 out: standard output is for one alone; use confbus watch",
    ];
    assert_eq!(mistakes(text), found);
    assert_eq!(
        mistakes(""),
        ["1:1 nothing is delivered: write a [[deliver]] with an address"]
    );
    let open = "http = \"0.0.0.0:8890\"\n[[deliver]]\naddress = \"a\"\n";
    let only_here = "1:8 http: only this machine is answered: write 127.0.0.1 or [::1]";
    assert_eq!(mistakes(open)[0], only_here);
    assert!(mistakes("a = \n")[0].starts_with("1:5 no TOML: "));
    assert!(mistakes("deliver = 3")[0].starts_with("1:11 deliver: write tables"));
}
