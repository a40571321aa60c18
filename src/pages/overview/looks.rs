use super::{
    super::{
        fleet::Group,
        links::{below, short, with_query},
        moment::Moment,
        sign::Sign,
    },
    Facts, Trouble,
};
use crate::{pins::Pin, waves::WaveView};

/// Matters that need a look, each of a kind.
const MOST_LOOKS: usize = 20;

/// One matter that needs a look.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) class: &'static str,
    pub(super) mark: char,
    pub(super) address: String,
    pub(super) text: String,
    pub(super) until: Option<Moment>,
    pub(super) href: String,
    pub(super) link: &'static str,
}

/// The most pressing first.
pub(super) fn looks(held: usize, groups: &[Group], facts: &Facts<'_>) -> Vec<Look> {
    let held = (held > 0).then(|| Look::of_held(held));
    let troubles = facts.troubles.iter().map(Look::of_trouble);
    let rejections = groups.iter().filter_map(Look::of_rejection);
    let waves = facts.waves.iter().filter_map(Look::of_wave);
    let pins = facts.pins.iter().map(|pin| Look::of_pin(pin, facts.now));
    let silences = groups.iter().filter_map(Look::of_silence);
    troubles
        .take(MOST_LOOKS)
        .chain(held)
        .chain(rejections.take(MOST_LOOKS))
        .chain(waves.take(MOST_LOOKS))
        .chain(pins.take(MOST_LOOKS))
        .chain(silences.take(MOST_LOOKS))
        .collect()
}

impl Look {
    fn of_trouble(trouble: &Trouble) -> Self {
        let serving = trouble.serving.as_deref().map(short);
        let serving = match serving {
            Some(commit) => format!("Serving {commit}"),
            None => "Nothing is served".to_owned(),
        };
        let age = trouble
            .seconds
            .map(|seconds| format!(", unconfirmed for {} min", seconds / 60))
            .unwrap_or_default();
        Self {
            class: "wait",
            mark: '!',
            address: trouble.repository.clone(),
            text: format!(
                "{serving}{age}: {}. Reads are not affected.",
                trouble.error.trim_end_matches('.')
            ),
            until: None,
            href: "/delivery".to_owned(),
            link: "delivery",
        }
    }

    fn of_held(problems: usize) -> Self {
        let what = if problems == 1 {
            "1 problem in them is".to_owned()
        } else {
            format!("{problems} problems in them are")
        };
        Self {
            class: "held",
            mark: '‖',
            address: "Files held back".to_owned(),
            text: format!("{what} to be mended; whoever needs them is given the last good version"),
            until: None,
            href: "/quarantine".to_owned(),
            link: "quarantine",
        }
    }

    fn of_rejection(group: &Group) -> Option<Self> {
        let rejected = group.counts.of(Sign::Rejected);
        let reason = group.reason.as_deref().unwrap_or("no reason was given");
        (rejected > 0).then(|| Self {
            class: "bad",
            mark: Sign::Rejected.mark(),
            address: group.address(),
            text: format!(
                "{rejected} of {} rejected {}: {reason}",
                group.counts.all(),
                group.short_wanted()
            ),
            until: None,
            href: group.instances("rejected"),
            link: "instances",
        })
    }

    fn of_wave(wave: &WaveView) -> Option<Self> {
        let reason = wave.reason.as_deref().unwrap_or_default();
        let is_slow = wave.overdue;
        (is_slow || !reason.is_empty()).then(|| Self {
            class: "wait",
            mark: '◐',
            address: wave.address().to_string(),
            text: format!(
                "{} reached {} %{}{reason}",
                short(&wave.commit),
                wave.percent,
                if reason.is_empty() {
                    " and takes longer than it should"
                } else {
                    " and stands still: "
                }
            ),
            until: None,
            href: with_query(
                "/instances",
                &[("application", &wave.address().application)],
            ),
            link: "instances",
        })
    }

    fn of_pin(pin: &Pin, now: i64) -> Self {
        let is_near = pin.nears_end() <= now;
        Self {
            class: "held",
            mark: '‖',
            address: pin.address.to_string(),
            text: format!(
                "pinned to {} by {}: {}; ends{}",
                pin.commit.short(),
                pin.by,
                pin.reason,
                if is_near { " soon, at" } else { "" }
            ),
            until: Some(Moment::of_millis(pin.until)),
            href: format!("{}/release", below("/pins", &pin.id)),
            link: "let go…",
        }
    }

    fn of_silence(group: &Group) -> Option<Self> {
        let silent = group.counts.of(Sign::Silent);
        (silent > 0).then(|| Self {
            class: "dim",
            mark: Sign::Silent.mark(),
            address: group.address(),
            text: if silent == 1 {
                "1 instance gives no sign any more".to_owned()
            } else {
                format!("{silent} instances give no sign any more")
            },
            until: None,
            href: group.instances("silent"),
            link: "instances",
        })
    }
}
