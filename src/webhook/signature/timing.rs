//! Whether the time of a check tells how much of a proof was right: two kinds of wrong proofs, in turns by chance, and
//! Welch's test of their times. A comparison that stops at the first difference shows that it would be noticed.

use std::{hint::black_box, time::Instant};

use http::HeaderMap;

use super::{Provider, Secret, verify};

/// Of each kind.
const SAMPLES: usize = 100_000;
/// What Welch's t exceeds once in a hundred thousand tests of times that do not differ.
const LEAKS: f64 = 4.5;
/// Times above this share of all are of interrupts, not of checks.
const KEPT: f64 = 0.9;
const TIMES: usize = 3;
/// Copies of each proof, so that where one lies in memory does not count.
const COPIES: usize = 64;
/// Long enough for a comparison that stops early to show.
const LENGTH: usize = 1024;

/// Welch's t between the times of work with two kinds of proofs.
fn t<P>(proofs: &[P], mut work: impl FnMut(&P)) -> f64 {
    let mut random = fastrand::Rng::with_seed(1);
    let mut times = [Vec::new(), Vec::new()];
    while times.iter().any(|times| times.len() < SAMPLES) {
        let chosen = random.usize(..proofs.len());
        let proof = black_box(&proofs[chosen]);
        let began = Instant::now();
        work(proof);
        times[chosen % 2].push(began.elapsed().as_nanos() as f64);
    }
    let mut all: Vec<_> = times.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let longest = all[(all.len() as f64 * KEPT) as usize];
    let [first, second] = times.map(|times| Sample::of(times, longest));
    let spread = first.variance / first.count + second.variance / second.count;
    (first.mean - second.mean) / spread.sqrt()
}

struct Sample {
    count: f64,
    mean: f64,
    variance: f64,
}

impl Sample {
    fn of(mut times: Vec<f64>, longest: f64) -> Self {
        times.retain(|time| *time <= longest);
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let squares = times.iter().map(|time| (time - mean).powi(2));
        let variance = squares.sum::<f64>() / (count - 1.0);
        Self {
            count,
            mean,
            variance,
        }
    }
}

fn headers(name: &'static str, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
}

/// A proof that is wrong from the beginning, and one that is wrong at the end. A digit stays a digit, since what is sent may
/// take its time.
fn wrong(right: &str) -> Vec<String> {
    let other = |byte: u8| match byte {
        b'9' => '8',
        b'f' => 'e',
        byte => char::from(byte + 1),
    };
    let (bytes, last) = (right.as_bytes(), right.len() - 1);
    let first = format!("{}{}", other(bytes[0]), &right[1..]);
    let last = format!("{}{}", &right[..last], other(bytes[last]));
    vec![[first, last]; COPIES].concat()
}

fn stops_early(given: &[u8], right: &[u8]) -> bool {
    given
        .iter()
        .zip(right)
        .all(|(given, right)| black_box(given) == black_box(right))
}

#[test]
#[expect(clippy::print_stderr, reason = "figures are what it is run for")]
#[ignore = "measures for a while: `cargo xtask timing` runs it"]
fn the_time_of_a_check_tells_nothing() {
    let token = "7".repeat(LENGTH);
    let secret = Secret::new(token.clone()).unwrap();
    let body = b"a delivery";
    let given = wrong(&token);
    let early = t(&given, |given| {
        black_box(stops_early(given.as_bytes(), token.as_bytes()));
    });
    assert!(
        early.abs() > LEAKS,
        "a leak would not be found: t = {early:.2}"
    );

    let tag = aws_lc_rs::hmac::sign(
        &aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, token.as_bytes()),
        body,
    );
    let hex: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let now = std::time::Duration::from_secs(1);
    let mut leaks = vec![format!("a comparison that stops early: t = {early:.2}")];
    for (provider, header, right, prefix) in [
        (Provider::Github, "x-hub-signature-256", &hex, "sha256="),
        (Provider::Gitea, "x-gitea-signature", &hex, ""),
        (Provider::Gitlab, "x-gitlab-token", &token, ""),
    ] {
        let with_prefix = |wrong: &String| headers(header, &format!("{prefix}{wrong}"));
        let given: Vec<_> = wrong(right).iter().map(with_prefix).collect();
        let check = |given: &HeaderMap| {
            black_box(verify(provider, &secret, given, body, now));
        };
        // What others do on this machine shows once; a leak shows every time.
        let measured = (0..TIMES).map(|_| t(&given, check));
        let found = measured.min_by(|one, other| one.abs().total_cmp(&other.abs()));
        let found = found.unwrap();
        leaks.push(format!("{}: t = {found:.2}", provider.name()));
        assert!(found.abs() < LEAKS, "{}", leaks.join(", "));
    }
    eprintln!("{}", leaks.join(", "));
}
