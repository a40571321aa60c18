use super::*;

const AT: &str = "spring.cloud.config.server.git";
const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
const PINNED: [(&str, &str); 2] = [("host-key-algorithm", "ssh-ed25519"), ("host-key", KEY)];

const URI: &str = "git@git.example:acme/x";

/// The settings of a repository, what is wrong with them, and what they open.
fn read(said: &[(&str, &str)], parent: Option<(&Ssh, &str)>) -> (Ssh, String, Vec<String>) {
    let (reader, ssh) = read_of(URI, &Access::default(), said, parent);
    let opened = reader.opened();
    (ssh, problems(reader), opened)
}

/// The settings of a repository that is somewhere, with a login, and the reader that has read them.
fn read_of(
    uri: &str,
    access: &Access,
    said: &[(&str, &str)],
    parent: Option<(&Ssh, &str)>,
) -> (Reader, Ssh) {
    let said = said.iter();
    let said = said.map(|(key, value)| (format!("{AT}.{key}"), (*value).to_owned()));
    let mut reader = Reader::of(said.collect(), Vec::new());
    let ssh = ssh(&mut reader, AT, &format!("{AT}.uri"), access, uri, parent);
    (reader, ssh)
}

fn problems(reader: Reader) -> String {
    let (problems, _) = reader.finish();
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    problems.join("\n")
}

#[test]
fn hosts_are_known_as_is_said() {
    let user = read(&[], None);
    assert_eq!((user.0.hosts, user.1.as_str()), (KnownHosts::OfUser, ""));
    let key = HostKey::parse("ssh-ed25519", KEY).unwrap();
    assert_eq!(read(&PINNED, None).0.hosts, KnownHosts::Pinned(key));
    let file = [("known-hosts-file", file!())];
    assert_eq!(read(&file, None).0.hosts, KnownHosts::File(file!().into()));
    let (ssh, problems, opened) = read(&[("strict-host-key-checking", "false")], None);
    assert_eq!((ssh.hosts, problems.as_str()), (KnownHosts::Anybody, ""));
    assert_eq!(opened, [format!("{AT}.strict-host-key-checking=false")]);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (said, expected) in [
        (&[("host-key", KEY)][..], "without `"),
        (&[("host-key-algorithm", "ssh-rsa")], "without `"),
        (
            &[("host-key", KEY), ("host-key-algorithm", "ssh-dss")],
            "is not known",
        ),
        (
            &[("host-key", KEY), ("host-key-algorithm", "ssh-rsa")],
            "no key of that algorithm",
        ),
        (
            &[("host-key", "-"), ("host-key-algorithm", "ssh-rsa")],
            "not base64",
        ),
        (&[("known-hosts-file", "/nowhere")], "names no file"),
        (
            &[PINNED[0], PINNED[1], ("strict-host-key-checking", "false")],
            "keys to know it by",
        ),
        (
            &[("preferred-authentications", "gssapi-with-mic")],
            "names no way to log in",
        ),
        (
            &[("ignore-local-ssh-settings", "true")],
            "there is no other one",
        ),
    ] {
        let (_, problems, _) = read(said, None);
        assert!(problems.contains(expected), "{said:?}: {problems}");
        assert!(!problems.contains(KEY), "{problems}");
    }
}

#[test]
fn a_password_in_the_address_is_a_login() {
    let said = [("ignore-local-ssh-settings", "true")];
    for (uri, may_login) in [
        ("ssh://git:pw@git.example/x", true),
        ("ssh://git@git.example/x", false),
    ] {
        let (reader, _) = read_of(uri, &Access::default(), &said, None);
        assert_eq!(problems(reader).is_empty(), may_login, "{uri}");
    }
}

#[test]
fn a_pinned_key_is_for_its_own_host() {
    let (parent, ..) = read(&PINNED, None);
    let none = Access::default();
    for (uri, is_same, is_warned) in [
        (URI, true, false),
        ("git@GIT.Example:acme/x", true, false),
        ("git@elsewhere.example:acme/x", false, true),
        ("https://elsewhere.example/acme/x", false, false),
    ] {
        let above = "ssh://git.example:22/other";
        let (reader, ssh) = read_of(uri, &none, &[], Some((&parent, above)));
        let pinned = is_same.then(|| parent.hosts.clone());
        assert_eq!(ssh.hosts, pinned.unwrap_or(KnownHosts::OfUser), "{uri}");
        let (_, warnings) = reader.finish();
        assert_eq!(!warnings.is_empty(), is_warned, "{uri}: {warnings:?}");
    }
    let own = read(&PINNED, Some((&parent, "git@elsewhere.example:x/y")));
    assert_eq!(own.0.hosts, parent.hosts);
}

#[test]
fn to_say_the_default_aloud_weakens_nothing() {
    let strict = ("strict-host-key-checking", "true");
    let same_host = "ssh://git.example:22/other";
    for said in [&PINNED[..], &[("known-hosts-file", file!())]] {
        let (parent, ..) = read(said, None);
        let (ssh, ..) = read(&[strict], Some((&parent, same_host)));
        assert_eq!(ssh.hosts, parent.hosts);
    }
    let with_key = Access {
        private_key: Some("-".into()),
        ..Access::default()
    };
    let said = [strict, ("ignore-local-ssh-settings", "true")];
    let (_, ssh) = read_of(URI, &with_key, &said, None);
    assert_eq!(ssh.hosts, KnownHosts::Nobody);
    let open = Ssh {
        hosts: KnownHosts::Anybody,
        ..Ssh::default()
    };
    let (ssh, ..) = read(&[strict], Some((&open, same_host)));
    assert_eq!(ssh.hosts, KnownHosts::OfUser);
    let (ssh, ..) = read(&[], Some((&open, same_host)));
    assert_eq!(ssh.hosts, KnownHosts::Anybody);
}

#[test]
fn logins_are_tried_in_the_order_that_is_said() {
    let said = [("preferred-authentications", "password, none, publickey")];
    let (ssh, problems, _) = read(&said, None);
    assert_eq!(problems, "");
    assert_eq!(ssh.logins, [Login::Password, Login::PublicKey]);
}
