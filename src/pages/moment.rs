use askama::Template;
use confbus_protocol::Timestamp;

/// A time as every page shows it: in UTC; the script makes it the reader's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Template)]
#[template(
    source = r#"<time datetime="{{ iso }}">{{ shown }}</time>"#,
    ext = "html"
)]
pub(crate) struct Moment {
    iso: String,
    shown: String,
}

/// It is markup already.
impl askama::filters::HtmlSafe for Moment {}

impl Moment {
    /// Of `2026-11-21T14:25:10.178Z`.
    pub(super) fn of(iso: &str) -> Self {
        let (date, rest) = iso.split_once('T').unwrap_or((iso, ""));
        let time = rest.get(..8).unwrap_or_default();
        Self {
            iso: iso.to_owned(),
            shown: format!("{date} {time} UTC"),
        }
    }

    /// Of milliseconds since 1970.
    pub(crate) fn of_millis(milliseconds: i64) -> Self {
        Self::of(&Timestamp::from_millis(milliseconds).to_iso())
    }
}

/// What lies between two times, for people; nothing where one of them is no time.
pub(super) fn between(from: &str, to: &str) -> Option<String> {
    let parsed = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let took = parsed(to)?.as_millisecond() - parsed(from)?.as_millisecond();
    let seconds = took / 1000;
    Some(match took {
        ..1000 => format!("{} ms", took.max(0)),
        1000..60_000 => format!("{seconds}.{} s", took % 1000 / 100),
        60_000..3_600_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_utc() {
        let moment = Moment::of_millis(5);
        assert_eq!(
            moment.render().unwrap(),
            r#"<time datetime="1970-01-01T00:00:00.005Z">1970-01-01 00:00:00 UTC</time>"#
        );
        assert_eq!(Moment::of("x").shown, "x  UTC");
    }

    #[test]
    fn spans_are_short() {
        let from = "2026-11-21T14:25:10.000Z";
        for (to, expected) in [
            ("2026-11-21T14:25:10.160Z", "160 ms"),
            ("2026-11-21T14:25:12.340Z", "2.3 s"),
            ("2026-11-21T14:27:12.340Z", "2 min 2 s"),
            ("2026-11-21T16:27:12.340Z", "2 h 2 min"),
            ("2026-11-21T14:25:09.000Z", "0 ms"),
        ] {
            assert_eq!(between(from, to).as_deref(), Some(expected));
        }
        assert_eq!(between(from, "later"), None);
    }
}
