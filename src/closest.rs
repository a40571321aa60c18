//! What may have been meant by a name that nothing has.

/// How alike names must be for one to be meant by the other.
const ALIKE: f64 = 0.8;

/// Characters of the longest name that is compared with others: what that costs grows with the product of both lengths.
pub(crate) const LONGEST_NAME: usize = 256;

/// The name that is most like another one, if any is like it at all; none of more than 256 characters is.
pub fn closest<'n>(name: &str, all: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    if !is_comparable(name) {
        return None;
    }
    let all = all.filter(|other| is_comparable(other));
    let alike = all.map(|other| (strsim::jaro_winkler(name, other), other));
    let alike = alike.filter(|(likeness, _)| *likeness >= ALIKE);
    let closest = alike.max_by(|one, other| one.0.total_cmp(&other.0));
    closest.map(|(_, other)| other)
}

/// Whether a name is short enough.
pub(crate) fn is_comparable(name: &str) -> bool {
    name.chars().nth(LONGEST_NAME).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_is_like_it_is_meant() {
        let of = |name: &str| closest(name, ["pool.max", "pool.min", "url"].into_iter());
        assert_eq!(of("pool.maxx"), Some("pool.max"));
        assert_eq!(of("pol.min"), Some("pool.min"));
        assert_eq!(of("servers"), None);
        assert_eq!(closest("a", [].into_iter()), None);
    }

    #[test]
    fn a_long_name_is_compared_with_none() {
        let [longest, longer] = [LONGEST_NAME, LONGEST_NAME + 1].map(|length| "ä".repeat(length));
        let of = |name: &str| closest(name, [&*longest, &*longer].into_iter()).map(str::len);
        assert_eq!(of(&longest), Some(longest.len()));
        assert_eq!(of(&longer), None);
    }
}
