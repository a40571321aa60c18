use std::collections::VecDeque;

use reqwest::header::HeaderValue;

/// More servers than share an address behind a load balancer; a restart makes another one of each.
const MOST: usize = 16;

/// What the servers at one address said of the moments when they lagged.
#[derive(Debug, Default)]
pub(super) struct Marks(VecDeque<String>);

impl Marks {
    /// Keeps the first one of each server: with each later one it would take another look.
    pub(super) fn add(&mut self, mark: &HeaderValue) {
        let Ok(mark) = mark.to_str() else { return };
        if self.0.iter().any(|known| epoch(known) == epoch(mark)) {
            return;
        }
        self.0.push_back(mark.to_owned());
        if self.0.len() > MOST {
            self.0.pop_front();
        }
    }

    /// For whichever of them answers.
    pub(super) fn all(&self) -> String {
        Vec::from_iter(self.0.iter().map(String::as_str)).join(",")
    }
}

/// Which server it is of.
fn epoch(mark: &str) -> Option<&str> {
    Some(mark.split_once('-')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_server_the_first_mark_is_kept() {
        let mut marks = Marks::default();
        for mark in ["a-1", "b-7", "a-2", "b-8"] {
            marks.add(&HeaderValue::from_static(mark));
        }
        assert_eq!(marks.all(), "a-1,b-7");
        for server in 0..MOST {
            let mark = HeaderValue::try_from(format!("c{server}-1"));
            marks.add(&mark.unwrap());
        }
        assert_eq!(marks.all().split(',').count(), MOST);
        assert!(!marks.all().contains("a-1"));
    }
}
