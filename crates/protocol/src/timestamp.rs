use std::fmt;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// A moment in UTC: `!!timestamp` in YAML.
///
/// JSON shows it as `2001-12-14T00:00:00.000Z`, and as text it is Java's `Fri Dec 14 00:00:00 UTC 2001`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Milliseconds since 1970 began.
    millis: i64,
}

/// The parts of a moment.
struct Parts {
    year: i64,
    month: usize,
    day: i64,
    weekday: usize,
    hour: i64,
    minute: i64,
    second: i64,
    millis: i64,
}

impl Timestamp {
    /// A moment by its milliseconds since 1970 began.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self { millis }
    }

    /// Milliseconds since 1970 began.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.millis
    }

    /// As Jackson writes it.
    #[must_use]
    pub fn to_iso(self) -> String {
        let parts = self.parts();
        format!("{}.{:03}Z", parts.iso_seconds(), parts.millis)
    }

    /// As SnakeYAML writes it, without a fraction that is zero.
    #[must_use]
    pub fn to_yaml(self) -> String {
        match self.parts() {
            parts if parts.millis == 0 => format!("{}Z", parts.iso_seconds()),
            _ => self.to_iso(),
        }
    }

    /// The calendar of Gregory, also for the days before it.
    fn parts(self) -> Parts {
        let days = self.millis.div_euclid(DAY);
        let rest = self.millis.rem_euclid(DAY);
        // Years that begin in March, so that the day that may be missing is the last one.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = (march_month + 2) % 12;
        Parts {
            year: era * 400 + year_of_era + i64::from(month < 2),
            month: usize::try_from(month).unwrap_or_default(),
            day: day_of_year - (153 * march_month + 2) / 5 + 1,
            weekday: usize::try_from((days + 4).rem_euclid(7)).unwrap_or_default(),
            hour: rest / 3_600_000,
            minute: rest / 60_000 % 60,
            second: rest / 1000 % 60,
            millis: rest % 1000,
        }
    }
}

impl Parts {
    fn iso_seconds(&self) -> String {
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            self.year,
            self.month + 1,
            self.day,
            self.hour,
            self.minute,
            self.second
        )
    }
}

/// As `java.util.Date` writes itself, on a machine in UTC.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let parts = self.parts();
        write!(
            f,
            "{} {} {:02} {:02}:{:02}:{:02} UTC {}",
            WEEKDAYS[parts.weekday],
            MONTHS[parts.month],
            parts.day,
            parts.hour,
            parts.minute,
            parts.second,
            parts.year
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_three_faces() {
        for (millis, iso, yaml, text) in [
            (
                1_008_288_000_000,
                "2001-12-14T00:00:00.000Z",
                "2001-12-14T00:00:00Z",
                "Fri Dec 14 00:00:00 UTC 2001",
            ),
            (
                1_008_385_183_100,
                "2001-12-15T02:59:43.100Z",
                "2001-12-15T02:59:43.100Z",
                "Sat Dec 15 02:59:43 UTC 2001",
            ),
            (
                -1,
                "1969-12-31T23:59:59.999Z",
                "1969-12-31T23:59:59.999Z",
                "Wed Dec 31 23:59:59 UTC 1969",
            ),
            (
                951_782_400_000,
                "2000-02-29T00:00:00.000Z",
                "2000-02-29T00:00:00Z",
                "Tue Feb 29 00:00:00 UTC 2000",
            ),
        ] {
            let timestamp = Timestamp::from_millis(millis);
            assert_eq!(timestamp.to_iso(), iso);
            assert_eq!(timestamp.to_yaml(), yaml);
            assert_eq!(timestamp.to_string(), text);
        }
    }
}
