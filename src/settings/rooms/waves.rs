use std::{path::PathBuf, time::Duration};

use super::SECOND;
use crate::{
    pins::Address,
    settings::reader::Reader,
    waves::{OnSilence, Rule, Settings},
};

const AT: &str = "confbus.waves";
const KEYS: [&str; 5] = ["address", "steps", "wait", "stop-at", "on-silence"];

/// More addresses than these cost every read that misses too much.
const MAX_RULES: usize = 100;
/// Ten minutes: about as long as an instance may take to answer.
const USUAL_WAIT: Duration = Duration::from_secs(10 * 60);
/// One of a hundred.
const USUAL_STOP: u32 = 100;

/// Off without any; `None` when one cannot be used. `backends` of them make an answer together.
pub(super) fn waves(
    reader: &mut Reader,
    file: Option<PathBuf>,
    backends: usize,
) -> Option<Settings> {
    let names = reader.children(AT);
    if backends > 1 && !names.is_empty() {
        let key = format!("{AT}.{}.steps", names[0]);
        // Such an answer has no version of its own, so nobody could report that it runs it, or not.
        let text = format!("`{key}` needs a single backend, and there are {backends}");
        reader.refuse(&key, text, Some("one Git repository, or one with `repos`"));
        return None;
    }
    if names.len() > MAX_RULES {
        reader.refuse(AT, format!("there are more than {MAX_RULES} waves"), None);
        return None;
    }
    // All of them, so that one start tells all mistakes.
    let read: Vec<_> = names.iter().map(|name| rule(reader, name)).collect();
    let rules: Vec<_> = read.into_iter().collect::<Option<_>>()?;
    let twice = (1..rules.len()).find(|index| {
        let address = |rule: &Rule| rule.address.clone();
        rules[..*index]
            .iter()
            .any(|earlier| address(earlier) == address(&rules[*index]))
    });
    if let Some(index) = twice {
        let text = format!(
            "`{AT}.{}` is for an address that has a wave already",
            names[index]
        );
        reader.refuse(&format!("{AT}.{}.steps", names[index]), text, None);
        return None;
    }
    Some(Settings { rules, file })
}

fn rule(reader: &mut Reader, name: &str) -> Option<Rule> {
    let key = |below: &str| format!("{AT}.{name}.{below}");
    check_keys(reader, name);
    let address = address(reader, name, &key("address"));
    let steps = steps(reader, &key("steps"));
    let wait = reader.duration(&key("wait"), SECOND, USUAL_WAIT);
    let stop_at = stop_at(reader, &key("stop-at"));
    let on_silence = on_silence(reader, &key("on-silence"));
    Some(Rule {
        address: address?,
        steps: steps?,
        wait,
        stop_at: stop_at?,
        on_silence: on_silence?,
    })
}

fn check_keys(reader: &mut Reader, name: &str) {
    for (below, _) in reader.below(&format!("{AT}.{name}.")) {
        let own = below.split('[').next().unwrap_or_default();
        let plain = |text: &str| text.replace(['-', '_'], "").to_lowercase();
        if !KEYS.iter().any(|known| plain(known) == plain(own)) {
            let key = format!("{AT}.{name}.{below}");
            let known = KEYS.join(", ");
            reader.refuse(
                &key,
                format!("`{key}` is not a setting of a wave"),
                Some(&known),
            );
        }
    }
}

/// Where none is said, the application of that name.
fn address(reader: &mut Reader, name: &str, key: &str) -> Option<Address> {
    let text = reader.text_or(key, name);
    let address = Address::parse(&text);
    let refuse = |problem| {
        let said = if reader.has(key) {
            key.to_owned()
        } else {
            key.replace("address", "steps")
        };
        let text = format!("`{text}` is no address: {problem}");
        reader.refuse(
            &said,
            text,
            Some("orders, orders/prod, orders/prod/main or orders/*/main"),
        );
    };
    address.map_err(refuse).ok()
}

fn steps(reader: &mut Reader, key: &str) -> Option<Vec<u8>> {
    let said = reader.list(key);
    let numbers: Option<Vec<u8>> = said.iter().map(|text| text.parse().ok()).collect();
    let numbers = numbers.filter(|steps| {
        let grow = steps.windows(2).all(|pair| pair[0] < pair[1]);
        grow && steps.iter().all(|step| (1..=100).contains(step)) && !steps.is_empty()
    });
    let Some(mut steps) = numbers else {
        let text = format!("`{key}` is not ever more percent, from 1 to 100");
        reader.refuse(key, text, Some("5,25,100"));
        return None;
    };
    if steps.last() != Some(&100) {
        steps.push(100);
    }
    Some(steps)
}

