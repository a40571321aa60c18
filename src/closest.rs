//! What may have been meant by a name that nothing has.

/// How alike names must be for one to be meant by the other.
const ALIKE: f64 = 0.8;

/// The name that is most like another one, if any is like it at all.
pub fn closest<'n>(name: &str, all: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let alike = all.map(|other| (strsim::jaro_winkler(name, other), other));
    let alike = alike.filter(|(likeness, _)| *likeness >= ALIKE);
    let closest = alike.max_by(|one, other| one.0.total_cmp(&other.0));
    closest.map(|(_, other)| other)
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
}
