use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use rcgen::{CertificateParams, KeyPair};
use rustls::version::TLS13;

use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Writes a certificate that begins and ends so many days after the first of all.
fn write(path: &Path, begins: u32, ends: u32) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = (SystemTime::UNIX_EPOCH + DAY * begins).into();
    params.not_after = (SystemTime::UNIX_EPOCH + DAY * ends).into();
    let certificate = params.self_signed(&key).unwrap();
    fs::write(path, certificate.pem() + &key.serialize_pem()).unwrap();
}

/// Our own certificate, and one that is trusted.
fn pair(folder: &Path) -> [PathBuf; 2] {
    ["own.pem", "trusted.pem"].map(|name| {
        let path = folder.join(name);
        write(&path, 1, 40_000);
        path
    })
}

fn open(path: &Path) -> Tls {
    open_trusting(path, None)
}

fn open_trusting(path: &Path, trusted: Option<&Path>) -> Tls {
    let file = |path: &Path| KeyFile {
        path: path.to_owned(),
        password: String::new().into(),
    };
    let settings = Settings {
        certificate: file(path),
        private_key: None,
        trusted: trusted.map(file),
        client_auth: match trusted {
            None => ClientAuth::None,
            Some(_) => ClientAuth::Want,
        },
        versions: vec![&TLS13],
        http2: false,
    };
    Tls::open(settings).unwrap()
}

/// What is seen to be complete takes two looks.
async fn look(tls: &Tls, seen: Seen) -> Seen {
    let seen = tls.look(seen).await;
    tls.look(seen).await
}

#[tokio::test]
async fn what_was_renewed_before_anybody_followed_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.pem");
    write(&path, 1, 40_000);
    let tls = open(&path);
    let before = tls.not_after();
    write(&path, 1, 40_001);
    look(&tls, tls.seen_at_start()).await;
    assert_ne!(tls.not_after(), before);
}

#[tokio::test]
async fn another_trust_ends_the_one_before_and_another_certificate_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let [own, trusted] = pair(folder.path());
    let tls = open_trusting(&own, Some(&trusted));
    let first = tls.terms().withdrawn;
    write(&own, 1, 40_001);
    let seen = look(&tls, tls.seen_at_start()).await;
    assert!(!first.is_cancelled());
    write(&trusted, 1, 40_001);
    look(&tls, seen).await;
    assert!(first.is_cancelled() && !tls.terms().withdrawn.is_cancelled());
}

#[tokio::test]
async fn another_trust_does_not_wait_for_a_certificate_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let [own, trusted] = pair(folder.path());
    let tls = open_trusting(&own, Some(&trusted));
    let (first, of_first) = (tls.terms(), tls.not_after());
    let mut seen = tls.seen_at_start();
    let breaks: [fn(&Path); 3] = [
        |own| write(own, 1, 2),
        |own| fs::write(own, "nothing").unwrap(),
        |own| fs::remove_file(own).unwrap(),
    ];
    for (number, broken) in breaks.into_iter().enumerate() {
        let before = tls.terms().withdrawn;
        broken(&own);
        seen = look(&tls, seen).await;
        assert!(!before.is_cancelled(), "{number}");
        write(&trusted, 1, 40_001);
        seen = look(&tls, seen).await;
        assert!(before.is_cancelled(), "{number}");
        let now = tls.terms();
        assert!(!now.withdrawn.is_cancelled() && tls.trouble().is_some());
        let (one, other) = (&first.config.cert_resolver, &now.config.cert_resolver);
        assert!(Arc::ptr_eq(one, other) && tls.not_after() == of_first);
        assert!(!Arc::ptr_eq(&first.config, &now.config), "{number}");
    }
    // A trust of no use takes the place of none.
    let before = tls.terms().withdrawn;
    write(&own, 1, 40_002);
    fs::write(&trusted, "nothing").unwrap();
    seen = look(&tls, seen).await;
    assert!(!before.is_cancelled() && tls.not_after() == of_first);
    write(&trusted, 1, 40_002);
    look(&tls, seen).await;
    assert!(before.is_cancelled() && tls.trouble().is_none());
    assert_ne!(tls.not_after(), of_first);
}

#[tokio::test]
async fn a_certificate_whose_time_is_not_now_replaces_none_whose_time_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.pem");
    write(&path, 1, 40_000);
    let tls = open(&path);
    let before = tls.not_after();
    let mut seen = tls.seen_at_start();
    for (begins, ends, reason) in [(1, 2, "has run out"), (40_000, 40_001, "has not begun")] {
        write(&path, begins, ends);
        seen = look(&tls, seen).await;
        assert_eq!(tls.not_after(), before);
        let trouble = tls.trouble().unwrap().to_string();
        assert!(trouble.ends_with(reason), "{trouble}");
    }
    // Once what is in service has run out as well, the newest counts.
    let out = Current {
        config: tls.terms().config,
        trust: tls.0.current.load().trust.clone(),
        not_before: None,
        not_after: Some(Timestamp::UNIX_EPOCH),
    };
    tls.0.current.store(Arc::new(out));
    tls.look(seen).await;
    assert!(tls.trouble().is_none() && tls.not_after() > before);
}
