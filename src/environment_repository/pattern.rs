/// Which requests a repository is for: `application/profiles`, with `*` for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(String);

impl Pattern {
    /// The patterns that a written one stands for: without profiles it is for all of them, and one that names profiles
    /// is also for lists that begin with them.
    pub(crate) fn expand(written: &str) -> Vec<Self> {
        let of_all = (!written.contains('/')).then(|| format!("{written}/*"));
        let longer = (!written.ends_with('*')).then(|| format!("{written},*"));
        let as_written = std::iter::once(written.to_owned());
        let all = of_all.into_iter().chain(as_written).chain(longer);
        all.map(Self).collect()
    }

    /// A pattern of one name, and not of coordinates.
    pub(crate) fn of_name(written: &str) -> Self {
        Self(written.to_owned())
    }

    /// The applications whose requests may fit, and perhaps more; `*` stands for any run of characters.
    pub(super) fn applications(&self) -> String {
        let name = self.0.split(['/', ',']).next().unwrap_or_default();
        match name.split_once('*') {
            // Without a `/` of its own, a `*` may stand for one, too.
            Some((before, _)) if !self.0.contains('/') => format!("{before}*"),
            _ => name.to_owned(),
        }
    }

    /// Whether `application/profiles`, or a name, fit.
    pub(super) fn matches(&self, coordinates: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = coordinates.strip_prefix(first) else {
            return false;
        };
        let Some(last) = parts.next_back() else {
            return rest.is_empty();
        };
        // The earliest place for each part leaves most for those behind it.
        for part in parts {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, application: &str, profiles: &str, expected: bool) {
        let coordinates = format!("{application}/{profiles}");
        let matches = Pattern::expand(written)
            .iter()
            .any(|pattern| pattern.matches(&coordinates));
        assert_eq!(matches, expected, "{written} for {application}/{profiles}");
    }

    #[test]
    fn the_whole_list_of_profiles_counts() {
        check("special*/dev*", "specialx", "dev,prod", true);
        check("special*/dev*", "specialx", "development", true);
        check("special*/dev*", "specialx", "prod,dev", false);
        check("p/prod", "p", "prod", true);
        check("p/prod", "p", "prod,dev", true);
        check("p/prod", "p", "dev,prod", false);
        check("p/prod", "p", "production", false);
    }

    #[test]
    fn without_profiles_all_are_meant() {
        check("team-a", "team-a", "anything", true);
        check("team-a", "team-ab", "anything", false);
        check("team-a", "foo,team-a", "dev", false);
        check("team-a", "team-a,foo", "dev", true);
        check("*-two", "one-two", "dev", true);
        check("x*z/qa", "x-y-z", "qa", true);
        check("x*z/qa", "xyz", "dev", false);
        check("*/qa", "foo", "qa", true);
        check("aa*aa", "aaa", "x", false);
    }
}
