//! The pages about errors with codes, which `confbus help CB1001` shows without any network.

macro_rules! pages {
    ($($code:literal),* $(,)?) => {
        [$(($code, include_str!(concat!("../docs/errors/", $code, ".md")))),*]
    };
}

/// Every code and its page, in the order of the codes.
const PAGES: [(&str, &str); 31] = pages![
    "CB1001", "CB2001", "CB2002", "CB2003", "CB2004", "CB2005", "CB2006", "CB2008", "CB2009",
    "CB2010", "CB2011", "CB2013", "CB2014", "CB2015", "CB2016", "CB2017", "CB2018", "CB2019",
    "CB2020", "CB2021", "CB2022", "CB2023", "CB7001", "CB7002", "CB7003", "CB8001", "CB8002",
    "CB8003", "CB8004", "CB8005", "CB8006",
];

/// Whether a text has the form of a code, in whatever case.
pub(crate) fn is_code(text: &str) -> bool {
    let digits = text.get(2..).unwrap_or_default();
    text.is_ascii()
        && text[..2.min(text.len())].eq_ignore_ascii_case("CB")
        && digits.len() == 4
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The page about a code, in whatever case it is written.
pub(crate) fn page(code: &str) -> Option<&'static str> {
    let found = PAGES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(code));
    found.map(|(_, page)| page.trim_end())
}

/// All codes.
pub(crate) fn codes() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(|(code, _)| *code)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn every_page_is_compiled_in() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors");
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let pages: Vec<_> = codes().map(|code| format!("{code}.md")).collect();
        assert_eq!(files, pages);
    }

    #[test]
    fn every_page_explains_and_shows_before_and_after() {
        for (code, page) in PAGES {
            assert!(page.starts_with(&format!("# {code}: ")), "{code}");
            let parts: Vec<_> = page.split("\n## ").collect();
            let names: Vec<_> = parts[1..]
                .iter()
                .map(|part| part.lines().next().unwrap())
                .collect();
            assert_eq!(names, ["Before", "After"], "{code}");
            for part in &parts[1..] {
                assert_eq!(part.matches("\n```").count(), 2, "{code}: one fenced block");
            }
            for line in page.lines() {
                assert!(line.chars().count() <= 80, "{code}: {line}");
            }
        }
    }

    #[test]
    fn a_code_is_two_letters_and_four_digits() {
        for code in ["CB1001", "cb8002", "CB9999"] {
            assert!(is_code(code), "{code}");
        }
        for other in ["", "C", "CB", "CB100", "CB10011", "pin", "CBabcd", "ü1001"] {
            assert!(!is_code(other), "{other}");
        }
        assert_eq!(page("cb1001"), page("CB1001"));
    }
}
