use serde::{Deserialize, Serialize};

use crate::printable::printable;

/// Characters of a name or a subject.
const LONGEST: usize = 200;

/// Who made a commit, when, and what it says of itself. No address of a person is among it.
///
/// Others wrote these texts: what is kept is one line of bounded length that drives no terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Authorship {
    pub(crate) author: String,
    /// In RFC 3339, in UTC: when it was written, which may be long before it was pushed.
    pub(crate) authored: String,
    /// The first lines of the message, up to an empty one.
    pub(crate) subject: String,
}

impl Authorship {
    /// With the time in seconds since 1970.
    pub(crate) fn new(author: &str, seconds: i64, subject: &str) -> Self {
        let (first, last) = (jiff::Timestamp::MIN, jiff::Timestamp::MAX);
        let seconds = seconds.clamp(first.as_second(), last.as_second());
        let authored = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        Self {
            author: bounded(author),
            authored: authored.to_string(),
            subject: bounded(subject),
        }
    }
}

fn bounded(text: &str) -> String {
    let most = text.char_indices().nth(LONGEST).map(|(end, _)| end);
    let shown = printable(text[..most.unwrap_or(text.len())].trim()).into_owned();
    if most.is_some() { shown + "…" } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_one_line_of_bounded_length() {
        let subject = format!("{}x", "ä".repeat(LONGEST));
        let authorship = Authorship::new(" Ana\x1b[2J\u{202e} ", 1_795_172_491, &subject);
        assert_eq!(authorship.author, r"Ana\u{1b}[2J\u{202e}");
        assert_eq!(authorship.authored, "2026-11-20T11:01:31Z");
        assert_eq!(authorship.subject, format!("{}…", "ä".repeat(LONGEST)));
    }

    #[test]
    fn a_time_that_is_none_is_the_nearest_one() {
        for seconds in [i64::MIN, i64::MAX] {
            assert!(
                !Authorship::new("", seconds, "")
                    .authored
                    .starts_with("1970")
            );
        }
    }
}