/// In hundredths of a percent.
fn stop_at(reader: &mut Reader, key: &str) -> Option<u32> {
    let Some(text) = reader.text(key) else {
        return Some(USUAL_STOP);
    };
    let number = text.trim().trim_end_matches('%').trim().parse::<f64>().ok();
    let number = number.filter(|percent| (0.0..=100.0).contains(percent));
    if number.is_none() {
        let text = format!("`{key}` is no share of rejections");
        reader.refuse(key, text, Some("1%, or 0.5%"));
    }
    // Bounded above.
    number.map(|percent| (percent * 100.0).round() as u32)
}

fn on_silence(reader: &mut Reader, key: &str) -> Option<OnSilence> {
    match reader.text_or(key, "wait").as_str() {
        "wait" => Some(OnSilence::Wait),
        "go" => Some(OnSilence::Go),
        _ => {
            reader.refuse(key, format!("`{key}` is neither `wait` nor `go`"), None);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rules, and what is wrong.
    fn read(said: &[(&str, &str)]) -> (Option<Vec<Rule>>, String) {
        read_beside(1, said)
    }

    fn read_beside(backends: usize, said: &[(&str, &str)]) -> (Option<Vec<Rule>>, String) {
        let arguments = said.iter();
        let arguments = arguments.map(|(key, value)| (format!("{AT}.{key}"), (*value).to_owned()));
        let mut reader = Reader::of(arguments.collect(), Vec::new());
        let settings = waves(&mut reader, None, backends);
        let (problems, _) = reader.finish();
        let problems = problems.iter().map(ToString::to_string).collect();
        (settings.map(|settings| settings.rules), problems)
    }

    #[test]
    fn steps_are_enough() {
        let (rules, problems) = read(&[("payments.steps", "5,25")]);
        assert_eq!(problems, "");
        let rule = Rule {
            address: Address::parse("payments").unwrap(),
            steps: vec![5, 25, 100],
            wait: USUAL_WAIT,
            stop_at: USUAL_STOP,
            on_silence: OnSilence::Wait,
        };
        assert_eq!(rules, Some(vec![rule]));
        assert_eq!(read(&[]).0, Some(Vec::new()));
    }

    #[test]
    fn all_may_be_said() {
        let (rules, problems) = read(&[
            ("eu.address", "payments/prod/main"),
            ("eu.steps", "1,100"),
            ("eu.wait", "30s"),
            ("eu.stop-at", "0.5%"),
            ("eu.onSilence", "go"),
        ]);
        assert_eq!(problems, "");
        let rule = rules.unwrap().remove(0);
        assert_eq!(rule.address.to_string(), "payments/prod/main");
        assert_eq!((rule.wait, rule.stop_at), (Duration::from_secs(30), 50));
        assert_eq!(rule.on_silence, OnSilence::Go);
    }

    #[test]
    fn mistakes_are_named() {
        let steps = ("a.steps", "5,100");
        let cases: [(&[(&str, &str)], &str); 9] = [
            (&[("a.wait", "5m")], "`confbus.waves.a.steps`"),
            (&[("a.steps", "5,5")], "`confbus.waves.a.steps`"),
            (&[("a.steps", "0,5")], "`confbus.waves.a.steps`"),
            (&[("a.steps", "50,101")], "`confbus.waves.a.steps`"),
            (&[steps, ("a.stop-at", "many")], "no share of rejections"),
            (
                &[steps, ("a.on-silence", "stop")],
                "neither `wait` nor `go`",
            ),
            (&[steps, ("a.address", "b,c")], "`b,c` is no address"),
            (&[steps, ("a.step", "5")], "is not a setting of a wave"),
            (
                &[steps, ("b.steps", "5"), ("b.address", "a")],
                "has a wave already",
            ),
        ];
        for (said, problem) in cases {
            let (rules, problems) = read(said);
            assert!(problems.contains(problem), "{problems}");
            assert!(rules.is_none() || problem.contains("setting of a wave"));
        }
    }

    #[test]
    fn several_backends_have_no_waves() {
        let (rules, problems) = read_beside(2, &[("a.steps", "5,100")]);
        assert!(rules.is_none() && problems.contains("`confbus.waves.a.steps` needs a single"));
        assert_eq!(read_beside(2, &[]), (Some(Vec::new()), String::new()));
    }
}
